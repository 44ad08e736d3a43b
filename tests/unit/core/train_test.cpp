// The boosting loop: checks, early stopping, observers, continued training.
#include <coppice/error.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace coppice {
namespace {

/// Labels follow feature 0 beyond 0.5, with every tenth row the other way; feature 1 is noise.
Dataset steps(std::size_t n_rows, std::uint32_t seed) {
  std::vector<float> values, labels;
  std::uint32_t state = seed;
  const auto uniform = [&] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(state >> 8) * 0x1p-24F;
  };
  for (std::size_t i = 0; i < n_rows; ++i) {
    const float x = uniform();
    values.push_back(x);
    values.push_back(uniform());
    labels.push_back((x > 0.5F) != (i % 10 == 0) ? 1.0F : 0.0F);
  }
  return make_dataset(values, 2, labels);
}

Parameters few_rounds(int n) {
  Parameters parameters;
  parameters.num_round = n;
  parameters.max_depth = 3;
  parameters.seed = 5;
  return parameters;
}

std::string error_of(const Parameters& parameters, const Dataset& data, const TrainOptions& options = {}) {
  try {
    (void)train(*kernels::make_cpu_backend(1), parameters, data, options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Train, SplitsWhereTheLabelsChange) {
  const Model model = train(*kernels::make_cpu_backend(1), few_rounds(1), steps(4000, 1));
  ASSERT_EQ(model.trees.size(), 1U);
  const Tree::Node& root = model.trees[0].nodes[0];
  EXPECT_EQ(root.feature, 0);
  EXPECT_NEAR(root.threshold, 0.5F, 0.01F);  // cuts stand about 1 / 255 apart
}

TEST(Train, BaseScoreIsTheLabelMean) {
  const Dataset data = steps(1000, 2);
  double sum = 0;
  for (const float y : data.labels) sum += static_cast<double>(y);
  const Model model = train(*kernels::make_cpu_backend(1), few_rounds(0), data);
  EXPECT_TRUE(model.trees.empty());
  // The share may move up by a few units in the last place, to one whose logit rounds clearly.
  EXPECT_NEAR(static_cast<double>(model.base_score), sum / 1000, 1e-6);
}

TEST(Train, RefusesWhatCannotBeLearned) {
  Dataset data = steps(100, 3);
  Dataset one_class = data;
  for (float& y : one_class.labels) y = 0;
  EXPECT_THAT(error_of(few_rounds(1), one_class), testing::StartsWith("[core.train.one_class]"));
  Dataset odd_label = data;
  odd_label.labels[17] = 2;
  EXPECT_EQ(error_of(few_rounds(1), odd_label), "[core.train.label] row 17: label 2 is not 0 or 1");
  Dataset no_label = data;
  no_label.labels = {};
  EXPECT_THAT(error_of(few_rounds(1), no_label), testing::StartsWith("[core.train.no_label]"));
  Dataset negative_weight = data;
  negative_weight.weights = Buffer<float>(100, 1);
  negative_weight.weights[3] = -1;
  EXPECT_EQ(error_of(few_rounds(1), negative_weight),
            "[core.train.weight] row 3: weight -1 is not a number >= 0");
  Dataset no_weight = data;
  no_weight.weights = Buffer<float>(100, 0);
  EXPECT_THAT(error_of(few_rounds(1), no_weight),
              testing::StartsWith("[core.train.weight] all weights are 0"));
}

TEST(Train, ConstantLabelOfRegressionGivesTheConstant) {
  Dataset data = steps(100, 3);
  for (float& y : data.labels) y = 7.5F;
  Parameters parameters = few_rounds(3);
  parameters.objective = Objective::kSquaredError;
  const Model model = train(*kernels::make_cpu_backend(1), parameters, data);
  for (const Tree& tree : model.trees) EXPECT_EQ(tree.nodes.size(), 1U);
  EXPECT_FLOAT_EQ(predict_margin(model, std::vector<float>{0.3F, 0.4F}), 7.5F);
}

TEST(Train, EarlyStoppingCutsTheModelAtTheBestRound) {
  const Dataset data = steps(2000, 4), valid = steps(500, 5);
  Parameters parameters = few_rounds(400);
  parameters.eval_metric = {"error", "logloss"};
  parameters.early_stopping_rounds = 5;
  TrainReport report;
  const Model model = train(*kernels::make_cpu_backend(2), parameters, data,
                            {.evaluation = {{"validation", &valid}}}, &report);
  EXPECT_TRUE(report.stopped_early);
  ASSERT_GE(model.summary.best_round, 0);
  EXPECT_EQ(model.trees.size(), static_cast<std::size_t>(model.summary.best_round) + 1);
  ASSERT_EQ(model.summary.curves.size(), 2U);
  const MetricCurve& curve = model.summary.curves[1];  // the last metric of the last set decides
  EXPECT_EQ(curve.name, "validation-logloss");
  ASSERT_EQ(curve.values.size(), model.trees.size());
  for (const double value : curve.values) EXPECT_GE(value, curve.values.back());
  EXPECT_EQ(report.final_metrics[1].value, curve.values.back());
}

TEST(Train, EarlyStoppingWatchesTheNamedMetric) {
  const Dataset data = steps(2000, 4), valid = steps(500, 5);
  Parameters parameters = few_rounds(60);
  parameters.eval_metric = {"auc", "logloss"};
  parameters.early_stopping_rounds = 4;
  parameters.early_stopping_metric = "validation-auc";
  const Model model =
      train(*kernels::make_cpu_backend(1), parameters, data, {.evaluation = {{"validation", &valid}}});
  const MetricCurve& curve = model.summary.curves[0];
  for (const double value : curve.values) EXPECT_LE(value, curve.values.back());
  parameters.early_stopping_metric = "validation-map";
  EXPECT_EQ(error_of(parameters, data, {.evaluation = {{"validation", &valid}}}),
            "[core.train.early_stopping] early_stopping_metric 'validation-map' is not watched; the watched "
            "ones are "
            "validation-auc, validation-logloss");
}

TEST(Train, EarlyStoppingTakesAnyNumberOverNotANumber) {
  const Dataset data = steps(2000, 4), valid = steps(500, 5);
  Parameters parameters = few_rounds(40);
  parameters.learning_rate = 0.05;
  parameters.eval_metric = {"precision@0.8"};
  parameters.early_stopping_rounds = 40;
  const Model model =
      train(*kernels::make_cpu_backend(1), parameters, data, {.evaluation = {{"validation", &valid}}});
  const std::vector<double>& values = model.summary.curves[0].values;
  EXPECT_TRUE(std::isnan(values.front()));  // nothing is called positive yet
  ASSERT_FALSE(std::isnan(values.back()));  // the best round, where the model ends
  for (const double value : values) EXPECT_FALSE(value > values.back());
}

TEST(Train, EvaluationBinsMayBeAtHand) {
  const Dataset data = steps(2000, 4), valid = steps(500, 5);
  const auto backend = kernels::make_cpu_backend(1);
  const TrainingData prepared = prepare(*backend, few_rounds(5), data);
  const BinnedMatrix bins = backend->bin(valid, prepared.bins.cuts, false);
  Dataset labels_only = valid;
  labels_only.columns = {};
  const Model made = train(*backend, few_rounds(5), prepared, {.evaluation = {{"validation", &valid}}});
  const Model given =
      train(*backend, few_rounds(5), prepared, {.evaluation = {{"validation", &labels_only, &bins}}});
  EXPECT_EQ(given, made);
  Dataset fewer = steps(499, 5);
  const auto refused = [&](const Dataset& set, const BinnedMatrix& of_set) {
    EXPECT_THROW(
        (void)train(*backend, few_rounds(5), prepared, {.evaluation = {{"validation", &set, &of_set}}}),
        Error);
  };
  refused(fewer, bins);
  refused(valid, backend->bin(valid, backend->make_cuts(valid, {}), false));
}

TEST(Train, ObserverSeesEveryRoundAndCanStop) {
  const Dataset data = steps(500, 6);
  std::vector<int> rounds;
  TrainOptions options;
  options.evaluate_training = true;
  options.observer = [&](const Progress& progress) {
    rounds.push_back(progress.round);
    EXPECT_EQ(progress.last_round, 19);
    EXPECT_EQ(progress.metrics.size(), 1U);
    EXPECT_EQ(progress.metrics[0].name, "train-logloss");
    return progress.round < 6;
  };
  const Model model = train(*kernels::make_cpu_backend(1), few_rounds(20), data, options);
  EXPECT_THAT(rounds, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(model.trees.size(), 7U);
}

TEST(Train, MoreRoundsEqualOneTraining) {
  const Dataset data = steps(3000, 7);
  const auto backend = kernels::make_cpu_backend(2);
  Parameters all = few_rounds(12);
  all.subsample = 0.7;
  all.colsample_bytree = 0.5;
  Parameters first = all, rest = all;
  first.num_round = 5;
  rest.num_round = 7;
  const Model whole = train(*backend, all, data);
  const Model part = train(*backend, first, data);
  const Model continued = train(*backend, rest, data, {.continue_from = &part});
  EXPECT_EQ(first_difference(whole, continued), "");
  EXPECT_EQ(whole, continued);
}

TEST(Train, RefusesToContinueWhatDoesNotFit) {
  const Dataset data = steps(300, 8);
  Model part = train(*kernels::make_cpu_backend(1), few_rounds(2), data);
  Parameters parameters = few_rounds(2);
  parameters.objective = Objective::kSquaredError;
  EXPECT_THAT(error_of(parameters, data, {.continue_from = &part}), testing::HasSubstr("objective"));
  part.schema.features[0].name = "other";
  EXPECT_THAT(error_of(few_rounds(2), data, {.continue_from = &part}), testing::HasSubstr("features differ"));
}

TEST(Train, CountsTheRowsOfEachBin) {
  // The second feature is one value but for every fifth row, which is missing. 1025 rows are two blocks and
  // one row.
  Dataset data = steps(1025, 9);
  for (std::size_t row = 0; row < data.n_rows; ++row)
    data.columns[1][row] = row % 5 == 0 ? std::numeric_limits<float>::quiet_NaN() : 3.0F;
  const auto backend = kernels::make_cpu_backend(1);
  const TrainingData prepared = prepare(*backend, few_rounds(1), data);
  std::vector<std::vector<std::uint32_t>> expected;
  for (std::size_t f = 0; f < 2; ++f) {
    auto& counts = expected.emplace_back(prepared.bins.cuts.n_bins(f));
    for (std::size_t row = 0; row < data.n_rows; ++row) ++counts[prepared.bins.bin(row, f)];
  }
  ASSERT_EQ(expected[1][0], 205U);
  const Model model = train(*backend, few_rounds(1), prepared, {.describe_data = true});
  EXPECT_EQ(model.bin_counts, expected);
}

ScoreReference reference_of(const Model& model, const Dataset& data) {
  std::vector<float> scores;
  for (std::size_t row = 0; row < data.n_rows; ++row) {
    scores.push_back(predict_margin(model, std::vector{data.columns[0][row], data.columns[1][row]}));
  }
  margins_to_predictions(model.objective, scores);
  return describe_scores(scores);
}

TEST(Train, DescribesTheScoresOfTheModelThatItReturns) {
  const Dataset data = steps(1000, 9), other = steps(1000, 10);
  const auto backend = kernels::make_cpu_backend(1);
  const Model model = train(*backend, few_rounds(4), data, {.describe_data = true});
  EXPECT_GT(model.score_reference.cuts.size(), 2U);
  EXPECT_EQ(model.score_reference, reference_of(model, data));

  const Model more = train(*backend, few_rounds(2), data, {.continue_from = &model, .describe_data = true});
  EXPECT_EQ(more.score_reference, reference_of(more, data));
  const Model undescribed = train(*backend, few_rounds(2), data, {.continue_from = &model});
  EXPECT_EQ(undescribed.score_reference, ScoreReference()) << "that of another model is worse than none";

  Parameters parameters = few_rounds(60);
  parameters.early_stopping_rounds = 5;
  const Model stopped =
      train(*backend, parameters, data, {.evaluation = {{"validation", &other}}, .describe_data = true});
  ASSERT_LT(stopped.trees.size(), 55U) << "rounds after the best one were forgotten";
  EXPECT_EQ(stopped.score_reference, reference_of(stopped, data));
}

TEST(Train, HashTellsItsDataApart) {
  const Dataset data = steps(1000, 9);
  const auto backend = kernels::make_cpu_backend(1);
  const Model model = train(*backend, few_rounds(1), data, {.describe_data = true});
  Dataset changed = data;
  changed.labels[0] = 1 - changed.labels[0];
  const Model other = train(*backend, few_rounds(1), changed, {.describe_data = true});
  EXPECT_EQ(model.summary.data_hash.size(), 32U);
  EXPECT_NE(model.summary.data_hash, other.summary.data_hash);
}

}  // namespace
}  // namespace coppice
