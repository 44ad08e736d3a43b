#include <coppice/detail/numerics.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "reference/random_problem.h"

namespace coppice::detail {
namespace {

using reference::Random;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr double kNoLimit = std::numeric_limits<double>::infinity();
constexpr double kRoom = 2147483647.0;

// ---------------------------------------------------------------------------------------------------------
// Objectives

TEST(LogisticLoss, GradientIsProbabilityOfTheWrongAnswer) {
  EXPECT_EQ(LogisticLoss::gradient(0, 1), -0.5F);
  EXPECT_EQ(LogisticLoss::gradient(0, 0), 0.5F);
  EXPECT_NEAR(LogisticLoss::gradient(1, 1), -0.268941421, 1e-7);  // 1 / (1 + e)
  EXPECT_EQ(LogisticLoss::gradient(1, 0), -LogisticLoss::gradient(-1, 1));
}

TEST(LogisticLoss, KeepsRelativePrecisionFarOut) {
  for (const float label : {0.0F, 1.0F}) {
    const float towards = label > 0 ? 30.0F : -30.0F;
    const double magnitude = std::fabs(LogisticLoss::gradient(towards, label));
    EXPECT_NEAR(magnitude / std::exp(-30.0), 1, 1e-6);  // a few units of float32's 6e-8
  }
}

TEST(LogisticLoss, StopsAtItsMarginLimit) {
  EXPECT_EQ(LogisticLoss::gradient(1e30F, 1), LogisticLoss::gradient(40, 1));
  EXPECT_LT(LogisticLoss::gradient(1e30F, 1), 0);
  EXPECT_EQ(LogisticLoss::gradient(-1e30F, 1), -1.0F);
}

TEST(LogisticLoss, HessianFollowsFromTheGradient) {
  EXPECT_EQ(LogisticLoss::hessian(-0.5F), 0.25F);
  EXPECT_EQ(LogisticLoss::hessian(0.25F), 0.1875F);
  EXPECT_EQ(LogisticLoss::hessian(1), 0);
}

TEST(SquaredLoss, IsHalfTheSquaredError) {
  EXPECT_EQ(SquaredLoss::gradient(3, 5), -2);
  EXPECT_EQ(SquaredLoss::hessian(-2), 1);
}

// ---------------------------------------------------------------------------------------------------------
// Row sampling

TEST(Importance, IsTheLargerOfGradientAndFloor) {
  EXPECT_EQ(importance(-3, 1, 0.5F, 9), 3);
  EXPECT_EQ(importance(0.25F, 2, 0.5F, 9), 1);
  EXPECT_EQ(importance(0.25F, 2, 0.5F, 0.75F), 0.75F);  // the floor stops at the threshold
  EXPECT_EQ(importance_floor(Objective::kSquaredError, 20, 1), 2);
  EXPECT_EQ(importance_floor(Objective::kSquaredError, 20, 4), 0.5F);  // heavier rows, no higher share
  EXPECT_EQ(importance_floor(Objective::kSquaredError, kInfinity, 1), 0);
  EXPECT_EQ(importance_floor(Objective::kBinaryLogistic, 20, 1), 0);
}

TEST(IsKept, ThresholdZeroKeepsEveryRowOnce) {
  const Draw draw = make_draw(Objective::kBinaryLogistic, 0, 1, 1, 7, 3);
  for (std::uint32_t row = 0; row < 1000; ++row) EXPECT_TRUE(is_kept(draw, row % 2 == 0 ? 0 : 1e-30F, row));
  EXPECT_EQ(repeat(draw, 0), 1);
}

/// Share of rows of one importance that are kept, over many rows and rounds.
double kept_share(float threshold, double subsample, float a) {
  constexpr int kRounds = 20;
  constexpr std::uint32_t kRows = 20'000;
  int kept = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Draw draw = make_draw(Objective::kBinaryLogistic, threshold, 1, subsample, 11, round);
    for (std::uint32_t row = 0; row < kRows; ++row) kept += is_kept(draw, a, row) ? 1 : 0;
  }
  return static_cast<double>(kept) / (kRounds * static_cast<double>(kRows));
}

TEST(IsKept, FrequencyMatchesTheProbability) {
  struct Case {
    float threshold;
    double subsample;
    float a;
  };
  for (const Case& c : {Case{1, 1, 0.5F}, Case{1, 1, 0.03F}, Case{4, 1, 0.001F}, Case{1, 0.5, 2},
                        Case{1, 0.5, 0.4F}, Case{0, 0.8, 0}, Case{1, 1, 0.999F}}) {
    const double p =
        std::min(1.0, c.threshold > 0 ? static_cast<double>(c.a / c.threshold) : 1.0) * c.subsample;
    const double standard_error = std::sqrt(p * (1 - p) / 400'000);
    EXPECT_NEAR(kept_share(c.threshold, c.subsample, c.a), p, 5 * standard_error) << c.a;
    if (c.threshold > 0) {
      const Draw draw = make_draw(Objective::kBinaryLogistic, c.threshold, 1, 1, 0, 0);
      EXPECT_FLOAT_EQ(repeat(draw, c.a), std::max(1.0F, c.threshold / c.a));
    }
  }
}

TEST(IsKept, CertainRowsNeedNoDraw) {
  EXPECT_EQ(kept_share(1, 1, 1), 1);
  EXPECT_EQ(kept_share(1, 1, 5), 1);
  EXPECT_EQ(kept_share(1, 1, 0), 0);
  EXPECT_EQ(kept_share(kInfinity, 1, 5), 0);
}

/// Threshold after `steps` steps from infinity, in double sums.
float find_threshold(double noise, const std::vector<float>& importances, int steps) {
  float threshold = kInfinity;
  for (int step = 0; step < steps; ++step) {
    double squares = 0, below = 0, squares_below = 0;
    for (const double a : importances) {
      squares += a * a;
      if (a < threshold) below += a, squares_below += a * a;
    }
    threshold = next_threshold(noise, threshold, squares, below, squares_below);
  }
  return threshold;
}

/// Added variance of a threshold as a share of the sum of squares.
double added_noise(float threshold, const std::vector<float>& importances) {
  double squares = 0, added = 0;
  for (const double a : importances) {
    squares += a * a;
    if (a < threshold) added += a * (static_cast<double>(threshold) - a);
  }
  return added / squares;
}

TEST(NextThreshold, HandComputedSteps) {
  // Importances 4, 1, 1, 1: from infinity (0.1 * 19 + 19) / 7, then {1, 1, 1} are below: (0.1 * 19 + 3) / 3.
  const float first = next_threshold(0.1, kInfinity, 19, 7, 19);
  EXPECT_FLOAT_EQ(first, 20.9F / 7);
  EXPECT_FLOAT_EQ(next_threshold(0.1, first, 19, 3, 3), 4.9F / 3);
}

TEST(NextThreshold, SolvesTheVarianceEquation) {
  Random random(5);
  for (const double noise : {0.001, 0.1, 1.0}) {
    for (const double spread : {0.1, 1.0, 3.0}) {
      std::vector<float> importances(5000);
      for (float& a : importances) a = static_cast<float>(std::exp(spread * random.normal()));
      const float solved = find_threshold(noise, importances, 100);
      EXPECT_NEAR(added_noise(solved, importances), noise, 1e-5 * noise);  // float32 rounds the threshold
      // The steps of a training start above the solution and fall, so they never keep too few rows by much.
      const float first = find_threshold(noise, importances, kThresholdSteps);
      EXPECT_GE(first, solved);
      EXPECT_LE(added_noise(first, importances), 1.05 * noise) << noise << " " << spread;
    }
  }
}

TEST(NextThreshold, KeepsWhatItCannotImprove) {
  EXPECT_EQ(next_threshold(0.1, 3, 19, 0, 0), 3);              // nothing below
  EXPECT_EQ(next_threshold(0.1, kInfinity, 0, 0, 0), 0);       // all importances are 0
  EXPECT_EQ(next_threshold(0.1, 1e-38F, 1e-78, 1e-39, 0), 0);  // 1 / threshold would be infinite
  EXPECT_EQ(next_threshold(10, 1, 1e300, 1e-300, 1e-300), 0);  // no float
  EXPECT_TRUE(std::isnan(drifted_threshold(0.1, 3, 19, 0, 0, 5, kNoLimit)));  // nothing below: search anew
  EXPECT_EQ(drifted_threshold(0.1, 3, 19, 7, 19, 5, kNoLimit), next_threshold(0.1, 3, 19, 7, 19));
  EXPECT_EQ(drifted_threshold(0, 0, 19, 7, 19, 5, kNoLimit), 0);
}

TEST(DriftedThreshold, KeepsNoMoreRowsThanTheLimit) {
  // By noise 4.9 / 3. Kept were 8 rows at threshold 3, so about 12 are at 2, and 6 at 4.
  const auto at_limit = [](double most) { return drifted_threshold(0.1, 3, 19, 3, 3, 8, most); };
  EXPECT_FLOAT_EQ(at_limit(100), 4.9F / 3);
  EXPECT_FLOAT_EQ(at_limit(12), 2);
  EXPECT_FLOAT_EQ(at_limit(6), 4);
  EXPECT_EQ(drifted_threshold(0.1, 1e-38F, 1e-78, 1e-39, 0, 8, 6), 0);  // every row counts
}

// ---------------------------------------------------------------------------------------------------------
// Fixed point

TEST(AddLanes, AddsOppositeLanesFirst) {
  float lanes[kLanes] = {};
  lanes[0] = 1e8F;
  lanes[8] = -1e8F;
  lanes[4] = 1;  // in order, 1 would vanish beside 1e8
  EXPECT_EQ(add_lanes(lanes), 1);
  lanes[8] = 0;
  lanes[4] = -1e8F;
  lanes[8] = 1;  // 1e8 + 1 is 1e8 in float32
  EXPECT_EQ(add_lanes(lanes), 0);
}

TEST(Exponents, PowersAndLogarithms) {
  EXPECT_EQ(exp2_float(-126), std::numeric_limits<float>::min());
  EXPECT_EQ(exp2_float(127), 0x1p127F);
  EXPECT_EQ(exp2_double(-1022), std::numeric_limits<double>::min());
  EXPECT_EQ(exp2_double(10), 1024);
  EXPECT_EQ(exponent_of(1.0F), 0);
  EXPECT_EQ(exponent_of(std::nextafterf(1, 0)), -1);
  EXPECT_EQ(exponent_of(0x1p-126F), -126);
  EXPECT_EQ(exponent_of(0x1p-140F), -126);
  EXPECT_EQ(exponent_of(0.0F), -126);
  EXPECT_EQ(exponent_of(5.0), 2);
  EXPECT_EQ(exponent_of(0x1p-1030), -1022);
  EXPECT_EQ(exponent_of(0.0), -1022);
}

TEST(SumExponent, IsTheLargestThatFits62Bits) {
  Random random(1);
  for (int i = 0; i < 1000; ++i) {
    const double bound = std::ldexp(random.uniform(1, 2), random.below(300) - 99);
    const double scaled = std::ldexp(bound, sum_exponent(bound));
    EXPECT_LT(scaled, 0x1p62);
    EXPECT_GE(scaled, 0x1p61);
  }
  EXPECT_EQ(sum_exponent(1e-60), 160);
}

TEST(ToFixed, RoundsUpToTheUnit) {
  EXPECT_EQ(to_fixed(0, 10), 0);
  EXPECT_EQ(to_fixed(3, 10), 3072);
  EXPECT_EQ(to_fixed(1e-30, 10), 1);
  EXPECT_EQ(from_fixed(3072, 10), 3);
}

/// Rows at their worst: every total of a sweep stays below 2^62 units, so that rounding cannot reach 2^63.
TEST(SweepExponents, BoundEveryRow) {
  Random random(2);
  for (int i = 0; i < 20'000; ++i) {
    const auto objective = random.one_of({Objective::kBinaryLogistic, Objective::kSquaredError});
    RowBounds bounds;
    bounds.n_rows = 1 + random.below(1'000'000'000);
    bounds.weight = std::ldexp(random.uniform(1, 2), random.below(40) - 20);
    const double residual = std::ldexp(random.uniform(1, 2), random.below(40) - 20);
    bounds.gradient = objective == Objective::kBinaryLogistic ? bounds.weight : bounds.weight * residual;
    const auto threshold = static_cast<float>(bounds.gradient * std::ldexp(1.0, random.below(40) - 36));
    bounds.mean_weight = bounds.weight * random.one_of({1.0, 0.01});
    const Draw draw = make_draw(objective, threshold, bounds.mean_weight, 1, 0, 0);
    const SweepExponents exponents = sweep_exponents(objective, bounds, draw);

    const auto weight = static_cast<float>(bounds.weight * random.one_of({1.0, 0.5, 1e-6, 0.0}));
    const auto u =
        static_cast<float>(random.uniform() * (objective == Objective::kBinaryLogistic ? 1 : residual));
    const float gradient = u * weight;
    const float hessian =
        (objective == Objective::kBinaryLogistic ? LogisticLoss::hessian(u) : 1.0F) * weight;
    const float a = importance(gradient, hessian, draw.floor, draw.threshold);
    const auto units = [&](double term, int exponent) { return bounds.n_rows * std::ldexp(term, exponent); };
    constexpr double kLimit = 0x1p62 * (1 + 1e-5);  // float32 rounding of the terms
    EXPECT_LT(units(a * a, exponents.squares), kLimit);
    EXPECT_LT(units(a, exponents.importance), kLimit);
    if (a == 0) continue;
    EXPECT_LT(units(gradient * repeat(draw, a), exponents.kept_gradient), kLimit);
    EXPECT_LT(units(hessian * repeat(draw, a), exponents.kept_hessian), kLimit);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Packed gradients

TEST(Pack, HoldsBothHalvesThroughSums) {
  Word sum = 0;
  std::int64_t gradients = 0, hessians = 0;
  Random random(3);
  for (int i = 0; i < 1000; ++i) {
    const int gradient = random.below(4'000'000) - 2'000'000;
    const int hessian = random.below(2'000'000);
    sum += pack(gradient, hessian);
    gradients += gradient;
    hessians += hessian;
    ASSERT_EQ(gradient_of(sum), gradients);
    ASSERT_EQ(hessian_of(sum), hessians);
  }
  EXPECT_EQ(gradient_of(pack(-1, 0)), -1);
  EXPECT_EQ(hessian_of(pack(-1, 0)), 0U);
  EXPECT_EQ(gradient_of(pack(-2147483647, 2147483647)), -2147483647);
}

TEST(WordExponent, IsTheLargestThatFits) {
  Random random(4);
  for (int i = 0; i < 1000; ++i) {
    const double sum = std::ldexp(random.uniform(1, 2), random.below(120) - 60);
    const std::size_t n_kept = 1 + random.below(1 << random.below(30));
    const int exponent = word_exponent(sum, n_kept);
    const double room = kRoom - static_cast<double>(n_kept);
    EXPECT_LE(std::ldexp(sum * (1 + 0x1p-10), exponent), room);
    EXPECT_GT(std::ldexp(sum * (1 + 0x1p-10), exponent + 1), room);
  }
  EXPECT_EQ(word_exponent(0, 10), 0);
  EXPECT_EQ(word_exponent(1e-60, 10), 100);
}

/// The sum of absolute values as a training knows it: float32 sums of blocks, in 64-bit fixed point.
double known_sum(const std::vector<float>& values, int exponent) {
  std::int64_t total = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += kBlockRows) {
    float lanes[kLanes] = {};
    for (std::size_t i = begin; i < std::min(begin + kBlockRows, values.size()); ++i)
      lanes[i % kLanes] += std::fabs(values[i]);
    total += to_fixed(add_lanes(lanes), exponent);
  }
  return from_fixed(total, exponent);
}

TEST(WordExponent, WordsNeverOverflowEvenIfAllAreRoundedUp) {
  Random random(6);
  for (const std::size_t n : {1UL, 2UL, 513UL, 100'000UL, 1'000'000UL}) {
    for (const double spread : {0.0, 1.0, 8.0}) {
      std::vector<float> values(n);
      for (float& x : values) x = static_cast<float>(std::exp(spread * random.normal()) * 1e4);
      // The bound that fixes the unit of the 64-bit sums may be far above every term.
      const int exponent = word_exponent(known_sum(values, sum_exponent(static_cast<double>(n) * 1e25)), n);
      std::int64_t sum = 0;
      for (const float x : values) sum += round_stochastic(x, exp2_float(exponent), 0);
      EXPECT_LE(sum, kRoom) << n << " " << spread;
    }
  }
}

TEST(RoundStochastic, IsUnbiased) {
  Random random(7);
  for (const float x : {0.1F, 0.5F, 0.93F, 3.25F, 1000.7F}) {
    constexpr int kDraws = 100'000;
    double sum = 0;
    for (int i = 0; i < kDraws; ++i)
      sum += round_stochastic(x, 1, static_cast<std::uint32_t>(random.bits() & 0xffff));
    const double fraction = x - std::floor(x);
    const double standard_error = std::sqrt(fraction * (1 - fraction) / kDraws);
    EXPECT_NEAR(sum / kDraws, x, 5 * standard_error + 0x1p-16) << x;  // a fraction is resolved to 2^-16
  }
}

TEST(RoundStochastic, IsExactOnIntegersAndKeepsTheSign) {
  for (const std::uint32_t random : {0U, 0x8000U, 0xffffU}) {
    EXPECT_EQ(round_stochastic(5, 1, random), 5);
    EXPECT_EQ(round_stochastic(-5, 2, random), -10);
    EXPECT_EQ(round_stochastic(0, 1, random), 0);
    EXPECT_EQ(round_stochastic(16777218, 64, random), 1073741952);
  }
  EXPECT_EQ(round_stochastic(-2.5F, 1, 0x7fff), -3);
  EXPECT_EQ(round_stochastic(-2.5F, 1, 0x8000), -2);
}

/// The draws of neighbouring rows round gradients and hessians without bias and without regard to each other.
TEST(Quantise, RowDrawsAreUnbiasedAndUncorrelated) {
  constexpr int kRounds = 10;
  constexpr std::uint32_t kRows = 20'000;
  constexpr double kDraws = kRounds * static_cast<double>(kRows);
  double gradients = 0, hessians = 0, both = 0;
  for (int round = 0; round < kRounds; ++round) {
    const std::uint32_t key = make_draw(Objective::kBinaryLogistic, 0, 1, 1, 3, round).rounding_key;
    for (std::uint32_t row = 0; row < kRows; ++row) {
      const Word word = quantise(0.25F, 0.5F, 1, 1, key, row);
      gradients += gradient_of(word);
      hessians += hessian_of(word);
      both += gradient_of(word) * static_cast<double>(hessian_of(word));
    }
  }
  const auto tolerance = [](double p) { return 5 * std::sqrt(p * (1 - p) / kDraws); };
  EXPECT_NEAR(gradients / kDraws, 0.25, tolerance(0.25));
  EXPECT_NEAR(hessians / kDraws, 0.5, tolerance(0.5));
  EXPECT_NEAR(both / kDraws, 0.125, tolerance(0.125));
}

// ---------------------------------------------------------------------------------------------------------
// Leaf sums

TEST(BlockExponent, FitsARowIn21BitsAndABlockInTheTotal) {
  Random random(8);
  for (int i = 0; i < 10'000; ++i) {
    const double bound = std::ldexp(random.uniform(1, 2), random.below(270) - 149);
    const double n_rows = 1 + random.below(1'000'000'000);
    const int total = sum_exponent(n_rows * bound);
    const auto largest = static_cast<float>(bound * std::ldexp(1.0, -random.below(40)));
    const int block = block_exponent(largest, total);
    EXPECT_LT(std::ldexp(largest, block), 0x1p21);
    EXPECT_LE(block, total);
    EXPECT_LT(total - block, 64);
    // All rows of the block together, at the total's scale.
    const double terms = std::min(n_rows, static_cast<double>(kBlockRows));
    EXPECT_LT(std::ldexp(terms * round_nearest(largest, exp2_float(block)), total - block), 0x1p63);
  }
}

TEST(RoundNearest, TiesGoToEven) {
  EXPECT_EQ(round_nearest(0.5F, 1), 0);
  EXPECT_EQ(round_nearest(1.5F, 1), 2);
  EXPECT_EQ(round_nearest(2.5F, 1), 2);
  EXPECT_EQ(round_nearest(-0.5F, 1), 0);
  EXPECT_EQ(round_nearest(-1.5F, 1), -2);
  EXPECT_EQ(round_nearest(0.75F, 4), 3);
  EXPECT_EQ(round_nearest(-0.3F, 1), 0);
  EXPECT_EQ(round_nearest(2097151.5F, 1), 2097152);
  EXPECT_EQ(round_nearest(-2097151.5F, 1), -2097152);
}

// ---------------------------------------------------------------------------------------------------------
// Splits and leaves

TEST(Scores, HandComputed) {
  SplitRule rule;
  rule.min_hessian = 2;
  EXPECT_DOUBLE_EQ(node_score(-6, 3, rule), 9);          // 36 / (3 + 1)
  EXPECT_DOUBLE_EQ(split_score(-4, 3, 6, 5, rule), 10);  // 16 / 4 + 36 / 6
  EXPECT_DOUBLE_EQ(split_score(-4, 3, 6, 5, rule, 2), 16.0 / 6 + 36.0 / 8);
  EXPECT_EQ(split_score(-4, 1.9, 6, 5, rule), -1);
  EXPECT_EQ(split_score(-4, 3, 6, 1.9, rule), -1);
  rule.reg_alpha = 2;
  EXPECT_DOUBLE_EQ(node_score(-6, 3, rule), 4);  // (6 - 2)^2 / 4
  EXPECT_DOUBLE_EQ(node_score(1.5, 3, rule), 0);
  EXPECT_DOUBLE_EQ(split_score(-4, 3, 6, 5, rule), 1 + 16.0 / 6);
  rule.reg_lambda = 0;
  EXPECT_EQ(node_score(-6, 0, rule), 0);
}

TEST(IsWorthwhile, NeedsGammaAndMoreThanNoise) {
  EXPECT_TRUE(is_worthwhile(10, 1, 1));
  EXPECT_FALSE(is_worthwhile(10, 0.99, 1));
  EXPECT_FALSE(is_worthwhile(10, 0, 0));
  EXPECT_FALSE(is_worthwhile(10, 1e-9, 0));
  EXPECT_TRUE(is_worthwhile(10, 1e-7, 0));
}

TEST(NewtonStep, HandComputed) {
  EXPECT_DOUBLE_EQ(newton_step(-6, 3, 1, 0, 0), 1.5);
  EXPECT_DOUBLE_EQ(newton_step(6, 3, 1, 0, 0), -1.5);
  EXPECT_DOUBLE_EQ(newton_step(6, 3, 1, 2, 0), -1);
  EXPECT_DOUBLE_EQ(newton_step(-6, 3, 1, 0, 0.7), 0.7);
  EXPECT_DOUBLE_EQ(newton_step(6, 3, 1, 0, 0.7), -0.7);
  EXPECT_EQ(newton_step(6, 0, 0, 0, 0), 0);
}

}  // namespace
}  // namespace coppice::detail
