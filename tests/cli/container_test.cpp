// coppice train as a managed training container, in a folder laid out as the service does it.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::StartsWith;

namespace fs = std::filesystem;

class Container : public ProgramTest {
 protected:
  Container() {
    for (const char* sub : {"config", "data/train/more", "data/validation"}) {
      fs::create_directories(folder() / "ml/input" / sub);
    }
    configure("resourceconfig", {{"current_host", "algo-1"}, {"hosts", {"algo-1"}}});
    configure("hyperparameters", hyperparameters_);
    lay_out_csv();
    write("ml/input/data/train/_SUCCESS", "no data\n");
    write("ml/input/data/train/.part.csv", "no data\n");
  }

  void lay_out_csv() const {
    configure("inputdataconfig", {{"train", {{"ContentType", "text/csv"}, {"TrainingInputMode", "File"}}},
                                  {"validation", {{"ContentType", "text/csv;label_size=1"}}}});
    write("ml/input/data/train/a.csv", rows(0, 300));
    write("ml/input/data/train/more/b.csv", rows(300, 200));
    write("ml/input/data/validation/v.csv", rows(1000, 200));
  }

  void configure(const std::string& name, const Json& content) const {
    write("ml/input/config/" + name + ".json", content.dump());
  }

  /// With these hyperparameters beside the usual ones.
  Outcome train_with(const Json& more) const {
    Json all = hyperparameters_;
    all.update(more);
    configure("hyperparameters", all);
    return train();
  }

  Outcome train() const { return run({"train", "--container-root", "ml"}); }

  void expect_failure(const Outcome& outcome, const std::string& message) const {
    EXPECT_NE(outcome.exit_code, 0) << message;
    EXPECT_THAT(outcome.errors, HasSubstr("coppice: " + message));
    EXPECT_THAT(read("ml/output/failure"), StartsWith(message));
    EXPECT_FALSE(exists("ml/model/xgboost-model"));
  }

  /// Rows without header, the label first: 1 where the first number is large, but for one row in eleven.
  static std::string rows(int first, int n, const std::string& weight = "") {
    std::string text;
    for (int i = first; i < first + n; ++i) {
      const int x = i * 37 % 101;
      const bool label = (x > 60) != (i % 11 == 0);
      text += (label ? "1," : "0,") + weight + std::to_string(x) + "," + std::to_string(i * 53 % 17) + "\n";
    }
    return text;
  }

  const Json hyperparameters_ = {
      {"objective", "binary:logistic"}, {"num_round", "8"}, {"eta", "0.3"}, {"max_depth", "3"},
      {"eval_metric", "logloss, auc"},  {"silent", "0"},    {"seed", "7"}};
};

TEST_F(Container, TrainsAndLogsAsTheServiceExpects) {
  fs::create_directories(folder() / "ml/output");
  write("ml/output/failure", "of an earlier run");
  const Outcome outcome = train();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto lines = lines_of(outcome.output);
  ASSERT_EQ(lines.size(), 11U);
  EXPECT_EQ(lines[0], "Train matrix has 500 rows and 2 columns");
  EXPECT_EQ(lines[1], "Validation matrix has 200 rows");
  EXPECT_THAT(lines[2], MatchesRegex("\\[0\\]\ttrain-logloss:0\\.[0-9]{5}\ttrain-auc:0\\.[0-9]{5}\t"
                                     "validation-logloss:0\\.[0-9]{5}\tvalidation-auc:0\\.[0-9]{5}"));
  EXPECT_THAT(lines[9], StartsWith("[7]\t"));
  EXPECT_EQ(lines[10], "ml/model/xgboost-model: model of 8 rounds");
  EXPECT_EQ(outcome.errors, "");
  EXPECT_FALSE(exists("ml/output/failure"));

  // It is the model that the same parameters give without a container.
  write("all.csv", rows(0, 500));
  const Outcome plain = run({"train", "--train", "all.csv", "--valid", "ml/input/data/validation/v.csv",
                             "--no-header", "--label", "0", "--model", "plain.json", "--param", "num_round=8",
                             "--param", "max_depth=3", "--param", "eval_metric=logloss,auc", "--seed", "7"});
  ASSERT_EQ(plain.exit_code, 0) << plain.errors;
  EXPECT_EQ(run({"verify", "ml/model/xgboost-model", "plain.json"}).output, "equal\n");
}

