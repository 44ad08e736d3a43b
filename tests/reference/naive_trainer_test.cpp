// The oracle itself, against numbers worked out by hand.
#include "naive_trainer.h"

#include <coppice/dataset.h>
#include <coppice/metric.h>
#include <coppice/train.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "random_problem.h"

namespace coppice::reference {
namespace {

using testing::ElementsAre;
using Node = Tree::Node;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// One round at rate 1 on all rows, lambda 1.
Parameters one_round(Objective objective) {
  Parameters parameters;
  parameters.objective = objective;
  parameters.num_round = 1;
  parameters.learning_rate = 1;
  parameters.max_depth = 1;
  parameters.min_child_weight = 0;
  parameters.sampling_noise = 0;
  return parameters;
}

/// A table of one categorical feature of three named categories, codes 0 .. 3.
Dataset categorical_table(const std::vector<float>& codes, const std::vector<float>& labels) {
  Dataset data = make_dataset(codes, 1, labels);
  data.schema.features[0].kind = FeatureKind::kCategorical;
  data.schema.features[0].categories = {"a", "b", "c"};
  return data;
}

TEST(NaiveTrainer, SquaredErrorStump) {
  Parameters parameters = one_round(Objective::kSquaredError);
  parameters.base_score = 0;
  const Model model = train(NaiveBackend(), parameters,
                            make_dataset(std::vector<float>{0, 1, 2, 3}, 1, std::vector<float>{1, 2, 5, 6}));
  // Gradients -1 -2 -5 -6, hessians 1. Scores of the cuts: 1/2 + 169/4 = 42.75, 9/3 + 121/3 = 43.33,
  // 64/4 + 36/2 = 34; the root's is 196/5 = 39.2.
  ASSERT_EQ(model.trees.size(), 1U);
  const std::vector<Node>& nodes = model.trees[0].nodes;
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].feature, 0);
  EXPECT_EQ(nodes[0].threshold, 1.5F);
  EXPECT_FLOAT_EQ(nodes[0].gain, 130.0F / 3 - 39.2F);
  EXPECT_FLOAT_EQ(nodes[0].weight, 14.0F / 5);
  EXPECT_EQ(nodes[0].cover, 4);
  EXPECT_TRUE(nodes[0].default_left);  // equal weights: left
  EXPECT_FLOAT_EQ(nodes[1].weight, 1);
  EXPECT_FLOAT_EQ(nodes[2].weight, 11.0F / 3);
  EXPECT_EQ(nodes[1].cover, 2);
}

TEST(NaiveTrainer, LogisticStumpSendsMissingAlone) {
  Parameters parameters = one_round(Objective::kBinaryLogistic);
  parameters.base_score = 0.5;
  parameters.min_child_weight = 0.5;
  const Model model =
      train(NaiveBackend(), parameters,
            make_dataset(std::vector<float>{kNan, 1, 2, kNan}, 1, std::vector<float>{1, 0, 0, 1}));
  // Gradients -0.5 0.5 0.5 -0.5, hessians 0.25: {missing} | {1, 2} gives 1/1.5 + 1/1.5.
  const std::vector<Node>& nodes = model.trees[0].nodes;
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].threshold, std::numeric_limits<float>::lowest());
  EXPECT_TRUE(nodes[0].default_left);
  EXPECT_FLOAT_EQ(nodes[0].gain, 4.0F / 3);
  EXPECT_FLOAT_EQ(nodes[1].weight, 2.0F / 3);
  EXPECT_FLOAT_EQ(nodes[2].weight, -2.0F / 3);
  EXPECT_EQ(nodes[2].cover, 0.5F);
}

TEST(NaiveTrainer, MissingGoesRightWhenThatIsBetter) {
  const Parameters parameters = one_round(Objective::kBinaryLogistic);
  const Model model =
      train(NaiveBackend(), parameters,
            make_dataset(std::vector<float>{1, 1, 2, kNan}, 1, std::vector<float>{1, 1, 0, 0}));
  const std::vector<Node>& nodes = model.trees[0].nodes;
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_EQ(nodes[0].threshold, 1.5F);
  EXPECT_FALSE(nodes[0].default_left);
  EXPECT_FLOAT_EQ(nodes[1].weight, 2.0F / 3);  // base score 0.5: gradients +-0.5
  EXPECT_FLOAT_EQ(nodes[2].weight, -2.0F / 3);
}

TEST(NaiveTrainer, OneCategoryAgainstTheRest) {
  const Model model = train(NaiveBackend(), one_round(Objective::kSquaredError),
                            categorical_table({0, 1, 1, 2}, {0, 8, 8, 0}));
  const Tree& tree = model.trees[0];
  ASSERT_EQ(tree.nodes.size(), 3U);
  EXPECT_TRUE(tree.nodes[0].is_categorical);
  EXPECT_THAT(tree.categories_of(tree.nodes[0]), ElementsAre(1));
  EXPECT_TRUE(tree.nodes[0].default_left);
  EXPECT_FLOAT_EQ(tree.nodes[2].weight, 8.0F / 3);  // base score 4
}

