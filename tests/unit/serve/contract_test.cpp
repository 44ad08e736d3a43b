// Routes, status codes and the words of errors, over a real connection.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "running_server.h"

namespace coppice::serve {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Contract : public ::testing::Test {
 protected:
  RunningServer server_{quick_options()};
};

TEST_F(Contract, PingIsEmptyAndGood) {
  const Reply reply = server_.ask(request("GET", "/ping"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "");
  EXPECT_EQ(reply.headers.at("content-length"), "0");
  EXPECT_TRUE(reply.headers.contains("date"));
}

TEST_F(Contract, InvocationsScoreRowsInOrder) {
  const Reply reply = server_.ask(csv_request("/invocations", "0.25,1\n0.75,1\n,1\n"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.body, "0\n1\n1\n");
  EXPECT_EQ(reply.headers.at("content-type"), "text/csv; charset=utf-8");
  EXPECT_EQ(reply.headers.at("x-coppice-model"), "step/1");
}

TEST_F(Contract, EveryWayToNameTheModelLeadsToIt) {
  for (const std::string target : {"/invocations", "/endpoints/step/invocations", "/models/step/invoke",
                                   "/models/st%65p/invoke", "http://other/invocations", "/invocations/"}) {
    EXPECT_EQ(server_.ask(csv_request(target, "0.75,1")).body, "1\n") << target;
  }
  const std::string header = "X-Amzn-SageMaker-Target-Model: step\r\n";
  EXPECT_EQ(server_.ask(csv_request("/endpoints/any/invocations", "0.75,1", header)).body, "1\n");
}

TEST_F(Contract, StatusCodesOfInvocations) {
  const auto status = [this](const std::string& text) { return server_.ask(text).status; };
  EXPECT_EQ(status(request("POST", "/invocations")), 204);
  EXPECT_EQ(status(csv_request("/invocations", "1,2,3")), 400);
  EXPECT_EQ(status(csv_request("/invocations", "1,2", "Accept: image/png\r\n")), 406);
  EXPECT_EQ(status(request("POST", "/invocations", "1,2", "Content-Type: image/png\r\n")), 415);
  EXPECT_EQ(status(csv_request("/models/absent/invoke", "1,2")), 404);
  EXPECT_EQ(status(request("GET", "/nothing/here")), 404);
  const Reply wrong_method = server_.ask(request("GET", "/invocations"));
  EXPECT_EQ(wrong_method.status, 405);
  EXPECT_EQ(wrong_method.headers.at("allow"), "POST");
}

TEST_F(Contract, ErrorsTellTheirIdAndWhatIsWrong) {
  const Reply reply = server_.ask(csv_request("/invocations", "1,2,3"));
  EXPECT_THAT(reply.body, StartsWith("[serve.request.columns] "));
  EXPECT_THAT(reply.headers.at("content-type"), StartsWith("text/plain"));
}

TEST_F(Contract, EndpointsTellErrorsAsTheManagedServiceDoes) {
  const Reply bad = server_.ask(csv_request("/endpoints/step/invocations", "1,2,3"));
  EXPECT_EQ(bad.status, 424);
  EXPECT_EQ(bad.headers.at("x-amzn-errortype"), "ModelError");
  const Json error = Json::parse(bad.body);
  EXPECT_EQ(error["OriginalStatusCode"], 400);
  EXPECT_THAT(error["Message"], HasSubstr(error["OriginalMessage"].get<std::string>()));

  const Reply unknown = server_.ask(csv_request("/endpoints/absent/invocations", "1,2"));
  EXPECT_EQ(unknown.status, 400);
  EXPECT_EQ(unknown.headers.at("x-amzn-errortype"), "ValidationError");
  EXPECT_EQ(Json::parse(unknown.body)["message"], "Endpoint absent not found.");
}

TEST_F(Contract, EndpointsEchoWhatClientsOfTheManagedServiceRead) {
  const std::string header = "X-Amzn-SageMaker-Custom-Attributes: trace=17\r\n";
  const Reply reply = server_.ask(csv_request("/endpoints/step/invocations", "1,2", header));
  EXPECT_EQ(reply.headers.at("x-amzn-invoked-production-variant"), "AllTraffic");
  EXPECT_EQ(reply.headers.at("x-amzn-sagemaker-custom-attributes"), "trace=17");
}

TEST_F(Contract, ModelsAreListedPageByPageAndDescribed) {
  server_.store.load("twin", server_.folder.path("step.json"));
  const Json first = Json::parse(server_.ask(request("GET", "/models?limit=1")).body);
  EXPECT_EQ(first["models"][0]["modelName"], "step");
  const std::string next = "/models?limit=1&next_page_token=" + first["nextPageToken"].get<std::string>();
  const Json second = Json::parse(server_.ask(request("GET", next)).body);
  EXPECT_EQ(second["models"][0]["modelName"], "twin");
  EXPECT_FALSE(second.contains("nextPageToken"));
  EXPECT_EQ(server_.ask(request("GET", "/models?limit=many")).status, 400);

  const Json one = Json::parse(server_.ask(request("GET", "/models/twin")).body);
  EXPECT_EQ(one["modelUrl"], server_.folder.path("step.json"));
  EXPECT_EQ(one["version"], 2);
  EXPECT_EQ(one["features"], (Json{"x", "y"}));
  const Reply absent = server_.ask(request("GET", "/models/absent"));
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(Json::parse(absent.body)["type"], "ModelNotFoundException");
  EXPECT_EQ(server_.ask(request("GET", "/models/twin/drift")).status, 200);
}

TEST_F(Contract, ExecutionParametersTellHowToCall) {
  EXPECT_EQ(Json::parse(server_.ask(request("GET", "/execution-parameters")).body),
            (Json{{"MaxConcurrentTransforms", 2}, {"BatchStrategy", "MULTI_RECORD"}, {"MaxPayloadInMB", 6}}));
}

TEST_F(Contract, MetricsCountRequestsRowsAndLatency) {
  ASSERT_EQ(server_.ask(csv_request("/invocations", "0,1\n1,1\n")).status, 200);
  ASSERT_EQ(server_.ask(csv_request("/invocations", "0\n")).status, 400);
  const Reply reply = server_.ask(request("GET", "/metrics"));
  EXPECT_THAT(reply.headers.at("content-type"), StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(reply.body, HasSubstr("\ncoppice_requests_total{path=\"/invocations\",code=\"200\"} 1\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncoppice_requests_total{path=\"/invocations\",code=\"400\"} 1\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncoppice_model_rows_total{model=\"step\"} 2\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncoppice_invocation_seconds_bucket{le=\"+Inf\"} 2\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncoppice_invocation_seconds_count 2\n"));
}

TEST_F(Contract, StatusPageScoresAPastedRow) {
  const Reply page = server_.ask(request("GET", "/"));
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.headers.at("content-type"), StartsWith("text/html"));
  EXPECT_THAT(page.body, HasSubstr("<td>step<br>"));
  const std::string form = "Content-Type: application/x-www-form-urlencoded\r\n";
  const Reply scored = server_.ask(request("POST", "/", "model=step&rows=0.75%2C1%0D%0A0.25%2C2", form));
  EXPECT_THAT(scored.body, HasSubstr("<pre>score\n1\n0\n</pre>"));
  const Reply hostile = server_.ask(request("POST", "/", "model=step&rows=%3Cscript%3E", form));
  EXPECT_THAT(hostile.body, HasSubstr("<pre class=\"bad\">[serve.request."));
  EXPECT_THAT(hostile.body, Not(HasSubstr("<script>")));
}

TEST_F(Contract, HeadTellsTheLengthWithoutTheBody) {
  Client client = server_.connect();
  ASSERT_TRUE(client.send(request("HEAD", "/models") + request("GET", "/models")));
  const Reply head = client.receive(/*has_body=*/false);
  const Reply get = client.receive();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(std::stoul(head.headers.at("content-length")), get.body.size());
}

TEST_F(Contract, PipelinedRequestsAreAnsweredInOrder) {
  Client client = server_.connect();
  std::string all;
  for (int i = 0; i < 50; ++i) all += csv_request("/invocations", i % 3 == 0 ? "0,1" : "1,1");
  ASSERT_TRUE(client.send(all));
  for (int i = 0; i < 50; ++i) EXPECT_EQ(client.receive().body, i % 3 == 0 ? "0\n" : "1\n") << i;
}

TEST_F(Contract, LargeRequestsKeepTheirPlaceAmongSmallOnes) {
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "1,1\n";
  Client client = server_.connect();
  ASSERT_TRUE(client.send(csv_request("/invocations", many) + csv_request("/invocations", "0,1")));
  EXPECT_EQ(client.receive().body.size(), 2 * 20'000);
  EXPECT_EQ(client.receive().body, "0\n");
}

TEST_F(Contract, ChunkedBodiesAndContinueAreUnderstood) {
  Client client = server_.connect();
  ASSERT_TRUE(
      client.send("POST /invocations HTTP/1.1\r\nHost: test\r\nContent-Type: text/csv\r\n"
                  "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_EQ(client.receive().status, 100);
  EXPECT_EQ(client.ask("3\r\n1,1\r\n4\r\n\n0,1\r\n0\r\n\r\n").body, "1\n0\n");
}

TEST_F(Contract, ConnectionsStayOrCloseAsTheClientAsks) {
  Client kept = server_.connect();
  EXPECT_EQ(kept.ask(request("GET", "/ping")).status, 200);
  EXPECT_EQ(kept.ask(request("GET", "/ping")).status, 200);
  const Reply last = kept.ask(request("GET", "/ping", "", "Connection: close\r\n"));
  EXPECT_EQ(last.headers.at("connection"), "close");
  EXPECT_TRUE(kept.is_closed());
  Client old = server_.connect();
  EXPECT_EQ(old.ask("GET /ping HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").status, 200);
  EXPECT_TRUE(old.is_closed());
  Client half = server_.connect();
  ASSERT_TRUE(half.send(csv_request("/invocations", "1,1")));
  half.finish_sending();
  EXPECT_EQ(half.receive().body, "1\n");
}

}  // namespace
}  // namespace coppice::serve
