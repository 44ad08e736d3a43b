// Sums of ranks in whole numbers, and what folds make of the ties.
#include <coppice/detail/rank_sums.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace coppice::detail {
namespace {

using Floats = std::vector<float>;

TEST(RankScale, RowsWithoutWeightsAreCounted) {
  const Floats labels = {0, 1, 0, 0};
  const RankScale scale = rank_scale({.labels = labels});
  // 2^61 <= sum < 2^62: one row times 2^61, three times 2^60.
  EXPECT_EQ(scale.positive.exponent, 61);
  EXPECT_EQ(scale.negative.exponent, 60);
  EXPECT_EQ(scale.all, (RankSums{std::int64_t{1} << 61, std::int64_t{3} << 60, 0}));
  EXPECT_EQ(scale.weight(scale.all), 4);
}

/// 3 * 2 + 1 * 0.5 of amounts, and as a bound of scores 0.25 * 7.
TEST(RankScale, HasUnitsOfAmountsAndOfScores) {
  const Floats labels = {1, 1, 0}, weights = {2, 0.5F, 4.5F}, amounts = {3, 1, 1000};
  const RankScale scale = rank_scale({.labels = labels, .weights = weights, .amounts = amounts});
  EXPECT_EQ(scale.positive.value(scale.all.positive), 2.5);
  EXPECT_EQ(scale.negative.value(scale.all.negative), 4.5);
  EXPECT_EQ(scale.value.exponent, 59);
  EXPECT_EQ(scale.value.value(scale.all.value), 6.5);
  const RankScale scores = scale_with_scores(scale, -0.25, 0.1F);
  EXPECT_EQ(scores.value.exponent, 61);  // 2^0 <= 1.75
  EXPECT_EQ(scores.all, (RankSums{scale.all.positive, scale.all.negative, 0}));
}

TEST(RankScale, RoundsOnlyWhatIsFarLighterThanAll) {
  const float light = std::ldexp(1.0F + 0x1p-23F, -37), lighter = std::ldexp(light, -3);
  const Floats labels = {1, 1, 1}, weights = {1, light, lighter};
  const RankScale scale = rank_scale({.labels = labels, .weights = weights});
  EXPECT_EQ(scale.positive.exponent, 61);
  EXPECT_EQ(scale.positive.value(scale.positive.count(light)), light);
  EXPECT_EQ(scale.positive.value(scale.positive.count(lighter)), 0x1p-40);
}

/// Light rows of one class are not measured by heavy ones of the other.
TEST(RankScale, ClassesHaveUnitsOfTheirOwn) {
  const Floats labels = {1, 1, 0}, weights = {1e-30F, 3e-30F, 1e30F};
  const RankScale scale = rank_scale({.labels = labels, .weights = weights});
  EXPECT_GE(scale.all.positive, std::int64_t{1} << 61);
  EXPECT_GE(scale.all.negative, std::int64_t{1} << 61);
  EXPECT_EQ(scale.positive.value(scale.all.positive), 1e-30F + double{3e-30F});
}

TEST(RankScale, HoldsSumsOfAnySize) {
  for (const float weight : {1e-45F, 1e-30F, 1.0F, 3e38F}) {
    const Floats labels = {1, 1, 0}, weights = {weight, weight, 0};
    const RankScale scale = rank_scale({.labels = labels, .weights = weights});
    EXPECT_EQ(scale.positive.value(scale.all.positive), 2.0 * weight);
    EXPECT_GT(scale.all.positive, 0);
    EXPECT_EQ(scale.all.negative, 0);
  }
}

TEST(Unit, CountsTheNearest) {
  const Unit half{1};
  EXPECT_EQ(half.count(1.2), 2);
  EXPECT_EQ(half.count(1.25), 3);
  EXPECT_EQ(half.count(-1.2), -2);
  EXPECT_EQ(half.count(-1.3), -3);
  EXPECT_EQ(half.value(-3), -1.5);
}

/// Two negative rows of three, tied with one positive row, below one of each class.
TEST(Folds, OfAHandCountedTie) {
  const Floats labels = {1, 0, 1, 0, 0};
  const RankScale scale = rank_scale({.labels = labels});
  const RankSums before = scale.term(1, true) + scale.term(1, false);
  const RankSums above = before + scale.term(1, true) + scale.term(1, false) + scale.term(1, false);
  EXPECT_EQ(above, scale.all);
  // Of 6 pairs, 2 are right for the row that was positive before, and 2 are tied.
  EXPECT_EQ(PairFold{scale}.result(PairFold::of_tie(before, above)), 3.0 / 6);
  // Half of the recall, at a precision of 2/5.
  const PrecisionFold precision{scale};
  EXPECT_DOUBLE_EQ(precision.result(precision.of_tie(before, above)), 0.2);
  EXPECT_EQ(precision.of_tie(before, before + scale.term(1, false)), 0);
  // The fourth row is the second of a tie of three with one positive.
  const BestTieFold count{scale, metric_from_string("precision@k=4"), {}};
  EXPECT_DOUBLE_EQ(count.of_tie(before, above), (1 + 2.0 / 3) / 4);
  EXPECT_EQ(count.of_tie({}, before), 0);
}

/// Sums of pairs take more than 64 bits.
TEST(Folds, CountPairsOfWeightsExactly) {
  const Floats labels = {1, 0}, weights = {1.0F + 0x1p-23F, 3};
  const RankScale scale = rank_scale({.labels = labels, .weights = weights});
  const PairCount pairs = PairFold::of_tie({}, scale.all);
  EXPECT_EQ(static_cast<std::uint64_t>(pairs >> 121), 3U);
  EXPECT_EQ(pairs, static_cast<PairCount>((std::uint64_t{1} << 23) + 1) * 3 << 98);
  EXPECT_EQ(PairFold{scale}.result(pairs), 0.5);
}

/// Ten rows of weight 1 in two ties of 4 and 6: the second bin ends in the middle of the first.
TEST(Calibration, GapsAreShared) {
  const Floats labels = {1, 1, 1, 0, 0, 0, 0, 0, 0, 0};
  const RankScale scale = scale_with_scores(rank_scale({.labels = labels}), 0, 1);
  const auto sums = [&](int positive, int negative, double scores) {
    RankSums result;
    for (int i = 0; i < positive; ++i) result += scale.term(1, true);
    for (int i = 0; i < negative; ++i) result += scale.term(1, false);
    result.value = scale.value.count(scores);
    return result;
  };
  EXPECT_EQ(calibration_bin_end(scale, 1), 2);
  EXPECT_EQ(calibration_bin_end(scale, 9), 10);
  const RankSums first = sums(3, 1, 4 * 0.5), all = sums(3, 7, 4 * 0.5 + 6 * 0.25);
  EXPECT_EQ(calibration_gap(scale, {}, first, 2), -0.5);
  EXPECT_EQ(calibration_gap(scale, {}, first, 4), -1);
  EXPECT_EQ(calibration_gap(scale, first, all, 10), 0.5);
  EXPECT_EQ(calibration_error(scale, {-1, -1, -1, -1, -1, -1, 2, 2, 2, 2}), (1 + 3) / 10.0);
}

}  // namespace
}  // namespace coppice::detail