TEST(NaiveTrainer, CategoriesInOrderOfTheirGradients) {
  Parameters parameters = one_round(Objective::kSquaredError);
  parameters.max_cat_to_onehot = 0;
  parameters.cat_smooth = 0;
  parameters.cat_l2 = 0;
  const Model model =
      train(NaiveBackend(), parameters, categorical_table({0, 1, 2, 3, 3}, {9, -5, 9, -5, -5}));
  const Tree& tree = model.trees[0];
  ASSERT_EQ(tree.nodes.size(), 3U);
  EXPECT_THAT(tree.categories_of(tree.nodes[0]), ElementsAre(0, 2));
}

TEST(NaiveTrainer, WeightsMultiplyGradientsAndHessians) {
  Parameters parameters = one_round(Objective::kSquaredError);
  parameters.base_score = 0;
  Dataset data = make_dataset(std::vector<float>{0, 1}, 1, std::vector<float>{-3, 6});
  data.weights = {2, 5};
  const Model model = train(NaiveBackend(), parameters, data);
  const std::vector<Node>& nodes = model.trees[0].nodes;
  ASSERT_EQ(nodes.size(), 3U);
  EXPECT_FLOAT_EQ(nodes[1].weight, -2);  // -(2 * 3) / (2 + 1)
  EXPECT_FLOAT_EQ(nodes[2].weight, 5);   // (5 * 6) / (5 + 1)
  EXPECT_EQ(nodes[0].cover, 7);
}

TEST(NaiveTrainer, FirstThresholdIsFoundAndFollowed) {
  Parameters parameters = one_round(Objective::kSquaredError);
  parameters.base_score = 0;
  parameters.sampling_noise = 0.1;
  const Model model = train(NaiveBackend(), parameters,
                            make_dataset(std::vector<float>{5, 5, 5, 5}, 1, std::vector<float>{4, 1, 1, 1}));
  // Sums of the squares 19; {1, 1, 1} are below the threshold: (0.1 * 19 + 3) / 3.
  ASSERT_EQ(model.summary.sampling_thresholds.size(), 2U);
  EXPECT_FLOAT_EQ(model.summary.sampling_thresholds[0], 4.9F / 3);
  EXPECT_FLOAT_EQ(model.summary.sampling_thresholds[1], 4.9F / 3);
}

TEST(NaiveTrainer, PerfectFitHasNothingToSample) {
  Parameters parameters = one_round(Objective::kSquaredError);
  parameters.sampling_noise = 0.1;
  parameters.num_round = 2;
  const Model model = train(NaiveBackend(), parameters,
                            make_dataset(std::vector<float>{0, 1, 2}, 1, std::vector<float>{4, 4, 4}));
  for (const Tree& tree : model.trees) {
    ASSERT_EQ(tree.nodes.size(), 1U);
    EXPECT_EQ(tree.nodes[0].weight, 0);
    EXPECT_EQ(tree.nodes[0].cover, 3);
  }
  EXPECT_THAT(model.summary.sampling_thresholds, ElementsAre(0, 0, 0));
}

TEST(NaiveTrainer, LossFallsAndRareClassIsSampled) {
  TablePlan plan;
  plan.n_rows = 3000;
  plan.positive_share = 0.02;
  plan.columns.assign(6, {.kind = ColumnKind::kContinuous});
  const Dataset data = random_table(plan, 1);
  Parameters parameters;
  parameters.num_round = 20;
  parameters.max_depth = 3;
  TrainOptions options;
  options.evaluate_training = true;
  TrainReport report;
  const Model model = train(NaiveBackend(), parameters, data, options, &report);
  const std::vector<double>& losses = model.summary.curves.at(0).values;
  ASSERT_EQ(losses.size(), 20U);
  for (std::size_t i = 1; i < losses.size(); ++i) EXPECT_LT(losses[i], losses[i - 1]);
  EXPECT_LT(losses.back(), 0.5 * losses.front());
  EXPECT_LT(report.mean_kept_share, 0.5);
  EXPECT_GT(report.mean_kept_share, 0.02);
}

TEST(NaiveTrainer, LayoutsHoldTheSameBins) {
  TablePlan plan;
  plan.n_rows = 513;
  plan.columns.assign(33, {.kind = ColumnKind::kContinuous, .missing_share = 0.1});
  const Dataset data = random_table(plan, 2);
  const NaiveBackend backend;
  const Cuts cuts = backend.make_cuts(data, {.max_bin = 16});
  const BinnedMatrix matrix = backend.bin(data, cuts, true);
  ASSERT_EQ(matrix.columns.size(), 2 * 512U * 33);
  ASSERT_EQ(matrix.records.size(), 2 * 512U * (32 + 16));  // the second group of records has stride 16
  for (std::size_t row = 0; row < 1024; ++row)
    for (std::size_t f = 0; f < 33; ++f) {
      const std::uint8_t expected = row < 513 ? cuts.bin_of(f, data.columns[f][row]) : 0;
      ASSERT_EQ(matrix.bin(row, f), expected);
      ASSERT_EQ(matrix.records[f < 32 ? row * 32 + f : 1024 * 32 + row * 16], expected);
    }
}

}  // namespace
}  // namespace coppice::reference
