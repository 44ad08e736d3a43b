// coppice tune.
#include <gmock/gmock.h>
#include <signal.h>  // NOLINT(modernize-deprecated-headers): <csignal> does not promise kill

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "program.h"

namespace coppice::test {
namespace {

using OrderedJson = nlohmann::ordered_json;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Tune : public ProgramTest {
 protected:
  Tune() {
    write("t.csv", fraud_table(600, 1));
    write("v.csv", fraud_table(300, 2));
  }
  static Words words_with(const Words& more) {
    Words words = {"tune",    "--train",       "t.csv",   "--label",     "Class",  "--range", "eta=0:1",
                   "--range", "max_depth=1:6", "--param", "num_round=8", "--seed", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  /// Trials are judged on v.csv.
  static Words valid_with(const Words& more) {
    Words words = words_with({"--valid", "v.csv", "--objective", "validation:auc", "--out", "study"});
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  OrderedJson status() const {
    return OrderedJson::parse(run({"tune", "--status", "study", "--json"}).output);
  }
  void remove_study() const { std::filesystem::remove_all(folder() / "study"); }
  /// Waits for a text in a file that a process writes.
  void wait_for(const std::string& file, const std::string& text) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (read(file).find(text) == std::string::npos && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
  }
};

TEST_F(Tune, FindsTheBestAndGivesItsModel) {
  const Outcome outcome = run(valid_with({"--trials", "5", "--json"}));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(read("study/outcome.json"), outcome.output);
  const OrderedJson json = OrderedJson::parse(outcome.output);
  ASSERT_EQ(json["trials"].size(), 5);
  double best = 0;
  for (const OrderedJson& trial : json["trials"]) best = std::max(best, trial["score"].get<double>());
  EXPECT_EQ(json["best"]["score"], best);

  ASSERT_EQ(run({"tune", "--best", "study", "--model", "m.json"}).exit_code, 0);
  const OrderedJson parameters = json["best"]["parameters"];
  ASSERT_EQ(run({"train",     "--train",
                 "t.csv",     "--valid",
                 "v.csv",     "--label",
                 "Class",     "--model",
                 "same.json", "--seed",
                 "1",         "--no-train-metrics",
                 "--param",   "num_round=8",
                 "--param",   "eval_metric=auc",
                 "--param",   "eta=" + parameters["eta"].get<std::string>(),
                 "--param",   "max_depth=" + parameters["max_depth"].get<std::string>()})
                .exit_code,
            0);
  EXPECT_TRUE(read("m.json") == read("same.json"));
  std::size_t n_models = 0;  // those that cannot win are gone
  for (const auto& entry : std::filesystem::directory_iterator(folder() / "study")) {
    n_models += entry.path().extension() == ".ubj" ? 1 : 0;
  }
  EXPECT_EQ(n_models, 1);
}

TEST_F(Tune, BytesDoNotDependOnHowManyRunAtOnce) {
  const std::vector<Words> searches = {
      {"--trials", "9"},
      {"--trials", "9", "--median-rule", "--min-rounds", "2", "--min-trials", "2"},
      {"--trials", "30", "--patience", "3"},
      {"--search", "halving", "--trials", "6", "--min-rounds", "2", "--factor", "2"},
      {"--search", "grid", "--grid-steps", "3"}};
  for (const Words& search : searches) {
    std::map<std::string, std::string> alone;
    for (const std::string parallel : {"1", "2", "3"}) {
      remove_study();
      Words words = valid_with(search);
      words.insert(words.end(), {"--parallel", parallel, "--threads", "3", "--log-period", "0"});
      const Outcome outcome = run(words);
      ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
      ASSERT_EQ(run({"tune", "--best", "study", "--model", "m.json"}).exit_code, 0);
      const std::map<std::string, std::string> came_out = {{"outcome", read("study/outcome.json")},
                                                           {"model", read("m.json")}};
      if (alone.empty()) alone = came_out;
      EXPECT_TRUE(came_out == alone) << parallel;
    }
  }
}

TEST_F(Tune, GoesOnAfterAKill) {
  // Long enough trials that kills hit the middle of them.
  const Words words =
      valid_with({"--param", "num_round=60", "--trials", "8", "--parallel", "2", "--threads", "2"});
  ASSERT_EQ(run(words).exit_code, 0);
  const std::string whole = read("study/outcome.json");
  remove_study();
  for (const int n_ends : {1, 3, 4}) {
    const pid_t process = start(words);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    const auto count = [&] {
      std::size_t n = 0;
      const std::string text = read("study/journal.jsonl");
      for (std::size_t at = text.find("trial_end"); at != std::string::npos;
           at = text.find("trial_end", at + 1))
        ++n;
      return n;
    };
    while (count() < static_cast<std::size_t>(n_ends) && std::chrono::steady_clock::now() < deadline) {
    }
    ::kill(process, SIGKILL);
    wait(process);
  }
  write("study/journal.jsonl", read("study/journal.jsonl") + R"({"event":"trial_e)");  // torn
  const Outcome outcome = run(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(read("study/outcome.json"), whole);
  std::map<int, int> ends;
  for (const std::string& line : lines_of(read("study/journal.jsonl"))) {
    const OrderedJson event = OrderedJson::parse(line);
    if (event["event"] == "trial_end") ++ends[event["trial"].get<int>()];
  }
  EXPECT_EQ(ends.size(), 8);
  for (const auto& [trial, n] : ends) EXPECT_EQ(n, 1) << trial;
  EXPECT_EQ(run({"tune", "--best", "study", "--model", "m.json"}).exit_code, 0);
  // Again: nothing is left to do.
  EXPECT_THAT(run(words).errors, Not(HasSubstr("[0]")));
  EXPECT_EQ(read("study/outcome.json"), whole);
}

TEST_F(Tune, ASecondProcessIsToldWhoHasTheStudy) {
  const pid_t process = start(valid_with({"--param", "num_round=1000000"}));
  wait_for("study/journal.jsonl", "trial_start");
  const Outcome second = run(valid_with({}));
  EXPECT_EQ(second.exit_code, 1);
  EXPECT_THAT(second.errors,
              StartsWith("coppice: [cli.tune.locked] study: process " + std::to_string(process) + " on "));
  const OrderedJson running = status();
  EXPECT_EQ(running["HyperParameterTuningJobStatus"], "InProgress");
  EXPECT_EQ(running["TrainingJobStatusCounters"]["InProgress"], 1);
  ::kill(process, SIGKILL);
  wait(process);
  EXPECT_EQ(status()["HyperParameterTuningJobStatus"], "Stopped");
  EXPECT_EQ(status()["TrainingJobStatusCounters"]["InProgress"], 0);
}

TEST_F(Tune, AnotherStudyIsRefusedWithTheReason) {
  ASSERT_EQ(run(valid_with({"--trials", "2"})).exit_code, 0);
  const auto refusal = [&](const Words& more) {
    const Outcome outcome = run(valid_with(more));
    EXPECT_EQ(outcome.exit_code, 1);
    return outcome.errors;
  };
  const std::string prefix = "coppice: [cli.tune.changed] study: the study in this folder is another one: ";
  const std::string suffix = "; choose another --out\n";
  EXPECT_EQ(refusal({"--range", "gamma=0:1"}), prefix + "it did not vary gamma" + suffix);
  EXPECT_EQ(refusal({"--param", "lambda=2"}), prefix + "reg_lambda was 1, now it is 2" + suffix);
  EXPECT_EQ(refusal({"--valid", "t.csv"}), prefix + "its tables had other content" + suffix);
  write("t.csv", fraud_table(600, 3));
  EXPECT_EQ(refusal({}), prefix + "its tables had other content" + suffix);
  write("t.csv", fraud_table(600, 1));
  EXPECT_EQ(run(valid_with({"--trials", "4"})).exit_code, 0);  // more trials of the same
  EXPECT_EQ(OrderedJson::parse(read("study/outcome.json"))["trials"].size(), 4);
}

TEST_F(Tune, AFailedTrialIsRecordedAndTheOthersGoOn) {
  // max_depth 0 has no limit of leaves.
  const Outcome outcome =
      run({"tune", "--train", "t.csv", "--valid", "v.csv", "--label", "Class", "--range", "max_depth=0,2,3",
           "--search", "grid", "--param", "num_round=3", "--out", "study"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const OrderedJson trials = OrderedJson::parse(read("study/outcome.json"))["trials"];
  EXPECT_EQ(trials[0]["status"], "Failed");
  EXPECT_THAT(trials[0]["error"].get<std::string>(), StartsWith("[core.parameter.value]"));
  EXPECT_EQ(trials[2]["status"], "Completed");
  EXPECT_EQ(status()["TrainingJobStatusCounters"]["NonRetryableError"], 1);
  EXPECT_THAT(run({"tune", "--status", "study"}).output, HasSubstr("trial 0 failed: [core.parameter.value]"));
  write("one.csv", "x,Class\n1,0\n2,0\n3,0\n");
  const Outcome all_failed = run({"tune", "--train", "one.csv", "--valid", "one.csv", "--label", "Class",
                                  "--range", "eta=0:1", "--trials", "2", "--out", "failed"});
  EXPECT_EQ(all_failed.exit_code, 1);
  EXPECT_THAT(all_failed.errors,
              HasSubstr("[cli.tune.failed] all 2 trials failed; the first: [core.train.one_class]"));
}

TEST_F(Tune, AStepOfZeroIsATrialLikeOthers) {
  const Outcome outcome = run({"tune", "--train", "t.csv", "--valid", "v.csv", "--label", "Class", "--range",
                               "eta=0:1", "--search", "grid", "--grid-steps", "2", "--param", "num_round=3",
                               "--objective", "auc", "--out", "study"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(OrderedJson::parse(read("study/outcome.json"))["trials"][0]["score"], 0.5);
}

TEST_F(Tune, StatusHasTheWordsOfTheService) {
  write("space.json",
        R"({"eta": "0.01:1:log", "max_depth": "1:6", "grow_policy": ["depthwise", "lossguide"]})");
  ASSERT_EQ(run({"tune",
                 "--train",
                 "t.csv",
                 "--valid",
                 "v.csv",
                 "--label",
                 "Class",
                 "--space",
                 "space.json",
                 "--objective",
                 "validation:logloss",
                 "--trials",
                 "4",
                 "--parallel",
                 "2",
                 "--target",
                 "0.0001",
                 "--median-rule",
                 "--param",
                 "num_round=3",
                 "--seed",
                 "7",
                 "--out",
                 "study"})
                .exit_code,
            0);
  const OrderedJson json = status();
  const OrderedJson& config = json["HyperParameterTuningJobConfig"];
  EXPECT_EQ(json["HyperParameterTuningJobName"], "study");
  EXPECT_EQ(json["HyperParameterTuningJobStatus"], "Completed");
  EXPECT_EQ(config["Strategy"], "Random");
  EXPECT_EQ(config["HyperParameterTuningJobObjective"],
            OrderedJson::parse(R"({"Type": "Minimize", "MetricName": "validation:logloss"})"));
  EXPECT_EQ(config["ResourceLimits"]["MaxNumberOfTrainingJobs"], 4);
  EXPECT_EQ(config["ResourceLimits"]["MaxParallelTrainingJobs"], 2);
  EXPECT_EQ(config["ParameterRanges"]["ContinuousParameterRanges"],
            OrderedJson::parse(
                R"([{"Name": "eta", "MinValue": "0.01", "MaxValue": "1", "ScalingType": "Logarithmic"}])"));
  EXPECT_EQ(config["TrainingJobEarlyStoppingType"], "Auto");
  EXPECT_EQ(config["TuningJobCompletionCriteria"]["TargetObjectiveMetricValue"], 0.0001);
  EXPECT_EQ(config["RandomSeed"], 7);
  EXPECT_EQ(json["TrainingJobDefinition"]["StaticHyperParameters"]["num_round"], "3");
  EXPECT_FALSE(json["TrainingJobDefinition"]["StaticHyperParameters"].contains("learning_rate"));
  EXPECT_EQ(
      json["TrainingJobStatusCounters"],
      OrderedJson::parse(
          R"({"Completed": 4, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0})"));
  EXPECT_EQ(json["ObjectiveStatusCounters"],
            OrderedJson::parse(R"({"Succeeded": 4, "Pending": 0, "Failed": 0})"));
  const OrderedJson& best = json["BestTrainingJob"];
  EXPECT_EQ(best["TunedHyperParameters"].size(), 3);
  EXPECT_EQ(best["TrainingJobStatus"], "Completed");
  EXPECT_EQ(best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"],
            OrderedJson::parse(read("study/outcome.json"))["best"]["score"]);
  EXPECT_GE(json["LastModifiedTime"], json["CreationTime"]);
}

TEST_F(Tune, FoldsOfEveryKindAndARetrainedWinner) {
  const std::vector<Words> kinds = {
      {},
      {"--strategy", "random"},
      {"--strategy", "time", "--time-column", "Time"},
      {"--strategy", "group", "--group-column", "Country"},
      {"--strategy", "time-group", "--time-column", "Time", "--group-column", "Amount"}};
  for (const Words& kind : kinds) {
    remove_study();
    Words words = words_with(
        {"--folds", "3", "--objective", "auc", "--trials", "2", "--parallel", "2", "--out", "study"});
    words.insert(words.end(), kind.begin(), kind.end());
    const Outcome outcome = run(words);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
    for (const OrderedJson told = OrderedJson::parse(read("study/outcome.json"));
         const OrderedJson& trial : told["trials"]) {
      ASSERT_EQ(trial["curves"].size(), 3);
      double sum = 0;
      for (const OrderedJson& curve : trial["curves"]) sum += curve["curve"].back().get<double>();
      EXPECT_EQ(trial["score"], sum / 3);
    }
  }
  const Outcome as_trained = run({"tune", "--best", "study", "--model", "m.json"});
  EXPECT_EQ(as_trained.exit_code, 2);
  EXPECT_THAT(as_trained.errors, HasSubstr("add --retrain"));
  ASSERT_EQ(run({"tune", "--best", "study", "--model", "m.json", "--retrain"}).exit_code, 0);
  EXPECT_THAT(run({"inspect", "m.json"}).output, HasSubstr("600"));
}

TEST_F(Tune, SearchesForMetricsOfCardsDaysAndCosts) {
  const Words columns = {"--time-column", "Time", "--group-column", "Country"};
  Words words = words_with({"--valid", "v.csv", "--trials", "2", "--out", "study", "--param",
                            "eval_metric=card_precision@k=5,cost@0.3", "--param", "cost_review=5", "--param",
                            "cost_fn=40", "--objective", "validation:cost@0.3"});
  words.insert(words.end(), columns.begin(), columns.end());
  const Outcome outcome = run(words);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const OrderedJson best = OrderedJson::parse(read("study/outcome.json"))["best"];
  const OrderedJson trial =
      OrderedJson::parse(read("study/outcome.json"))["trials"][best["trial"].get<int>()];
  ASSERT_EQ(run({"tune", "--best", "study", "--model", "m.json"}).exit_code, 0);
  Words evaluate = {"evaluate",      "--model", "m.json", "v.csv", "--metric", "card_precision@k=5,cost@0.3",
                    "--cost-review", "5",       "--json"};
  evaluate.insert(evaluate.end(), columns.begin(), columns.end());
  const Outcome measured = run(evaluate);
  ASSERT_EQ(measured.exit_code, 0) << measured.errors;
  const OrderedJson metrics = OrderedJson::parse(measured.output)["metrics"];
  EXPECT_EQ(best["score"], metrics["cost@0.3"]) << measured.output;
  EXPECT_EQ(trial["curves"][0]["metrics"]["validation-card_precision@k=5"], metrics["card_precision@k=5"]);
  ASSERT_EQ(run({"tune", "--best", "study", "--model", "m.json", "--retrain"}).exit_code, 0);
}

TEST_F(Tune, RetrainsOnTrainingAndValidationRows) {
  ASSERT_EQ(
      run(valid_with({"--trials", "2", "--param", "num_round=200", "--param", "early_stopping_rounds=3"}))
          .exit_code,
      0);
  const OrderedJson best = OrderedJson::parse(read("study/outcome.json"))["best"];
  const Outcome outcome = run({"tune", "--best", "study", "--retrain", "--model", "m.json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const OrderedJson model = OrderedJson::parse(run({"inspect", "m.json", "--json"}).output);
  const OrderedJson trial =
      OrderedJson::parse(read("study/outcome.json"))["trials"][best["trial"].get<int>()];
  EXPECT_EQ(model["trees"], trial["curves"][0]["rounds"]);
  EXPECT_LT(model["trees"].get<int>(), 200);
  EXPECT_EQ(model["parameters"]["max_depth"], best["parameters"]["max_depth"]);
  write("v.csv", fraud_table(300, 5));
  EXPECT_THAT(run({"tune", "--best", "study", "--retrain", "--model", "m.json"}).errors,
              HasSubstr("[cli.tune.changed]"));
}

TEST_F(Tune, LogsALineATrialOrNothing) {
  const Outcome outcome = run(valid_with({"--trials", "3"}));
  const auto lines = lines_of(outcome.errors);
  EXPECT_THAT(
      lines[0],
      ContainsRegex("^\\[0\\]\tvalidation-auc:0\\.[0-9]+\t[0-9.]+ s\teta=[0-9.e-]+ max_depth=[1-6]$"));
  EXPECT_THAT(lines[1], ContainsRegex("^best so far: \\[0\\]\tvalidation-auc:"));
  EXPECT_THAT(outcome.output, HasSubstr("its model: coppice tune --best study --model OUT"));
  remove_study();
  EXPECT_EQ(run(valid_with({"--trials", "3", "--log-period", "0"})).errors, "");
}

TEST_F(Tune, TerminalSeesATableThatMoves) {
  const Outcome outcome = run_shell(
      "script -qec 'coppice tune --train t.csv --valid v.csv --label Class --range eta=0:1 --trials 4 "
      "--param num_round=20 --out study' /dev/null | tr '\\r' '\\n'");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output,
              ContainsRegex("1 of 4 trials, about [0-9.]+ s left; best: trial 0, validation-logloss"));
  EXPECT_THAT(outcome.output, ContainsRegex(" 3. +validation-logloss [0-9.]+ +eta="));
}

TEST_F(Tune, TimeEndsARunThatCanBeGoneOnWith) {
  const Words words = valid_with({"--param", "num_round=300", "--trials", "100000", "--max-seconds", "0.3"});
  ASSERT_EQ(run(words).exit_code, 0);
  EXPECT_EQ(OrderedJson::parse(read("study/outcome.json"))["end"], "time");
  EXPECT_EQ(status()["HyperParameterTuningJobStatus"], "Stopped");
}

TEST_F(Tune, MistakesAreBadUsageWithAMessage) {
  const std::vector<std::pair<Words, std::string>> mistakes = {
      {{"tune"}, "[cli.usage] give --train, or ask about a study with --status, --best or --report\n"},
      {{"tune", "--train", "t.csv"}, "[cli.usage] name the label with --label\n"},
      {{"tune", "--train", "t.csv", "--label", "Class"},
       "[cli.usage] name the folder of the study with --out\n"},
      {{"tune", "--train", "t.csv", "--label", "Class", "--out", "study"},
       "[cli.usage] trials are judged on a validation table or on folds: give --valid or --folds\n"},
      {{"tune", "--train", "t.csv", "--label", "Class", "--valid", "v.csv", "--out", "study"},
       "[tune.space] there is no range: nothing to tune\n"},
      {valid_with({"--range", "eta=0:1"}), "[tune.space] there are two ranges of learning_rate\n"},
      {valid_with({"--range", "gamma"}),
       "[tune.range] gamma: there is no name in front of a '='; write name=low:high, "
       "name=low:high:log (or reverselog, or int), or name=a,b,c\n"},
      {valid_with({"--param", "eta=0.3"}),
       "[cli.usage] --param eta=0.3: learning_rate has a range, too; leave one of them out\n"},
      {valid_with({"--search", "grid", "--trials", "3"}),
       "[cli.usage] a grid has as many trials as points, here 9: leave --trials out\n"},
      {valid_with({"--folds", "3"}), "[cli.usage] give either --valid or --folds\n"},
      {valid_with({"--param", "eval_metric=card_precision@k=100", "--time-column", "Time"}),
       "[core.metric.column] card_precision@k=100 needs the card or customer of each row: --group-column, or "
       "SideColumns::groups\n"},
      {words_with({"--folds", "3", "--strategy", "time-group", "--time-column", "Time", "--out", "study"}),
       "[cli.usage] --strategy time-group needs --group-column\n"},
      {valid_with({"--range", "cost_fp=1:5"}), "[tune.space] cost_fp is no parameter to tune\n"},
      {words_with({"--folds", "3", "--strategy", "time", "--out", "study"}),
       "[cli.usage] --strategy time needs --time-column\n"},
      {{"tune", "--train", "-", "--label", "Class", "--range", "eta=0:1", "--folds", "3", "--out", "study"},
       "[cli.usage] folds end in a training on all rows, which standard input does not give again; name a "
       "file\n"},
      {words_with({"--valid", "v.csv", "--objective", "test:auc", "--out", "study"}),
       "[cli.usage] --objective test:auc: there is no set test; there are validation, train\n"},
      {{"tune", "--best", "study"}, "[cli.usage] --best needs --model, the file to write\n"}};
  for (const auto& [words, message] : mistakes) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 2) << message;
    EXPECT_EQ(outcome.errors, "coppice: " + message);
    EXPECT_FALSE(exists("study"));
  }
  const Outcome none = run({"tune", "--status", "study"});
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_EQ(none.errors, "coppice: [cli.tune.folder] study: there is no study here (no journal.jsonl)\n");
}

}  // namespace
}  // namespace coppice::test
