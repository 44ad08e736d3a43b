#include <coppice/error.h>
#include <coppice/parameters.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

namespace coppice {
namespace {

template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string set_error(std::string_view key, std::string_view value) {
  Parameters parameters;
  std::string message = error_of([&] { set_parameter(parameters, key, value); });
  EXPECT_TRUE(message == "no error" || parameters == Parameters{}) << "an error changed something";
  return message;
}

std::string validate_error(const Parameters& parameters) {
  return error_of([&] { validate(parameters); });
}

/// Every field away from its default.
Parameters unusual() {
  return {.objective = Objective::kSquaredError,
          .num_round = 7,
          .learning_rate = 0.1,
          .grow_policy = GrowPolicy::kLossguide,
          .max_depth = 0,
          .max_leaves = 31,
          .min_child_weight = 6,
          .gamma = 4,
          .reg_lambda = 1.0 / 3,
          .reg_alpha = 1e-300,
          .max_delta_step = 0.7,
          .subsample = 0.8,
          .colsample_bytree = 0.9,
          .colsample_bylevel = 0.5,
          .colsample_bynode = 0.25,
          .scale_pos_weight = 578,
          .base_score = -2.5,
          .sampling_noise = 0,
          .working_rounds = 9,
          .screening = 0.75,
          .screening_rows = 7,
          .max_bin = 64,
          .cut_sample_rows = 0,
          .max_cat_to_onehot = 0,
          .cat_smooth = 1.5,
          .cat_l2 = 2.5,
          .max_cat_threshold = 32,
          .eval_metric = {"mae", "error@0.3"},
          .early_stopping_rounds = 20,
          .early_stopping_metric = "validation-mae",
          .cost_fp = 2.5,
          .cost_fn = 30,
          .cost_review = 1.5,
          .seed = std::numeric_limits<std::uint64_t>::max(),
          .threads = 3,
          .device = "cuda:1"};
}

TEST(ParameterTable, TextOfEveryParameterReadsBack) {
  const Parameters original = unusual();
  validate(original);
  Parameters copy;
  for (const ParameterInfo& info : parameter_table()) {
    EXPECT_NE(get_parameter(original, info.name), info.default_text) << info.name << " is not covered";
    set_parameter(copy, info.name, get_parameter(original, info.name));
  }
  EXPECT_EQ(copy, original);  // a field that the table lacks would have its default here
}

TEST(ParameterTable, DefaultsAreLegalAndReadBack) {
  Parameters parameters = unusual();
  for (const ParameterInfo& info : parameter_table()) set_parameter(parameters, info.name, info.default_text);
  EXPECT_EQ(parameters, Parameters{});
  EXPECT_EQ(validate_error(parameters), "no error");
}

TEST(ParameterTable, NoKeyStandsTwice) {
  std::set<std::string_view> keys;
  for (const ParameterInfo& info : parameter_table()) {
    EXPECT_TRUE(keys.insert(info.name).second) << info.name;
    for (const std::string_view alias : info.aliases) EXPECT_TRUE(keys.insert(alias).second) << alias;
  }
  for (const FixedParameter& fixed : fixed_parameter_table()) {
    EXPECT_TRUE(keys.insert(fixed.name).second) << fixed.name;
  }
}

TEST(ParameterTable, TellsPeopleWhatIsLegal) {
  const auto info = [](std::string_view name) {
    for (const ParameterInfo& entry : parameter_table()) {
      if (entry.name == name) return entry;
    }
    return ParameterInfo{};
  };
  EXPECT_EQ(info("learning_rate").type, "number");
  EXPECT_EQ(info("learning_rate").range, "[0, 1]");
  EXPECT_EQ(info("learning_rate").default_text, "0.3");
  EXPECT_THAT(info("learning_rate").aliases, testing::ElementsAre("eta"));
  EXPECT_EQ(info("subsample").range, "(0, 1]");
  EXPECT_EQ(info("gamma").range, "[0, inf)");
  EXPECT_EQ(info("max_leaves").type, "integer");
  EXPECT_EQ(info("max_leaves").range, "0 or [2, 65536]");
  EXPECT_EQ(info("base_score").range, "auto or (-inf, inf)");
  EXPECT_EQ(info("base_score").default_text, "auto");
  EXPECT_EQ(info("grow_policy").type, "choice");
  EXPECT_EQ(info("grow_policy").range, "depthwise | lossguide");
  EXPECT_EQ(info("eval_metric").type, "list");
  EXPECT_EQ(info("device").type, "text");
}

TEST(ParameterTable, OnlyThreadsAndDeviceStayOutOfTheModel) {
  std::vector<std::string_view> outside;
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model) outside.push_back(info.name);
  }
  EXPECT_THAT(outside, testing::ElementsAre("threads", "device"));
}

