#include <coppice/detail/feature_sampling.h>

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
  const FeatureSampler sampler(parameters, 80, 3);
  EXPECT_EQ(sampler.of_tree().size(), 40U);
  EXPECT_FALSE(sampler.is_uniform());
  const auto first = sampler.of_node(2, 3);
  const auto second = sampler.of_node(2, 4);
  EXPECT_EQ(first.size(), 10U);
  EXPECT_TRUE(std::ranges::includes(sampler.of_tree(), first));
  EXPECT_NE(first, second);

  parameters.colsample_bynode = 1;
  const FeatureSampler by_level(parameters, 80, 3);
  EXPECT_EQ(by_level.of_node(2, 3), by_level.of_node(2, 4));
  EXPECT_TRUE(
      std::ranges::includes(by_level.of_node(2, 3), first));  // the same level, before the nodes' share
  EXPECT_NE(by_level.of_node(2, 3), by_level.of_node(1, 1));
}

TEST(FeatureSampler, DependsOnSeedAndRoundAlone) {
  Parameters parameters;
  parameters.colsample_bytree = 0.3;
  const auto features = FeatureSampler(parameters, 50, 7).of_tree();
  EXPECT_EQ(FeatureSampler(parameters, 50, 7).of_tree(), features);
  EXPECT_NE(FeatureSampler(parameters, 50, 8).of_tree(), features);
  EXPECT_TRUE(FeatureSampler(parameters, 50, 7).is_uniform());
  EXPECT_EQ(FeatureSampler(parameters, 50, 7).of_node(4, 20), features);
  parameters.seed = 1;
  EXPECT_NE(FeatureSampler(parameters, 50, 7).of_tree(), features);
}

}  // namespace
}  // namespace coppice::detail
