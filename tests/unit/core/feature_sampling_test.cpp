#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/row_limit.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <vector>

namespace coppice::detail {
namespace {

std::vector<std::uint32_t> first_features(std::size_t n) {
  std::vector<std::uint32_t> all(n);
  std::iota(all.begin(), all.end(), 0U);
  return all;
}

TEST(SampleFeatures, CountsAreFloorsButNeverZero) {
  for (const std::size_t n : {1UL, 3UL, 10UL, 71UL}) {
    for (const double share : {0.001, 0.3, 0.5, 0.99}) {
      const auto chosen = sample_features(first_features(n), share, 1);
      EXPECT_EQ(chosen.size(), std::max(1.0, std::floor(share * static_cast<double>(n))))
          << n << " " << share;
      EXPECT_TRUE(std::ranges::is_sorted(chosen, std::less_equal<>{}) && chosen.back() < n);
    }
  }
  EXPECT_EQ(sample_features(first_features(10), 1, 5), first_features(10));
}

TEST(SampleFeatures, EveryFeatureHasTheSameChance) {
  constexpr int kKeys = 4000;
  std::vector<int> counts(10);
  for (int i = 0; i < kKeys; ++i)
    for (const auto f : sample_features(first_features(10), 0.3, draw_key(1, Purpose::kTreeFeatures, i)))
      ++counts[f];
  const double standard_error = std::sqrt(0.3 * 0.7 / kKeys);
  for (const int count : counts) EXPECT_NEAR(static_cast<double>(count) / kKeys, 0.3, 5 * standard_error);
}

TEST(FeatureSampler, SharesMultiplyAndNest) {
  Parameters parameters;
  parameters.colsample_bytree = 0.5;
  parameters.colsample_bylevel = 0.5;
  parameters.colsample_bynode = 0.5;
  const FeatureSampler sampler(parameters, first_features(80), 3);
  EXPECT_EQ(sampler.of_tree().size(), 40U);
  EXPECT_FALSE(sampler.is_uniform());
  const auto first = sampler.of_node(2, 3);
  const auto second = sampler.of_node(2, 4);
  EXPECT_EQ(first.size(), 10U);
  EXPECT_TRUE(std::ranges::includes(sampler.of_tree(), first));
  EXPECT_NE(first, second);

  parameters.colsample_bynode = 1;
  const FeatureSampler by_level(parameters, first_features(80), 3);
  EXPECT_EQ(by_level.of_node(2, 3), by_level.of_node(2, 4));
  EXPECT_TRUE(
      std::ranges::includes(by_level.of_node(2, 3), first));  // the same level, before the nodes' share
  EXPECT_NE(by_level.of_node(2, 3), by_level.of_node(1, 1));
}

TEST(FeatureSampler, DependsOnSeedAndRoundAlone) {
  Parameters parameters;
  parameters.colsample_bytree = 0.3;
  const auto features = FeatureSampler(parameters, first_features(50), 7).of_tree();
  EXPECT_EQ(FeatureSampler(parameters, first_features(50), 7).of_tree(), features);
  EXPECT_NE(FeatureSampler(parameters, first_features(50), 8).of_tree(), features);
  EXPECT_TRUE(FeatureSampler(parameters, first_features(50), 7).is_uniform());
  EXPECT_EQ(FeatureSampler(parameters, first_features(50), 7).of_node(4, 20), features);
  parameters.seed = 1;
  EXPECT_NE(FeatureSampler(parameters, first_features(50), 7).of_tree(), features);
}

/// A tree of one split for each gain; gains[f] goes to feature f.
Tree tree_of(const std::vector<float>& gains) {
  Tree tree;
  for (std::size_t f = 0; f < gains.size(); ++f) {
    if (gains[f] == 0) continue;
    Tree::Node node;
    node.left = 1;
    node.right = 2;
    node.feature = static_cast<std::int32_t>(f);
    node.gain = gains[f];
    tree.nodes.push_back(node);
  }
  tree.nodes.emplace_back();
  return tree;
}

GainHistory history_of(const std::vector<float>& gains, std::size_t n_trees = GainHistory::kTrees) {
  GainHistory history(gains.size());
  for (std::size_t i = 0; i < n_trees; ++i) history.add(tree_of(gains));
  return history;
}

TEST(GainHistory, SumsTheLatestTrees) {
  GainHistory history = history_of({1, 0, 4});
  EXPECT_THAT(history.totals(), testing::ElementsAre(5, 0, 20));
  history.add(tree_of({0, 3, 0}));
  EXPECT_THAT(history.totals(), testing::ElementsAre(4, 3, 16));
  EXPECT_FALSE(history_of({1}, GainHistory::kTrees - 1).is_full());
}

TEST(ScreenedFeatures, KeepsWhatBroughtMostOfTheGain) {
  Parameters parameters;
  parameters.screening = 0.001;  // one of the others
  parameters.screening_rows = 0;
  // 90 + 4 are short of 95 %, 90 + 4 + 4 are not; of equal gains the lower number is taken.
  const GainHistory history = history_of({1, 4, 90, 0, 1, 4});
  const auto features = screened_features(parameters, history, 6, 0, 9);
  EXPECT_EQ(features.size(), 4U);
  EXPECT_THAT(features, testing::IsSupersetOf({1, 2, 5}));
  EXPECT_TRUE(std::ranges::is_sorted(features));
}

TEST(ScreenedFeatures, TheOthersTakeTurns) {
  Parameters parameters;
  parameters.screening = 0.25;
  parameters.screening_rows = 0;
  const GainHistory history = history_of({9, 0, 0, 0, 0, 0, 0, 0, 0});
  std::vector<int> counts(9);
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round)
    for (const auto f : screened_features(parameters, history, 9, 0, round)) ++counts[f];
  EXPECT_EQ(counts[0], kRounds);
  const double standard_error = std::sqrt(0.25 * 0.75 / kRounds);
  for (std::size_t f = 1; f < 9; ++f) EXPECT_NEAR(counts[f] / double{kRounds}, 0.25, 5 * standard_error);
}

TEST(ScreenedFeatures, LooksAtAllWhileItKnowsLittle) {
  Parameters parameters;
  parameters.screening = 0.01;
  parameters.screening_rows = 100;
  const std::vector<float> gains = {9, 0, 0, 0};
  EXPECT_EQ(screened_features(parameters, history_of(gains), 4, 99, 9), first_features(4));
  EXPECT_EQ(screened_features(parameters, history_of(gains, 4), 4, 100, 9), first_features(4));
  EXPECT_EQ(screened_features(parameters, history_of({0, 0, 0, 0}), 4, 100, 9).size(), 1U);
  EXPECT_EQ(screened_features(parameters, history_of(gains), 4, 100, 9).size(), 2U);
  parameters.screening = 1;
  EXPECT_EQ(screened_features(parameters, history_of(gains), 4, 100, 9), first_features(4));
}

TEST(RowLimit, EveryFeatureThatBringsGainHasRows) {
  Parameters parameters;
  parameters.sampling_rows = 50;
  // 80 + 9 are short of nine tenths, 80 + 9 + 5 are not.
  const std::vector<float> gains = {1, 5, 80, 0, 9, 5};
  EXPECT_EQ(row_limit(parameters, history_of(gains, 3), 1000), 150);
  // Two trees have ten splits: too few to know six features.
  EXPECT_TRUE(std::isinf(row_limit(parameters, history_of(gains, 2), 1000)));
  parameters.sampling_rows = 0;
  EXPECT_TRUE(std::isinf(row_limit(parameters, history_of(gains, 3), 1000)));
}

TEST(RowLimit, IsTwiceAsHighForSquaredErrorAndTwiceItsFloor) {
  Parameters parameters;
  parameters.objective = Objective::kSquaredError;
  parameters.sampling_rows = 50;
  EXPECT_EQ(row_limit(parameters, history_of({1}), 1000), 200);  // a tenth of the rows is always kept
  parameters.sampling_rows = 300;
  EXPECT_EQ(row_limit(parameters, history_of({1}), 1000), 600);
}

}  // namespace
}  // namespace coppice::detail