TEST(SetParameter, TakesAliases) {
  Parameters parameters;
  set_parameter(parameters, "eta", "0.2");
  set_parameter(parameters, "lambda", "3");
  set_parameter(parameters, "alpha", "2");
  set_parameter(parameters, "min_split_loss", "4");
  set_parameter(parameters, "n_estimators", "50");
  set_parameter(parameters, "random_state", "42");
  set_parameter(parameters, "nthread", "2");
  EXPECT_EQ(parameters.learning_rate, 0.2);
  EXPECT_EQ(parameters.reg_lambda, 3);
  EXPECT_EQ(parameters.reg_alpha, 2);
  EXPECT_EQ(parameters.gamma, 4);
  EXPECT_EQ(parameters.num_round, 50);
  EXPECT_EQ(parameters.seed, 42U);
  EXPECT_EQ(parameters.threads, 2);
  EXPECT_EQ(get_parameter(parameters, "eta"), "0.2");
}

TEST(SetParameter, AutoUnsetsAnOptionalNumber) {
  Parameters parameters;
  set_parameter(parameters, "base_score", "0.1");
  EXPECT_EQ(parameters.base_score, 0.1);
  set_parameter(parameters, "base_score", "auto");
  EXPECT_EQ(parameters.base_score, std::nullopt);
}

TEST(SetParameter, MetricsReplaceTheOldOnesByTheirOwnNames) {
  Parameters parameters;
  set_parameter(parameters, "eval_metric", "auc,aucpr,error@0.50");
  EXPECT_THAT(parameters.eval_metric, testing::ElementsAre("auc", "ap", "error"));
  set_parameter(parameters, "eval_metric", "logloss");
  EXPECT_THAT(parameters.eval_metric, testing::ElementsAre("logloss"));
  set_parameter(parameters, "eval_metric", "");
  EXPECT_THAT(parameters.eval_metric, testing::IsEmpty());
}

TEST(SetParameter, UnknownKeysAreRefused) {
  EXPECT_EQ(set_error("max_dpth", "3"),
            "[core.parameter.unknown] unknown parameter 'max_dpth'; did you mean max_depth?");
  EXPECT_EQ(set_error("ramdom_state", "3"),
            "[core.parameter.unknown] unknown parameter 'ramdom_state'; did you mean random_state?");
  EXPECT_EQ(set_error("monotone_constraints", "(1,-1)"),
            "[core.parameter.unknown] unknown parameter 'monotone_constraints'");
  EXPECT_EQ(set_error("", "3"), "[core.parameter.unknown] unknown parameter ''");
}

TEST(SetParameter, IllegalValuesAreRefused) {
  EXPECT_EQ(set_error("max_depth", "-1"),
            "[core.parameter.value] max_depth = -1: must be an integer in [0, 24]");
  EXPECT_EQ(set_error("eta", "1.5"),
            "[core.parameter.value] learning_rate = 1.5: must be a number in [0, 1]");
  EXPECT_EQ(
      set_error("max_bin", "256"),
      "[core.parameter.value] max_bin = 256: must be an integer in [2, 255]; a bin is one byte, and one of "
      "its values means missing");
  EXPECT_EQ(set_error("n_jobs", "-1"),
            "[core.parameter.value] threads = -1: must be an integer in [0, 4096]; 0 is all cores");
  EXPECT_EQ(set_error("max_leaves", "1"),
            "[core.parameter.value] max_leaves = 1: must be 0 or an integer in [2, 65536]");
  EXPECT_EQ(set_error("objective", "binary:hinge"),
            "[core.parameter.value] objective = binary:hinge: must be binary:logistic or reg:squarederror");
  EXPECT_EQ(set_error("max_delta_step", "-1"),
            "[core.parameter.value] max_delta_step = -1: must be auto or a number in [0, inf)");
  EXPECT_EQ(set_error("device", "cuda:x"),
            "[core.parameter.value] device = cuda:x: must be cpu, cuda, cuda:N or auto");
  EXPECT_EQ(set_error("eval_metric", "auc,"),
            "[core.parameter.value] eval_metric = auc,: must be metrics, separated by commas");
  EXPECT_EQ(set_error("eval_metric", "auc,rmsle"),
            "[core.metric.unknown] unknown metric 'rmsle'; did you mean rmse?");
}

