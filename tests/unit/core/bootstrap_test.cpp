#include <coppice/bootstrap.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>

namespace coppice {
namespace {

constexpr std::size_t kSampledRows = 100'000;

std::vector<float> draw(std::uint64_t seed, std::uint32_t replicate, const std::vector<float>& weights = {}) {
  std::vector<float> result(kSampledRows);
  bootstrap_weights(seed, replicate, weights, {}, result);
  return result;
}

TEST(BootstrapWeights, ArePoissonCounts) {
  std::array<double, 6> seen = {};
  for (const float count : draw(1, 0)) {
    if (count < 6) ++seen[static_cast<std::size_t>(count)];
  }
  double expected = kSampledRows * std::exp(-1.0);
  for (std::size_t count = 0; count < seen.size(); ++count) {
    // Five standard deviations of the number of rows that draw this count.
    EXPECT_NEAR(seen[count], expected, 5 * std::sqrt(expected)) << count;
    expected /= static_cast<double>(count + 1);
  }
}

TEST(BootstrapWeights, ReplicatesAndSeedsAreIndependent) {
  const auto first = draw(1, 0);
  EXPECT_EQ(draw(1, 0), first);
  for (const auto& other : {draw(1, 1), draw(2, 0)}) {
    double product = 0;
    for (std::size_t i = 0; i < kSampledRows; ++i) product += (first[i] - 1) * (other[i] - 1);
    EXPECT_NEAR(product, 0, 5 * std::sqrt(static_cast<double>(kSampledRows)));  // five standard deviations
  }
}

TEST(BootstrapWeights, MultiplyTheRowsOwn) {
  std::vector<float> weights(kSampledRows);
  for (std::size_t i = 0; i < kSampledRows; ++i) weights[i] = static_cast<float>(i % 4) / 4;
  const auto counts = draw(3, 7), products = draw(3, 7, weights);
  for (std::size_t i = 0; i < kSampledRows; ++i) ASSERT_EQ(products[i], counts[i] * weights[i]);
}

TEST(BootstrapWeights, RowsOfAGroupCountAlike) {
  const auto of_rows = draw(1, 5);
  std::vector<std::uint32_t> groups(kSampledRows);
  for (std::size_t i = 0; i < kSampledRows; ++i) groups[i] = static_cast<std::uint32_t>((i * 7) % 1000);
  std::vector<float> counts(kSampledRows);
  bootstrap_weights(1, 5, {}, groups, counts);
  for (std::size_t i = 0; i < kSampledRows; ++i) ASSERT_EQ(counts[i], of_rows[groups[i]]);
}

TEST(PercentileInterval, InterpolatesLinearly) {
  std::vector<double> values(81);  // places 2 and 78
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(80 - i);
  const Interval whole = percentile_interval(values);
  EXPECT_DOUBLE_EQ(whole.low, 2);
  EXPECT_DOUBLE_EQ(whole.high, 78);
  const Interval two = percentile_interval({1, 0});
  EXPECT_DOUBLE_EQ(two.low, 0.025);
  EXPECT_DOUBLE_EQ(two.high, 0.975);
}

TEST(PercentileInterval, LeavesOutNotANumber) {
  const Interval one = percentile_interval({std::nan(""), 3, std::nan("")});
  EXPECT_EQ(one.low, 3);
  EXPECT_EQ(one.high, 3);
  EXPECT_TRUE(std::isnan(percentile_interval({std::nan("")}).low));
  EXPECT_TRUE(std::isnan(percentile_interval({}).high));
}

}  // namespace
}  // namespace coppice