TEST_F(Container, UnknownHyperparametersAreRefusedByName) {
  expect_failure(
      train_with({{"max_dept", "5"}}),
      "[cli.container.hyperparameter] hyperparameter 'max_dept': unknown; did you mean max_depth?");
  expect_failure(
      train_with({{"csv_weight", "1"}}),
      "[cli.container.hyperparameter] hyperparameter 'csv_weight': unknown; did you mean csv_weights?");
  expect_failure(
      train_with({{"rate_drop", "0.1"}}),
      "[cli.container.hyperparameter] hyperparameter 'rate_drop': Coppice does not have what it sets");
  expect_failure(train_with({{"eta", "-1"}}), "[core.parameter.value] learning_rate = -1: must be ");
  expect_failure(train_with({{"eta", 0.5}}),
                 "[cli.container.hyperparameter] hyperparameter 'eta': its value has to be a text");
  expect_failure(
      train_with({{"save_model_on_termination", "yes"}}),
      "[cli.container.hyperparameter] hyperparameter 'save_model_on_termination': must be true or false");
  configure("hyperparameters", {{"objective", "binary:logistic"}});
  expect_failure(train(), "[cli.container.hyperparameter] hyperparameter 'num_round': missing");
}

TEST_F(Container, WhatHasNoEffectIsSaid) {
  const Outcome outcome = train_with(
      {{"tree_method", "exact"}, {"max_bin", "256"}, {"objective", "reg:linear"}, {"eval_metric", "rmse"}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.errors,
            "warning: max_bin 256: Coppice has 255 bins at most and takes these\n"
            "warning: hyperparameter 'tree_method' has no effect\n");
  EXPECT_THAT(read("ml/model/xgboost-model"), HasSubstr("\"reg:squarederror\""));
}

TEST_F(Container, TheTunersMetricIsWatchedAndStopsEarly) {
  const Outcome outcome = train_with({{"num_round", "300"},
                                      {"early_stopping_rounds", "4"},
                                      {"eval_metric", "error"},
                                      {"_tuning_objective_metric", "validation:auc"}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("\tvalidation-auc:"));
  const Json model = Json::parse(run({"inspect", "ml/model/xgboost-model", "--json"}).output);
  EXPECT_LT(model["trees"], 290);
  EXPECT_EQ(model["training"]["best_round"], model["trees"].get<int>() - 1);
  EXPECT_EQ(model["parameters"]["early_stopping_metric"], "validation-auc");
}

TEST_F(Container, ChannelsAreChecked) {
  const auto with_channels = [&](const Json& channels) {
    configure("inputdataconfig", channels);
    return train();
  };
  const std::string id = "[cli.container.channel] channel ";
  expect_failure(with_channels({{"validation", {{"ContentType", "csv"}}}}), id + "'train': missing");
  expect_failure(with_channels({{"train", {{"ContentType", "application/x-parquet"}}}}),
                 id + "'train': content type 'application/x-parquet' is not read");
  expect_failure(with_channels({{"train", {{"ContentType", "text/csv; label_size=0"}}}}),
                 id + "'train': content type 'text/csv; label_size=0': the label is one column");
  expect_failure(with_channels({{"train", {{"ContentType", "text/csv;label_size=10"}}}}),
                 id + "'train': content type 'text/csv;label_size=10': the label is one column");
  expect_failure(with_channels({{"train", {{"ContentType", "csv"}, {"TrainingInputMode", "Pipe"}}}}),
                 id + "'train': input mode Pipe is not read");
  expect_failure(with_channels({{"train", Json::object()}}), "[io.libsvm.");
  fs::remove(folder() / "ml/input/data/validation/v.csv");
  expect_failure(
      with_channels({{"train", {{"ContentType", "csv"}}}, {"validation", {{"ContentType", "csv"}}}}),
      id + "'validation': no file in ml/input/data/validation");
  configure("resourceconfig", {{"hosts", {"algo-1", "algo-2"}}});
  expect_failure(train(), "[cli.container.hosts] 2 hosts");
  write("ml/input/config/resourceconfig.json", "{");
  expect_failure(train(), "[cli.container.file] ml/input/config/resourceconfig.json: no JSON object");
}

TEST_F(Container, AModelThatCannotBeSavedIsNotTrained) {
  write("ml/model", "no folder");
  const Outcome outcome = train();
  expect_failure(outcome, "[io.file.write] ml/model/xgboost-model: folder ml/model does not exist or ");
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.output, "") << "nothing was read or trained";
}

TEST_F(Container, AnEarlierFailureThatCannotBeRemovedIsNone) {
  fs::create_directories(folder() / "ml/output/failure/of another run");
  const Outcome outcome = train();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
}

TEST_F(Container, BadRowsAreNamedInTheReason) {
  write("ml/input/data/train/more/b.csv", "1,5,6\nClass,V1,V2\n");
  expect_failure(train(), "[io.csv.label] ml/input/data/train/more/b.csv:2: ");
}

TEST_F(Container, WeightsAreTheSecondColumn) {
  fs::remove(folder() / "ml/input/data/train/more/b.csv");
  write("ml/input/data/train/a.csv", rows(0, 300, "2.5,"));
  write("ml/input/data/validation/v.csv", rows(1000, 200, "1,"));
  const Outcome outcome = train_with({{"csv_weights", "1"}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, StartsWith("Train matrix has 300 rows and 2 columns\n"));
  const Json model = Json::parse(run({"inspect", "ml/model/xgboost-model", "--json"}).output);
  EXPECT_EQ(model["training"]["weight_sum"], 750);
}

TEST_F(Container, ReadsLibsvm) {
  const auto libsvm = [](const std::string& csv) {
    std::string text;
    for (const std::string& line : lines_of(csv)) {
      const std::size_t comma = line.find(',', 2);
      text += line.substr(0, 1) + " 1:" + line.substr(2, comma - 2) + " 2:" + line.substr(comma + 1) + "\n";
    }
    return text;
  };
  fs::remove(folder() / "ml/input/data/train/more/b.csv");
  write("ml/input/data/train/a.csv", libsvm(rows(0, 500)));
  write("ml/input/data/validation/v.csv", libsvm(rows(1000, 200)));
  configure("inputdataconfig", {{"train", {{"ContentType", "text/libsvm"}}}, {"validation", Json::object()}});
  const Outcome outcome = train();
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const auto lines = lines_of(outcome.output);
  EXPECT_EQ(lines[0], "Train matrix has 500 rows and 2 columns");

  lay_out_csv();
  EXPECT_EQ(lines_of(train().output)[9], lines[9]) << "the same rows as CSV give the same metrics";
}

TEST_F(Container, GoesOnFromACheckpoint) {
  configure("checkpointconfig", {{"LocalPath", (folder() / "kept").string()}});
  ASSERT_EQ(train_with({{"num_round", "3"}}).exit_code, 0);
  ASSERT_TRUE(exists("kept/xgboost-checkpoint.0"));
  // As if the job had been interrupted after three rounds, and a newer checkpoint were damaged.
  fs::copy_file(folder() / "ml/model/xgboost-model", folder() / "kept/xgboost-checkpoint.2");
  write("kept/xgboost-checkpoint.3", "{");
  const Outcome outcome = train_with(Json::object());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, StartsWith("warning: checkpoint passed over: [io.model.syntax] "));
  EXPECT_THAT(outcome.output, StartsWith("Training goes on from a checkpoint of 3 rounds\n"));
  EXPECT_THAT(outcome.output, testing::Not(HasSubstr("\n[2]\t")));
  EXPECT_THAT(outcome.output, HasSubstr("\n[3]\t"));
  const std::string resumed = read("ml/model/xgboost-model");

  fs::remove(folder() / "ml/input/config/checkpointconfig.json");
  ASSERT_EQ(train().exit_code, 0);
  EXPECT_EQ(read("ml/model/xgboost-model"), resumed) << "the bytes of a training that was not interrupted";
}

TEST_F(Container, TerminationKeepsTheModelWhenAsked) {
  for (const bool saves : {true, false}) {
    fs::remove_all(folder() / "ml/model");
    Json all = hyperparameters_;
    all.update({{"num_round", "1000000"}, {"save_model_on_termination", saves ? "true" : "false"}});
    configure("hyperparameters", all);
    const pid_t process = start({"train", "--container-root", "ml"});
    while (read("stdout").find("[2]") == std::string::npos) {
      ASSERT_EQ(::waitpid(process, nullptr, WNOHANG), 0) << "ended by itself";
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    ::kill(process, SIGTERM);
    EXPECT_EQ(wait(process), saves ? 0 : 143);
    EXPECT_EQ(exists("ml/model/xgboost-model"), saves);
    EXPECT_FALSE(exists("ml/output/failure"));
    EXPECT_EQ(read("stdout").find("Terminated by SIGTERM; ml/model/xgboost-model") != std::string::npos,
              saves);
  }
}

TEST_F(Container, OtherOptionsAreRefused) {
  const Outcome outcome = run({"train", "--container-root", "ml", "--seed", "1"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.errors,
            "coppice: [cli.usage] --container-root: the options of a managed training job are in its files; "
            "give no others\n");
  EXPECT_EQ(run({"train", "--container-root", "nowhere"}).exit_code, 1);
  EXPECT_FALSE(exists("nowhere"));
}

}  // namespace
}  // namespace coppice::test
