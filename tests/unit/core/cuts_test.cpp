#include <coppice/cuts.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>
#include <vector>

#include "reference/random_problem.h"

namespace coppice {
namespace {

using reference::Random;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kLargest = std::numeric_limits<float>::max();

std::vector<std::uint32_t> all_rows(std::size_t n) {
  std::vector<std::uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  return rows;
}

/// The cuts of one column, all rows looked at.
Cuts cuts_of(const std::vector<float>& column, int max_bin = kMaxValueBins,
             const std::vector<float>& weights = {}) {
  Cuts cuts;
  append_numeric_cuts(column, weights, all_rows(column.size()), max_bin, cuts);
  return cuts;
}

/// Rows in every bin, the missing bin first.
std::vector<int> bin_counts(const Cuts& cuts, const std::vector<float>& column) {
  std::vector<int> counts(cuts.n_bins(0));
  for (const float value : column) ++counts[cuts.bin_of(0, value)];
  return counts;
}

TEST(Cuts, BinsAndThresholds) {
  const Cuts cuts{.values = {1.5F, 2.5F, 8}, .offsets = {0, 2, 2, 3}, .n_codes = {0, 4, 0}};
  EXPECT_EQ(cuts.n_features(), 3U);
  EXPECT_EQ(cuts.bin_of(0, kNan), 0);
  EXPECT_EQ(cuts.bin_of(0, -kLargest), 1);
  EXPECT_EQ(cuts.bin_of(0, std::nextafterf(1.5F, 0)), 1);
  EXPECT_EQ(cuts.bin_of(0, 1.5F), 2);  // x < cut goes left
  EXPECT_EQ(cuts.bin_of(0, kLargest), 3);
  EXPECT_EQ(cuts.n_bins(0), 4);
  EXPECT_EQ(cuts.bin_of(1, kNan), 0);
  EXPECT_EQ(cuts.bin_of(1, 3), 4);
  EXPECT_EQ(cuts.n_bins(1), 5);
  EXPECT_THAT(cuts.of(2), ElementsAre(8));

  EXPECT_EQ(cuts.threshold_after(0, 0), std::numeric_limits<float>::lowest());
  EXPECT_EQ(cuts.threshold_after(0, 2), 2.5F);
  EXPECT_EQ(cuts.threshold_after(2, 1), 8);
  for (const int bin : {0, 1, 2}) EXPECT_EQ(cuts.bin_before(0, cuts.threshold_after(0, bin)), bin);
  EXPECT_EQ(cuts.bin_before(0, 2), -1);
  EXPECT_EQ(cuts.bin_before(2, 2.5F), -1);
}

TEST(NumericCuts, FewValuesGetACutInEachGap) {
  EXPECT_THAT(cuts_of({4, 1, kNan, 2, 1, 4}).of(0), ElementsAre(1.5F, 3));
  EXPECT_THAT(cuts_of({7, 7, kNan}).of(0), IsEmpty());
  EXPECT_THAT(cuts_of({kNan, kNan}).of(0), IsEmpty());
  EXPECT_EQ(cuts_of({kNan}).n_bins(0), 2);
  EXPECT_THAT(cuts_of({-0.0F, 0.0F}).of(0), IsEmpty());  // one value
}

TEST(NumericCuts, SeparateNeighboursHoweverCloseOrFar) {
  const float next = std::nextafterf(1, 2);
  for (const auto& [low, high] : std::vector<std::pair<float, float>>{
           {1, next}, {-kLargest, kLargest}, {0, 1e-45F}, {-1e-45F, 0}, {kLargest / 2, kLargest}, {-3, -2}}) {
    const Cuts cuts = cuts_of({low, high});
    ASSERT_EQ(cuts.of(0).size(), 1U);
    EXPECT_GT(cuts.of(0)[0], low);
    EXPECT_LE(cuts.of(0)[0], high);
    EXPECT_GT(cuts.of(0)[0], std::numeric_limits<float>::lowest());  // which means *only missing goes left*
  }
}

TEST(NumericCuts, FewValuesAreFoundInAllRows) {
  std::vector<float> column(1000, 1);
  column[999] = 2;  // not in the sample
  Cuts cuts;
  append_numeric_cuts(column, {}, all_rows(10), 255, cuts);
  EXPECT_THAT(cuts.of(0), ElementsAre(1.5F));
}

TEST(NumericCuts, ManyValuesGetEqualShares) {
  std::vector<float> column(1000);
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>((i * 7) % 1000);
  EXPECT_THAT(bin_counts(cuts_of(column, 4), column), ElementsAre(0, 250, 250, 250, 250));
  EXPECT_EQ(cuts_of(column, 4).of(0)[0], 249.5F);
}

TEST(NumericCuts, SharesFollowWeights) {
  std::vector<float> column(1000), weights(1000, 1);
  for (std::size_t i = 0; i < column.size(); ++i) column[i] = static_cast<float>(i);
  std::fill_n(weights.begin(), 500, 3.0F);  // total 2000: half of it below 333.3
  const auto counts = bin_counts(cuts_of(column, 2, weights), column);
  EXPECT_NEAR(counts[1], 333, 1);
}

TEST(NumericCuts, AFrequentValueTakesOneBin) {
  std::vector<float> column(1000, 5);
  for (std::size_t i = 0; i < 200; ++i) column[i] = static_cast<float>(i) / 100 - 1;  // 200 values below 5
  const Cuts cuts = cuts_of(column, 10);
  const int bin = cuts.bin_of(0, 5);
  EXPECT_EQ(bin_counts(cuts, column)[bin], 800);
  EXPECT_LE(cuts.of(0).size(), 9U);
}

TEST(NumericCuts, AreAscendingAndAtMostMaxBin) {
  Random random(1);
  for (int i = 0; i < 100; ++i) {
    std::vector<float> column(1 + random.below(2000));
    const int n_values = 1 + random.below(600);
    for (float& x : column) x = random.chance(0.1) ? kNan : static_cast<float>(random.below(n_values)) / 8;
    const int max_bin = 2 + random.below(254);
    const Cuts cuts = cuts_of(column, max_bin);
    EXPECT_TRUE(std::ranges::is_sorted(cuts.of(0), std::less_equal<>{}));
    EXPECT_LE(cuts.n_bins(0), max_bin + 1);
    std::set<float> distinct;
    for (const float x : column)
      if (!std::isnan(x)) distinct.insert(x);
    const auto counts = bin_counts(cuts, column);
    if (static_cast<int>(distinct.size()) <= max_bin) {
      EXPECT_EQ(cuts.of(0).size() + 1, std::max<std::size_t>(1, distinct.size()));
    }
    if (!distinct.empty()) {
      EXPECT_EQ(std::count(counts.begin() + 1, counts.end(), 0), 0);  // no bin in vain
    }
  }
}

TEST(NumericCuts, AppendOneFeatureAfterTheOther) {
  Cuts cuts = cuts_of({1, 2, 3});
  append_numeric_cuts(std::vector<float>{5, 6}, {}, all_rows(2), 255, cuts);
  EXPECT_EQ(cuts, (Cuts{.values = {1.5F, 2.5F, 5.5F}, .offsets = {0, 2, 3}, .n_codes = {0, 0}}));
}

TEST(CutSample, TakesOneRowFromEachStretch) {
  const auto rows = cut_sample(1'000'000, {.sample_rows = 1000, .seed = 3});
  ASSERT_EQ(rows.size(), 1000U);
  int at_start = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i] / 1000, i);
    at_start += rows[i] % 1000 < 500 ? 1 : 0;
  }
  EXPECT_NEAR(at_start, 500, 80);  // five standard errors of sqrt(1000) / 2
  EXPECT_NE(cut_sample(1'000'000, {.sample_rows = 1000, .seed = 4}), rows);
}

TEST(CutSample, TakesAllRowsOfASmallTable) {
  EXPECT_EQ(cut_sample(5, {.sample_rows = 10}), all_rows(5));
  EXPECT_EQ(cut_sample(5, {.sample_rows = 5}), all_rows(5));
  EXPECT_EQ(cut_sample(50'000, {.sample_rows = 0}), all_rows(50'000));
  EXPECT_THAT(cut_sample(7, {.sample_rows = 6}), testing::SizeIs(6));
}

}  // namespace
}  // namespace coppice
