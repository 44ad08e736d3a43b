// coppice train.
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> does not promise kill

#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

class Train : public ProgramTest {
 protected:
  Train() {
    write("t.csv", fraud_table(800, 1));
    write("v.csv", fraud_table(300, 2));
  }
  Outcome train(const Words& more) const {
    Words words = {"train", "--train", "t.csv", "--label", "Class"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
};

TEST_F(Train, LogsOneLineARound) {
  const Outcome outcome = train({"--valid", "v.csv", "--model", "m.json", "--param", "num_round=3", "--param",
                                 "eval_metric=logloss,auc"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto lines = lines_of(outcome.errors);
  ASSERT_EQ(lines.size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_THAT(lines[i], MatchesRegex("\\[" + std::to_string(i) +
                                       "\\]\ttrain-logloss:0\\.[0-9]{5}\ttrain-auc:[01]\\.[0-9]{5}"
                                       "\tvalidation-logloss:0\\.[0-9]{5}\tvalidation-auc:[01]\\.[0-9]{5}"));
  }
  EXPECT_THAT(outcome.output, StartsWith("m.json: 3 rounds on 800 rows and 3 features, "));
}

TEST_F(Train, LogPeriodThinsTheLogAndKeepsTheLastRound) {
  const Words rounds = {"--model", "m.json", "--param", "num_round=8", "--log-period"};
  Words every_fifth = rounds, silent = rounds;
  every_fifth.emplace_back("5");
  silent.emplace_back("0");
  const auto lines = lines_of(train(every_fifth).errors);
  EXPECT_THAT(lines, ElementsAre(StartsWith("[0]\t"), StartsWith("[5]\t"), StartsWith("[7]\t")));
  EXPECT_EQ(train(silent).errors, "");
}

TEST_F(Train, JsonReportHasEverything) {
  const Outcome outcome = train({"--valid", "v.csv", "--valid", "again=v.csv", "--model", "m.json", "--json",
                                 "--param", "num_round=4", "--param", "sampling_noise=0"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json json = Json::parse(outcome.output);
  EXPECT_EQ(json["model"], "m.json");
  EXPECT_EQ(json["device"], "cpu");
  EXPECT_EQ(json["rows"], 800);
  EXPECT_EQ(json["features"], 3);
  EXPECT_EQ(json["rounds"], 4);
  EXPECT_TRUE(json["best_round"].is_null());
  EXPECT_EQ(json["kept_row_share"], 1);
  EXPECT_EQ(json["metrics"]["validation-logloss"], json["metrics"]["again-logloss"]);
  EXPECT_LT(json["metrics"]["train-logloss"], 0.6);  // log 2 is what knowing nothing costs
  for (const char* phase : {"total", "read", "bin", "train", "save"}) {
    EXPECT_GT(json["seconds"][phase], 0) << phase;
  }
  for (const char* phase : {"gradient", "histogram", "split", "partition", "route", "evaluate"}) {
    EXPECT_GE(json["seconds"]["inside_train"][phase], 0) << phase;
  }
  EXPECT_GT(json["peak_memory_bytes"], 1'000'000);
  EXPECT_EQ(json["device_memory_bytes"], 0);  // of a device that has its own
}

TEST_F(Train, ParametersComeFromFileThenWordsThenOptions) {
  write("p.json",
        R"({"eta": 0.125, "max_depth": 2, "num_round": 2, "eval_metric": ["auc", "ap"], "seed": 3})");
  ASSERT_EQ(
      train({"--params", "p.json", "--param", "max_depth=3", "--seed", "5", "--model", "m.json"}).exit_code,
      0);
  const Json parameters = Json::parse(run({"inspect", "m.json", "--json"}).output)["parameters"];
  EXPECT_EQ(parameters["learning_rate"], "0.125");
  EXPECT_EQ(parameters["max_depth"], "3");
  EXPECT_EQ(parameters["num_round"], "2");
  EXPECT_EQ(parameters["eval_metric"], "auc,ap");
  EXPECT_EQ(parameters["seed"], "5");
}

TEST_F(Train, ModelBytesDoNotDependOnThreads) {
  ASSERT_EQ(train({"--threads", "1", "--model", "one.json", "--param", "num_round=20"}).exit_code, 0);
  for (const std::string threads : {"2", "3", "7"}) {
    ASSERT_EQ(train({"--threads", threads, "--model", "many.json", "--param", "num_round=20"}).exit_code, 0);
    EXPECT_TRUE(read("one.json") == read("many.json")) << threads << " threads";
  }
}

TEST_F(Train, ContinuingEqualsTrainingAtOnce) {
  // The curves of train and validation belong to the model, so both trainings watch the same sets.
  ASSERT_EQ(train({"--valid", "v.csv", "--model", "ten.json", "--param", "num_round=10"}).exit_code, 0);
  ASSERT_EQ(train({"--valid", "v.csv", "--model", "six.json", "--param", "num_round=6"}).exit_code, 0);
  ASSERT_EQ(run({"train", "--train", "t.csv", "--valid", "v.csv", "--continue-from", "six.json", "--param",
                 "num_round=4", "--model", "both.json"})
                .exit_code,
            0);
  const Outcome outcome = run({"verify", "ten.json", "both.json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.output;
}

TEST_F(Train, EarlyStoppingCutsTheModelAtTheBestRound) {
  const Outcome outcome =
      train({"--valid", "v.csv", "--model", "m.json", "--json", "--param", "num_round=500", "--param",
             "early_stopping_rounds=5", "--param", "eval_metric=logloss"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json json = Json::parse(outcome.output);
  ASSERT_TRUE(json["stopped_early"].get<bool>());
  EXPECT_EQ(json["rounds"], json["best_round"].get<int>() + 1);
  EXPECT_EQ(Json::parse(run({"inspect", "m.json", "--json"}).output)["trees"], json["rounds"]);
}

TEST_F(Train, LabelFirstWithoutHeader) {
  const Outcome outcome = run({"train", "--train", "-", "--no-header", "--label", "0", "--model", "m.json",
                               "--param", "num_round=2", "--log-period", "0"},
                              "1,5,0.5\n0,3,0.25\n1,5,\n0,2,1\n");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json schema = Json::parse(run({"inspect", "m.json", "--json"}).output)["schema"];
  EXPECT_EQ(schema["label"], "f0");
  EXPECT_EQ(schema["header"], false);
  EXPECT_EQ(schema["features"].size(), 2);
}

TEST_F(Train, SeveralFilesAreOneTable) {
  const std::string text = read("t.csv");
  const std::size_t header = text.find('\n') + 1;
  const std::size_t half = text.find('\n', text.size() / 2) + 1;
  write("a.csv", text.substr(0, half));
  write("b.csv", text.substr(0, header) + text.substr(half));
  ASSERT_EQ(train({"--model", "one.json", "--param", "num_round=5"}).exit_code, 0);
  ASSERT_EQ(run({"train", "--train", "a.csv", "b.csv", "--label", "Class", "--model", "two.json", "--param",
                 "num_round=5"})
                .exit_code,
            0);
  EXPECT_TRUE(read("one.json") == read("two.json"));
}

TEST_F(Train, BadTablesAreRefusedAndNoModelAppears) {
  struct Case {
    std::string text, error;
  };
  const std::vector<Case> cases = {
      {"x,Class\n1,0\n2,1\n3,2\n", "coppice: [io.csv.label] bad.csv:4: "},
      {"x,Class\n1,0\n2,\n", "coppice: [io.csv.label] bad.csv:3: "},
      {"x,Class\n1,0\n2,yes\n", "coppice: [io.csv.label] bad.csv:3: "},
      {"x,Class\n1,0\n2,0\n", "coppice: [core.train.one_class] "},
      {"x,Klass\n1,0\n2,1\n",
       "coppice: [io.csv.column_unknown] bad.csv: no column 'Class' for the label; "
       "did you mean 'Klass'?\n"},
  };
  for (const Case& bad : cases) {
    write("bad.csv", bad.text);
    const Outcome outcome = run({"train", "--train", "bad.csv", "--label", "Class", "--model", "m.json"});
    EXPECT_EQ(outcome.exit_code, 1) << bad.text;
    EXPECT_THAT(outcome.errors, StartsWith(bad.error));
    EXPECT_FALSE(exists("m.json"));
  }
}

TEST_F(Train, UnwritableModelIsToldBeforeTraining) {
  const Outcome outcome = train({"--model", "none/m.json"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.errors,
            "coppice: [io.file.write] none/m.json: folder none does not exist or cannot be written to\n");
  EXPECT_EQ(train({"--model", "."}).errors, "coppice: [io.file.write] .: is a folder; name a file in it\n");
}

TEST_F(Train, ConstantLabelOfRegressionIsTrainedWithAWarning) {
  write("same.csv", "x,y\n1,2.5\n2,2.5\n3,2.5\n");
  const Words words = {"train",
                       "--train",
                       "same.csv",
                       "--label",
                       "y",
                       "--model",
                       "m.json",
                       "--log-period",
                       "0",
                       "--param",
                       "objective=reg:squarederror"};
  const Outcome outcome = run(words);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.errors,
            "warning: every label of column 'y' is 2.5: there is nothing to learn but this number\n");
  EXPECT_EQ(run({"predict", "--model", "m.json", "same.csv"}).output, "score\n2.5\n2.5\n2.5\n");
  write("same.csv", "x,y\n1,2.5\n2,2.5\n3,2.75\n");
  EXPECT_EQ(run(words).errors, "");
}

TEST_F(Train, TerminalSeesRoundsTimeLeftAndMetrics) {
  // `script` gives the program a terminal of 80 columns.
  const Outcome outcome = run_shell(
      "script -qec 'coppice train --train t.csv --valid v.csv --label Class --model m.json "
      "--param num_round=30 --param eval_metric=logloss,auc' /dev/null | tr '\\r' '\\n'");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, ContainsRegex("round  1/30 \\[ *\\] [0-9.]+ s left  train-logloss 0\\.[0-9]+"));
  EXPECT_THAT(outcome.output, ContainsRegex("round 30/30 \\[=+\\] 0.000 s left  train-logloss"));
}

TEST_F(Train, KilledTrainingLeavesThePreviousModelWhole) {
  ASSERT_EQ(train({"--model", "m.json", "--param", "num_round=2"}).exit_code, 0);
  const std::string before = read("m.json");
  const std::size_t n_files = files().size();
  for (const int signal : {SIGKILL, SIGINT, SIGTERM}) {
    // More rounds than any machine trains before the signal arrives.
    const pid_t process = start({"train", "--train", "t.csv", "--label", "Class", "--model", "m.json",
                                 "--param", "num_round=1000000"});
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (read("stderr").find("[1]") == std::string::npos && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::kill(process, signal);
    EXPECT_EQ(wait(process), 128 + signal);
    EXPECT_THAT(read("stderr"), HasSubstr("[1]\t"));
    EXPECT_TRUE(read("m.json") == before);
    EXPECT_EQ(files().size(), n_files + 2);  // stdout and stderr of the process, no leftovers
  }
}

}  // namespace
}  // namespace coppice::test