TEST(SetParameter, ReadsWholeNumbersOnly) {
  for (const std::string text : {"", " ", "1 ", " 1", "1x", "1.5", "1e1", "0x1", "+1", "99999999999"}) {
    EXPECT_NE(set_error("num_round", text), "no error") << text;
  }
  for (const std::string text : {"", "1 ", "1x", "nan", "inf", "-inf", "1e999", "0,5"}) {
    EXPECT_NE(set_error("gamma", text), "no error") << text;
  }
  EXPECT_NE(set_error("seed", "-1"), "no error");
  EXPECT_NE(set_error("seed", "18446744073709551616"), "no error");
}

TEST(SetParameter, EndsOfIntervals) {
  for (const std::string key : {"subsample", "colsample_bytree", "colsample_bylevel", "colsample_bynode"}) {
    EXPECT_NE(set_error(key, "0"), "no error") << key;
    EXPECT_EQ(set_error(key, "1e-9"), "no error") << key;
    EXPECT_EQ(set_error(key, "1"), "no error") << key;
    EXPECT_NE(set_error(key, "1.0000001"), "no error") << key;
  }
  EXPECT_EQ(set_error("learning_rate", "0"), "no error");
  EXPECT_NE(set_error("scale_pos_weight", "0"), "no error");
  EXPECT_EQ(set_error("sampling_noise", "10"), "no error");
  EXPECT_EQ(set_error("max_bin", "2"), "no error");
  EXPECT_EQ(set_error("cut_sample_rows", "0"), "no error");
  EXPECT_NE(set_error("cut_sample_rows", "999"), "no error");
  EXPECT_EQ(set_error("cut_sample_rows", "1000"), "no error");
}

TEST(FixedParameters, AreAcceptedWhereTheyChangeNothing) {
  for (const FixedParameter& fixed : fixed_parameter_table()) {
    Parameters parameters;
    for (const std::string_view value : fixed.values) set_parameter(parameters, fixed.name, value);
    EXPECT_EQ(parameters, Parameters{});
    EXPECT_EQ(get_parameter(parameters, fixed.name), fixed.values.front());
  }
  EXPECT_EQ(set_error("tree_method", "exact"),
            "[core.parameter.value] tree_method = exact: must be hist or auto; splits are always found from "
            "histograms; a GPU is chosen by device");
  EXPECT_EQ(set_error("booster", "dart"),
            "[core.parameter.value] booster = dart: must be gbtree; the model is a sum of trees");
}

TEST(GetParameter, UnknownKeysAreRefused) {
  EXPECT_EQ(error_of([] { static_cast<void>(get_parameter(Parameters{}, "max_depht")); }),
            "[core.parameter.unknown] unknown parameter 'max_depht'; did you mean max_depth?");
}

TEST(Validate, ChecksEveryField) {
  Parameters nan_weight;
  nan_weight.min_child_weight = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(validate_error(nan_weight),
            "[core.parameter.value] min_child_weight = nan: must be a number in [0, inf)");
  Parameters bad_objective;
  bad_objective.objective = static_cast<Objective>(9);
  EXPECT_EQ(validate_error(bad_objective),
            "[core.parameter.value] objective = 9: must be binary:logistic or reg:squarederror");
  Parameters bad_metric;
  bad_metric.eval_metric = {"auc", "acu"};
  EXPECT_EQ(validate_error(bad_metric), "[core.metric.unknown] unknown metric 'acu'; did you mean auc?");
}

TEST(Validate, ATreeNeedsALimit) {
  Parameters parameters;
  parameters.max_depth = 0;
  EXPECT_EQ(
      validate_error(parameters),
      "[core.parameter.value] max_depth = 0: needs max_leaves to be set, or nothing would limit a tree");
  parameters.max_leaves = 31;
  EXPECT_EQ(validate_error(parameters), "no error");
}

TEST(Validate, BaseScoreFitsTheObjective) {
  Parameters parameters;
  for (const double score : {0.0, 1.0, -2.5, 1e-60, 1 - 1e-12}) {  // the last two round to 0 and 1 in float32
    parameters.base_score = score;
    parameters.objective = Objective::kBinaryLogistic;
    EXPECT_THAT(validate_error(parameters),
                testing::EndsWith("must be a number in (0, 1) for binary:logistic"));
    parameters.objective = Objective::kSquaredError;
    EXPECT_EQ(validate_error(parameters), "no error") << score;
  }
  parameters.base_score = 1e39;
  EXPECT_EQ(validate_error(parameters),
            "[core.parameter.value] base_score = 1e+39: does not fit a 32-bit number");
}

}  // namespace
}  // namespace coppice
