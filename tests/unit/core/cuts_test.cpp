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
using testing::Ge;
using testing::IsEmpty;
using testing::Le;

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
  append_numeric_cuts(column, weights, all_rows(column.size()), {.max_bin = max_bin}, cuts);
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
  append_numeric_cuts(column, {}, all_rows(10), {}, cuts);
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

/// 2^16 numbers. 65,536 / 255 is 257.0, so 257 of them at either end could be a tail.
std::vector<float> ramp() {
  std::vector<float> column(65'536);
  std::iota(column.begin(), column.end(), 0.0F);
  return column;
}

TEST(NumericCuts, ALongTailIsCutEightTimesFiner) {
  std::vector<float> column = ramp();
  for (int i = 1; i <= 257; ++i) column[65'536 - i] += 1000 * static_cast<float>(258 - i);
  const std::vector<int> counts = bin_counts(cuts_of(column), column);
  ASSERT_EQ(counts.size(), 256U);
  // 257 numbers in 8 bins, each its share of what is left; before them 65,279 in 247.
  EXPECT_THAT(std::vector<int>(counts.end() - 8, counts.end()), ElementsAre(32, 32, 32, 32, 32, 32, 33, 32));
  EXPECT_THAT(std::vector<int>(counts.begin() + 1, counts.end() - 8),
              testing::Each(testing::AllOf(Ge(264), Le(265))));

  Cuts equal;
  append_numeric_cuts(column, {}, all_rows(column.size()), {.fine_tails = false}, equal);
  const std::vector<int> equal_counts = bin_counts(equal, column);
  EXPECT_EQ(equal_counts.back(), 257);
  EXPECT_EQ(equal_counts[1], 257);

  for (float& value : column) value = -value;
  const std::vector<int> mirrored = bin_counts(cuts_of(column), column);
  EXPECT_THAT(std::vector<int>(mirrored.begin() + 1, mirrored.begin() + 9),
              testing::Each(testing::AllOf(Ge(32), Le(33))));
}

TEST(NumericCuts, AnEndAsDenseAsItsNeighbourhoodIsNoTail) {
  const std::vector<float> column = ramp();
  const std::vector<int> counts = bin_counts(cuts_of(column), column);
  EXPECT_THAT(std::vector<int>(counts.begin() + 1, counts.end()),
              testing::Each(testing::AllOf(Ge(257), Le(258))));
}

/// A number far out is a tail only where more than 63 rows lie in a usual bin: 255 x 64 are 16,320. Of 16,200
/// the last bin has its share, 63; of 16,400 the 64 numbers that lie in a usual bin are two bins.
TEST(NumericCuts, ATailOfFewRowsIsNotCut) {
  for (const auto& [n, last] : {std::pair{16'200, 63}, {16'400, 32}}) {
    std::vector<float> column = ramp();
    column.resize(n);
    column[n - 1] = 1e9F;
    EXPECT_EQ(bin_counts(cuts_of(column), column).back(), last) << n;
  }
}

TEST(NumericCuts, WeightsMakeTails) {
  std::vector<float> column = ramp(), weights(column.size(), 1);
  for (int i = 1; i <= 85; ++i) {
    column[65'536 - i] += 1000 * static_cast<float>(258 - i);
    weights[65'536 - i] = 3;
  }
  const std::vector<int> counts = bin_counts(cuts_of(column, 255, weights), column);
  // (2^16 + 2 x 85) / 255 is 257.7: two numbers of weight 1 and 85 of weight 3, in eight bins. The first has
  // 32 of its 32.1, then there are 33 of 32.1, 33 of 32, 33 of 31.8, 33 of 31.5, 30 of 31, 33 of 31.5, 30.
  EXPECT_THAT(std::vector<int>(counts.end() - 8, counts.end()), ElementsAre(12, 11, 11, 11, 11, 10, 11, 10));
}

TEST(NumericCuts, RowsWithoutWeightAreNotThere) {
  std::vector<float> column(3000), weights(3000, 1), kept;
  for (std::size_t i = 0; i < column.size(); ++i) {
    column[i] = static_cast<float>(i * 7 % 3000);
    weights[i] = i % 3 == 0 ? 0.0F : 1.0F;
    if (i % 3 != 0) kept.push_back(column[i]);
  }
  EXPECT_EQ(cuts_of(column, 100, weights), cuts_of(kept, 100));
  EXPECT_THAT(cuts_of(column, 100, std::vector<float>(3000, 0)).of(0), IsEmpty());
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
  append_numeric_cuts(std::vector<float>{5, 6}, {}, all_rows(2), {}, cuts);
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
