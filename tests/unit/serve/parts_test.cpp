// Parts of the server that need no connection: routes, latencies, the access log, the queue.
#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "access_log.h"
#include "effort.h"
#include "history.h"
#include "response.h"
#include "route.h"
#include "service.h"
#include "work_queue.h"

namespace coppice::serve {
namespace {

using ::testing::HasSubstr;

TEST(Routes, PathsLeadToTheirKindAndName) {
  struct Case {
    std::string target;
    RouteKind kind;
    std::string name;
  };
  const std::vector<Case> cases = {
      {"/", RouteKind::kStatusPage, ""},
      {"/?a=b", RouteKind::kStatusPage, ""},
      {"/ping", RouteKind::kPing, ""},
      {"/ping/", RouteKind::kPing, ""},
      {"/invocations?output=margin", RouteKind::kInvocations, ""},
      {"/endpoints/my-end/invocations", RouteKind::kEndpointInvocations, "my-end"},
      {"/models/a%20b/invoke", RouteKind::kModelInvoke, "a b"},
      {"/models/a", RouteKind::kModel, "a"},
      {"/models/a/drift", RouteKind::kModelDrift, "a"},
      {"/models", RouteKind::kModels, ""},
      {"/models/a/b", RouteKind::kUnknown, "a"},
      {"/endpoints/a/invocations-response-stream", RouteKind::kUnknown, "a"},
      {"ping", RouteKind::kUnknown, ""},
      {"", RouteKind::kUnknown, ""},
  };
  for (const Case& one : cases) {
    const Route route = find_route(one.target);
    EXPECT_EQ(route.kind, one.kind) << one.target;
    EXPECT_EQ(route.name, one.name) << one.target;
  }
  EXPECT_EQ(find_route("/invocations?output=margin").query, "output=margin");
}

TEST(Routes, MethodsAreWholeWords) {
  EXPECT_TRUE(is_allowed(RouteKind::kModel, Method::kDelete));
  EXPECT_TRUE(is_allowed(RouteKind::kPing, Method::kHead));
  EXPECT_FALSE(is_allowed(RouteKind::kPing, Method::kPost));
  EXPECT_FALSE(is_allowed(RouteKind::kInvocations, Method::kOther));
}

TEST(Effort, ModerateRequestsAreLeftToTheQueueWhileSmallOnesCome) {
  SmallFirst rule;
  const SmallFirst::Time begin{std::chrono::hours(1)};
  EXPECT_TRUE(rule.answers_at_once(Effort::kModerate, begin));
  EXPECT_FALSE(rule.answers_at_once(Effort::kLarge, begin));
  EXPECT_TRUE(rule.answers_at_once(Effort::kSmall, begin));
  EXPECT_FALSE(rule.answers_at_once(Effort::kModerate, begin));
  EXPECT_FALSE(rule.answers_at_once(Effort::kModerate, begin + SmallFirst::kMemory));
  EXPECT_TRUE(rule.answers_at_once(Effort::kSmall, begin + SmallFirst::kMemory));
  const SmallFirst::Time forgotten = begin + 2 * SmallFirst::kMemory + std::chrono::nanoseconds(1);
  EXPECT_TRUE(rule.answers_at_once(Effort::kModerate, forgotten));
  EXPECT_FALSE(rule.answers_at_once(Effort::kLarge, forgotten));
}

TEST(Routes, FormsAreDecoded) {
  EXPECT_EQ(percent_decoded("a%2Cb+c%zz%4"), "a,b+c%zz%4");
  EXPECT_EQ(form_field("rows=1%2C2%0D%0A+3&model=m", "rows"), "1,2\r\n 3");
  EXPECT_EQ(form_field("rows=1&model=m", "model"), "m");
  EXPECT_EQ(form_field("rowsx=1", "rows"), "");
  EXPECT_EQ(whole_number("17"), 17U);
  for (const std::string_view text : {"", "-1", "1x", " 1", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(whole_number(text), std::nullopt) << text;
  }
}

TEST(Latency, BinsAreNoWiderThanAnEighthOfAnOctave) {
  for (std::int64_t latency = 1000; latency < 60'000'000'000; latency += latency / 37 + 1) {
    const double end = LatencyBins::end_of(LatencyBins::bin_of(std::chrono::nanoseconds(latency)));
    EXPECT_GT(end, static_cast<double>(latency) * 1e-9);
    EXPECT_LE(end, static_cast<double>(latency) * 1.126e-9);  // 9/8, and a float's rounding
  }
  EXPECT_EQ(LatencyBins::bin_of(std::chrono::nanoseconds(0)),
            LatencyBins::bin_of(std::chrono::nanoseconds(1000)));
  EXPECT_EQ(LatencyBins::bin_of(std::chrono::hours(1)), LatencyBins::kBins - 1);
}

TEST(Latency, QuantilesAreThoseOfTheLastMinute) {
  using std::chrono::microseconds;
  std::vector<ThreadMetrics> threads(2);
  History history;
  const auto start = std::chrono::steady_clock::now();
  threads[0].count_latency(std::chrono::seconds(1));
  threads[0].count(RouteKind::kPing, 200);
  history.remember(threads, start);
  for (int i = 0; i < 98; ++i) threads[0].count_latency(microseconds(100));
  for (int i = 0; i < 2; ++i) threads[1].count_latency(microseconds(5000));
  threads[1].count(RouteKind::kInvocations, 503);
  history.remember(threads, start + std::chrono::seconds(1));  // too soon to count

  const Totals all = add_up(threads);
  EXPECT_EQ(all.requests, 2);
  EXPECT_EQ(all.failures, 1);
  const Totals recent = history.recent(all);
  EXPECT_EQ(recent.requests, 1);
  EXPECT_NEAR(recent.latency_quantile(0.5), 100e-6, 13e-6);
  EXPECT_NEAR(recent.latency_quantile(0.98), 100e-6, 13e-6);
  EXPECT_NEAR(recent.latency_quantile(0.99), 5000e-6, 650e-6);
  EXPECT_NEAR(all.latency_quantile(1), 1, 0.13);
  EXPECT_EQ(Totals{}.latency_quantile(0.5), 0);
}

AccessRecord record(std::string_view target) {
  return {.time = std::chrono::system_clock::time_point(std::chrono::milliseconds(1'700'000'000'001)),
          .duration = std::chrono::microseconds(125),
          .bytes_in = 5,
          .bytes_out = 7,
          .n_rows = 1,
          .status = 200,
          .method = Method::kPost,
          .remote = std::string_view("127.0.0.1"),
          .target = target,
          .model = std::string_view("m/1")};
}

TEST(Log, LinesAreJson) {
  EXPECT_EQ(access_line(record("/invocations")),
            R"({"time":"2023-11-14T22:13:20.001000Z","remote":"127.0.0.1","method":"POST",)"
            R"("target":"/invocations","status":200,"seconds":0.000125,"bytes_in":5,"bytes_out":7,)"
            R"("model":"m/1","rows":1})"
            "\n");
  const std::string hostile = "/\"\n\xff" + std::string(200, 'x');
  const auto line = nlohmann::json::parse(access_line(record(hostile)));
  EXPECT_EQ(line["target"].get<std::string>().size(), 119 + 3);  // cut at 120 bytes, one of them replaced
}

TEST(Log, WritesWhatFitsAndCountsWhatDoesNot) {
  std::string lines;
  std::uint64_t n_dropped = 0;
  {
    AccessLog log(1, [&lines](std::string_view text) { lines += text; });
    for (int i = 0; i < 5000; ++i) log.add(0, record("/ping"));
    n_dropped = log.n_dropped();
  }
  EXPECT_LE(n_dropped, 5000U - 4096U);  // what the ring holds, more if the writer was awake meanwhile
  EXPECT_EQ(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')), 5000U - n_dropped);
  const AccessLog none(2, nullptr);
  EXPECT_FALSE(none.is_on());
}

TEST(WorkQueue, UnhurriedWorkWaitsForAllOtherAndHasHalfOfThePlaces) {
  ModelStore store{StoreOptions{}};
  std::promise<void> is_begun, may_end, is_done;
  std::string order;
  WorkQueue queue(4, 1, [&store](std::size_t i) { return Worker{.models = ModelView(store), .index = i}; });
  ASSERT_TRUE(queue.try_push([&](Worker& /*worker*/) {
    is_begun.set_value();
    may_end.get_future().wait();
  }));
  is_begun.get_future().wait();  // the only thread has it: what follows waits
  const auto note = [&order](char name) { return [&order, name](Worker& /*worker*/) { order += name; }; };
  EXPECT_TRUE(queue.try_push_unhurried(note('u')));
  EXPECT_TRUE(queue.try_push_unhurried([&](Worker& /*worker*/) { is_done.set_value(); }));
  EXPECT_FALSE(queue.try_push_unhurried(note('v')));
  EXPECT_TRUE(queue.try_push(note('a')));
  EXPECT_TRUE(queue.try_push(note('b')));
  EXPECT_FALSE(queue.try_push(note('c')));
  EXPECT_EQ(queue.size(), 4U);
  may_end.set_value();
  is_done.get_future().wait();
  EXPECT_EQ(order, "abu");
}

TEST(Responses, AreWrittenWithLengthAndWithoutBodyForHead) {
  Response response;
  response.set_text(404, "no\n");
  response.add_header("A", "b");
  std::string out;
  append_response(out, response, false, true);
  EXPECT_THAT(out, ::testing::StartsWith("HTTP/1.1 404 Not Found\r\nDate: "));
  EXPECT_THAT(out,
              ::testing::EndsWith("GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n"
                                  "Connection: close\r\nA: b\r\n\r\n"));
  response.clear();
  response.status = 204;
  out.clear();
  append_response(out, response, true, false);
  EXPECT_THAT(out, ::testing::Not(HasSubstr("Content-")));
}

}  // namespace
}  // namespace coppice::serve
