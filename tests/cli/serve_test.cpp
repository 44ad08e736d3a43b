// coppice serve, as a process: what it says, what signals do, what is left when it is killed.
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): kill is POSIX

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "../unit/serve/client.h"
#include "program.h"

namespace coppice::test {
namespace {

using serve::Client;
using serve::csv_request;
using serve::Reply;
using serve::request;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kRow = "100,50,DE";

class Serve : public ModelTest {
 protected:
  ~Serve() override {
    if (process_ > 0) ::kill(process_, SIGKILL), wait(process_);
  }

  /// Starts a server on a free port and waits until it listens.
  void serve(const Words& more) {
    Words words = {"serve", "--port", "0", "--threads", "2"};
    words.insert(words.end(), more.begin(), more.end());
    process_ = start(words);
    const std::string address = waited_for("listening on http://127.0.0.1:");
    port_ = static_cast<std::uint16_t>(std::stoi(address));
  }

  /// What follows a text on standard error, once it is there.
  std::string waited_for(const std::string& text) const {
    for (int i = 0; i < 2000; ++i) {
      const std::string errors = read("stderr");
      const std::size_t found = errors.find(text);
      const std::size_t end = found == std::string::npos ? found : errors.find('\n', found);
      if (end != std::string::npos) return errors.substr(found + text.size(), end - found - text.size());
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    throw std::runtime_error("the server did not say: " + text + "\n" + read("stderr"));
  }

  Reply ask(const std::string& text) const { return Client(port_).ask(text); }

  int end_with(int signal) {
    ::kill(process_, signal);
    const int exit_code = wait(process_);
    process_ = 0;
    return exit_code;
  }

  /// The score that predict gives the row.
  std::string predicted(const std::string& model) const {
    const Outcome outcome = run({"predict", "--model", model, "-"}, "Time,Amount,Country\n" + kRow + "\n");
    return lines_of(outcome.output).at(1) + "\n";
  }

  void train(const std::string& model, const std::string& rounds) const {
    ASSERT_EQ(run({"train", "--train", "t.csv", "--label", "Class", "--model", model, "--param",
                   "num_round=" + rounds, "--log-period", "0"})
                  .exit_code,
              0);
  }

  pid_t process_ = 0;
  std::uint16_t port_ = 0;
};

TEST_F(Serve, AnswersWhatPredictPredicts) {
  train("other.json", "3");
  serve({"--model", "m.json", "--model", "second=other.json"});
  EXPECT_THAT(read("stderr"), HasSubstr("model m/1: 3 features, 20 trees, from m.json\n"));
  EXPECT_EQ(ask(csv_request("/invocations", kRow)).body, predicted("m.json"));
  EXPECT_EQ(ask(csv_request("/models/second/invoke", kRow)).body, predicted("other.json"));
  EXPECT_EQ(ask(csv_request("/invocations", "Country,Time,Extra,Amount\nDE,100,9,50")).body,
            predicted("m.json"));
  EXPECT_EQ(end_with(SIGTERM), 0);
  EXPECT_EQ(read("stdout"), "");
}

TEST_F(Serve, HangupLoadsTheModelsAgain) {
  serve({"--model", "m.json"});
  train("m.json", "3");
  const std::string after = predicted("m.json");
  EXPECT_NE(ask(csv_request("/invocations", kRow)).body, after);
  ::kill(process_, SIGHUP);
  waited_for("reloaded 1 models");
  const Reply reply = ask(csv_request("/invocations", kRow));
  EXPECT_EQ(reply.body, after);
  EXPECT_EQ(reply.headers.at("x-coppice-model"), "m/2");
  write("m.json", "{");
  ::kill(process_, SIGHUP);
  waited_for("not reloaded: m: [io.model.");
  EXPECT_EQ(ask(csv_request("/invocations", kRow)).body, after);
}

TEST_F(Serve, TermFinishesWhatRunsAndExitsWithZero) {
  serve({"--model", "m.json"});
  Client running(port_);
  const std::string text = csv_request("/invocations", kRow);
  ASSERT_TRUE(running.send(text.substr(0, text.size() - 1)));
  ASSERT_EQ(ask(request("GET", "/ping")).status, 200);
  ::kill(process_, SIGTERM);
  waited_for("stopping");
  EXPECT_EQ(ask(request("GET", "/ping")).status, 503);
  EXPECT_EQ(running.ask(text.substr(text.size() - 1)).body, predicted("m.json"));
  EXPECT_EQ(wait(process_), 0);
  process_ = 0;
}

TEST_F(Serve, KilledServerLeavesNothingBroken) {
  const std::string model = read("m.json");
  serve({"--model", "m.json", "--admin", "--model-root", ".", "--admin-unix", "admin.sock"});
  ASSERT_EQ(ask(csv_request("/invocations", kRow)).status, 200);
  EXPECT_EQ(end_with(SIGKILL), 128 + SIGKILL);
  EXPECT_EQ(read("m.json"), model);
  serve({"--model", "m.json", "--admin", "--model-root", ".", "--admin-unix", "admin.sock"});
  EXPECT_EQ(ask(csv_request("/invocations", kRow)).body, predicted("m.json"));
}

TEST_F(Serve, KilledServerServesAgainWhatRequestsLoaded) {
  train("other.json", "3");
  const Words words = {"--model",      "m.json", "--model",      "gone=m.json", "--admin",
                       "--model-root", ".",      "--model-list", "models.list"};
  const auto change = [&](const std::string& method, const std::string& target, const std::string& body) {
    return ask(request(method, target, body)).status;
  };
  serve(words);
  EXPECT_FALSE(exists("models.list"));  // --model counts until a request changes it
  EXPECT_EQ(change("PUT", "/models/m", R"({"url": "other.json"})"), 200);
  EXPECT_EQ(change("POST", "/models", R"({"model_name": "new", "url": "m.json"})"), 200);
  EXPECT_EQ(change("POST", "/models", R"({"model_name": "bad", "url": "t.csv"})"), 400);
  EXPECT_EQ(change("DELETE", "/models/gone", ""), 200);
  end_with(SIGKILL);
  serve(words);
  EXPECT_THAT(read("stderr"),
              HasSubstr("models as models.list lists them; remove it to start from --model\n"));
  EXPECT_EQ(ask(csv_request("/invocations", kRow)).body, predicted("other.json"));
  EXPECT_EQ(ask(csv_request("/models/new/invoke", kRow)).body, predicted("m.json"));
  EXPECT_EQ(ask(request("GET", "/models/gone")).status, 404);
  EXPECT_EQ(ask(request("GET", "/models/bad")).status, 404);
}

TEST_F(Serve, ListThatCannotBeWrittenChangesNothing) {
  serve({"--model", "m.json", "--admin", "--model-root", ".", "--model-list", "absent/models.list"});
  const Reply reply = ask(request("POST", "/models", R"({"model_name": "new", "url": "m.json"})"));
  EXPECT_EQ(reply.status, 500);
  EXPECT_THAT(reply.body, HasSubstr("absent/models.list"));
  EXPECT_EQ(ask(request("GET", "/models/new")).status, 404);
  EXPECT_EQ(ask(request("GET", "/models/m")).status, 200);
}

TEST_F(Serve, LogsRequestsAsJson) {
  serve({"--model", "m.json", "--log", "json"});
  ASSERT_EQ(ask(csv_request("/invocations?output=margin", kRow)).status, 200);
  EXPECT_EQ(end_with(SIGTERM), 0);
  bool is_there = false;
  for (const std::string& line : lines_of(read("stderr"))) {
    if (!line.starts_with('{')) continue;
    const auto record = nlohmann::json::parse(line);
    EXPECT_EQ(record["target"], "/invocations?output=margin");
    EXPECT_EQ(record["status"], 200);
    EXPECT_EQ(record["model"], "m/1");
    EXPECT_EQ(record["rows"], 1);
    is_there = true;
  }
  EXPECT_TRUE(is_there);
}

TEST_F(Serve, ShadowScoresCopiesAndTellsHowItDiffers) {
  train("other.json", "3");
  serve({"--model", "m.json", "--shadow", "m=other.json"});
  for (int i = 0; i < 10; ++i) ASSERT_EQ(ask(csv_request("/invocations", kRow)).body, predicted("m.json"));
  std::string metrics;
  for (int i = 0;
       i < 500 && metrics.find("coppice_shadow_requests_total{model=\"m\"} 10\n") == std::string::npos; ++i) {
    metrics = ask(request("GET", "/metrics")).body;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(metrics, HasSubstr("coppice_shadow_rows_different_total{model=\"m\"} 10\n"));
  EXPECT_THAT(metrics, HasSubstr("coppice_drift_psi{model=\"m\",feature=\"Amount\"} "));
}

TEST_F(Serve, AsksForTheTokenOfAFile) {
  write("token", "secret\n");
  serve({"--model", "m.json", "--token", "token"});
  EXPECT_EQ(ask(csv_request("/invocations", kRow)).status, 401);
  EXPECT_EQ(ask(csv_request("/invocations", kRow, "Authorization: Bearer secret\r\n")).status, 200);
  // Clients of the managed service sign what they send, and need Authorization for that.
  const std::string signature = "Authorization: AWS4-HMAC-SHA256 Credential=..\r\n";
  EXPECT_EQ(ask(csv_request("/invocations", kRow, signature)).status, 401);
  EXPECT_EQ(ask(csv_request("/invocations", kRow, signature + "X-Coppice-Token: secret\r\n")).status, 200);
  EXPECT_EQ(ask(csv_request("/invocations", kRow, signature + "X-Coppice-Token: secre\r\n")).status, 401);
}

TEST_F(Serve, MistakesAreToldBeforeItListens) {
  write("empty", "\n");
  struct Case {
    Words words;
    int exit_code;
    std::string message;
  };
  const std::vector<Case> cases = {
      {{"--model", "absent.json"}, 1, "[io.file.read] absent.json: "},
      {{"--model", "a/b=m.json"}, 2, "[serve.model.name] 'a/b' is no name for a model"},
      {{"--model", "m.json", "--model", "m.json"}, 2, "[serve.model.exists] Model m is already registered."},
      {{"--model", "m.json", "--shadow", "m.json"}, 2, "[cli.usage] --shadow m.json: expected NAME=FILE"},
      {{"--model", "m.json", "--shadow", "n=m.json"}, 2, "[cli.usage] --shadow n=m.json: expected NAME=FILE"},
      {{"--model", "m.json", "--admin"}, 2, "[serve.option.model_root] --admin needs --model-root FOLDER"},
      {{"--model", "m.json", "--model-list", "list"}, 2, "[cli.usage] --model-list needs --admin"},
      {{"--admin", "--model-root", ".", "--model-list", "empty"}, 1, "[serve.model.list] empty: not a list"},
      {{"--model", "m.json", "--tls-cert", "c.pem"}, 2, "[serve.option.tls] --tls-cert and --tls-key"},
      {{"--model", "m.json", "--tls-cert", "c.pem", "--tls-key", "k.pem"},
       1,
       "[serve.tls.certificate] c.pem: "},
      {{"--model", "m.json", "--host", "no such host"},
       2,
       "[serve.listen.address] 'no such host' is no address"},
      {{"--model", "m.json", "--token", "empty"},
       2,
       "[cli.usage] --token empty: the file's first line is empty"},
      {{"--model", "m.json", "--accept", "image/png"},
       2,
       "[cli.usage] --accept image/png: expected one of text/csv"},
      {{"--model", "m.json", "--output", "odds"}, 2, "[serve.request.output] "},
      {{"--model", "m.json", "--port", "99999"}, 2, "[cli.usage] "},
  };
  for (const Case& one : cases) {
    Words words = {"serve", "--port", "0"};
    words.insert(words.end(), one.words.begin(), one.words.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, one.exit_code) << one.message;
    EXPECT_THAT(outcome.errors, HasSubstr("coppice: " + one.message));
    EXPECT_THAT(outcome.errors, Not(HasSubstr("listening")));
  }
}

}  // namespace
}  // namespace coppice::test
