#include <coppice/detail/split.h>

#include <gtest/gtest.h>

#include <vector>

#include "reference/random_problem.h"

namespace coppice::detail {
namespace {

using reference::Random;

TEST(BinSet, HoldsEveryBin) {
  BinSet set{};
  for (const int bin : {0, 63, 64, 255}) insert(set, bin);
  for (int bin = 0; bin < 256; ++bin)
    EXPECT_EQ(contains(set, bin), bin == 0 || bin == 63 || bin == 64 || bin == 255) << bin;
}

TEST(Split, KeyHoldsFeatureBinAndSide) {
  Split split;
  split.key = split_key(70'000, 254, 1);
  EXPECT_EQ(split.feature(), 70'000U);
  EXPECT_EQ(split.bin(), 254);
  EXPECT_TRUE(split.missing_right());
}

TEST(Split, OrderIsScoreThenFeatureBinSide) {
  Split best;
  best.score = 2;
  best.key = split_key(3, 5, 0);
  EXPECT_TRUE(is_better(2.5, split_key(9, 9, 1), best));
  EXPECT_FALSE(is_better(1.5, split_key(0, 0, 0), best));
  EXPECT_TRUE(is_better(2, split_key(2, 254, 1), best));
  EXPECT_TRUE(is_better(2, split_key(3, 4, 1), best));
  EXPECT_FALSE(is_better(2, split_key(3, 5, 0), best));
  EXPECT_FALSE(is_better(2, split_key(3, 5, 1), best));
  EXPECT_FALSE(is_better(-1, split_key(0, 0, 0), Split{}));
}

TEST(Split, SendsBinsToTheirSide) {
  Split split;
  split.key = split_key(0, 2, 0);
  EXPECT_FALSE(split.goes_right(0));
  EXPECT_FALSE(split.goes_right(2));
  EXPECT_TRUE(split.goes_right(3));
  split.key = split_key(0, 2, 1);
  EXPECT_TRUE(split.goes_right(0));
  EXPECT_FALSE(split.goes_right(1));
  split.is_categorical = true;  // the side in the key is no matter now
  insert(split.right_bins, 7);
  EXPECT_FALSE(split.goes_right(0));
  EXPECT_TRUE(split.goes_right(7));
  EXPECT_FALSE(split.goes_right(8));
}

TEST(SettleMissing, PrefersTheHeavierSideWhenNoRowIsMissing) {
  const Word total = pack(0, 10);
  const auto settled = [&](int left_hessian, Word missing) {
    Split split;
    split.score = 1;
    split.key = split_key(0, 1, 0);
    split.left = pack(0, left_hessian);
    settle_missing(split, missing, total);
    return split.missing_right();
  };
  EXPECT_TRUE(settled(4, 0));
  EXPECT_FALSE(settled(5, 0));
  EXPECT_FALSE(settled(6, 0));
  EXPECT_FALSE(settled(4, pack(0, 1)));
  EXPECT_FALSE(settled(4, pack(-1, 0)));  // rows without hessian are rows
}

// ---------------------------------------------------------------------------------------------------------
// Categorical splits

Word sum_of(const std::vector<Word>& bins) {
  Word sum = 0;
  for (const Word word : bins) sum += word;
  return sum;
}

/// Unit weights of gradients 1 and hessians 1, no penalties, no least hessian.
SplitRule plain_rule() {
  SplitRule rule;
  rule.reg_lambda = 0;
  rule.min_hessian = 1;
  rule.noise = 0;  // no correction for chance
  return rule;
}

double score_of_right(const std::vector<Word>& bins, Word right, const SplitRule& rule, double extra_l2) {
  const Word left = sum_of(bins) - right;
  return split_score(gradient_of(left), hessian_of(left), gradient_of(right), hessian_of(right), rule,
                     extra_l2);
}

/// The sum of the bins that a split sends right.
Word right_sum(const std::vector<Word>& bins, const Split& split) {
  Word right = 0;
  for (int bin = 0; bin < static_cast<int>(bins.size()); ++bin)
    if (split.goes_right(bin)) right += bins[bin];
  return right;
}

TEST(CategoricalSplit, OneAgainstTheRest) {
  // Missing, then three codes; the sums are 0 and 13, so code 1 (bin 2) alone gives 36 / 3 + 36 / 10.
  const std::vector<Word> bins = {pack(1, 2), pack(2, 4), pack(-6, 3), pack(3, 4)};
  Split best;
  find_categorical_split(9, bins, sum_of(bins), plain_rule(), {.max_onehot = 3}, best);
  EXPECT_EQ(best.feature(), 9U);
  EXPECT_EQ(best.bin(), 2);
  EXPECT_TRUE(best.is_categorical);
  EXPECT_DOUBLE_EQ(best.score, 36.0 / 3 + 36.0 / 10);
  EXPECT_EQ(best.left, sum_of(bins) - bins[2]);
  for (int bin = 0; bin < 4; ++bin) EXPECT_EQ(best.goes_right(bin), bin == 2);
}

TEST(CategoricalSplit, OneAgainstTheRestNeverSinglesOutMissing) {
  const std::vector<Word> bins = {pack(-90, 9), pack(2, 4), pack(1, 3)};
  Split best;
  find_categorical_split(0, bins, sum_of(bins), plain_rule(), {.max_onehot = 4}, best);
  EXPECT_GE(best.score, 0);
  EXPECT_FALSE(best.goes_right(0));
}

TEST(CategoricalSplit, OrderByRatioFindsTheBestOfAllSubsets) {
  // Without smoothing and penalties the best partition is a prefix in the order of gradient / hessian (Fisher
  // 1958).
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    std::vector<Word> bins(2 + random.below(8));
    for (Word& word : bins)
      word = random.chance(0.2) ? 0 : pack(random.below(201) - 100, 1 + random.below(50));
    const auto rule = plain_rule();
    double best_score = -1;
    for (unsigned subset = 0; subset < 1U << bins.size(); ++subset) {
      Word right = 0;
      for (std::size_t bin = 0; bin < bins.size(); ++bin)
        if ((subset >> bin & 1U) != 0) right += bins[bin];
      best_score = std::max(best_score, score_of_right(bins, right, rule, 0));
    }
    Split best;
    find_categorical_split(1, bins, sum_of(bins), rule,
                           {.max_onehot = 0, .smooth = 0, .extra_l2 = 0, .max_threshold = 255}, best);
    ASSERT_DOUBLE_EQ(best.score, best_score);
    if (best.score < 0) continue;
    EXPECT_EQ(sum_of(bins) - best.left, right_sum(bins, best));
    EXPECT_EQ(score_of_right(bins, right_sum(bins, best), rule, 0), best.score);
  }
}

TEST(CategoricalSplit, SmoothingPenaltyAndLimitAct) {
  // By ratio bin 1 comes first (-5 before -3), with 10 added to the hessian bin 2 does (-1.5 before -0.45).
  const std::vector<Word> bins = {0, pack(-5, 1), pack(-30, 10), pack(0, 5), pack(2, 10)};
  const CategoricalRule smoothed{.max_onehot = 0, .smooth = 10, .extra_l2 = 2, .max_threshold = 1};
  Split best;
  find_categorical_split(0, bins, sum_of(bins), plain_rule(), smoothed, best);
  // One category on the right: the first, 2, gives 900 / 12 + 9 / 18 = 75.5; the last, 4, gives 68.4.
  EXPECT_DOUBLE_EQ(best.score, 75.5);
  EXPECT_TRUE(best.goes_right(2));
  EXPECT_EQ(best.key, split_key(0, 1, 0));  // one bin, from the start of the order
  EXPECT_FALSE(best.goes_right(0));         // no row is missing, and the left side is heavier
}

TEST(CategoricalSplit, ChanceIsWhatNoiseScores) {
  // Category sums that are pure noise, of variance noise * hessian: the best partition scores chance_score
  // more than no split, on average. The formula is for cutting a normal order in the middle; the best cut of
  // the actual order gives somewhat more, most with few categories.
  Random random(4);
  for (const int n_bins : {20, 60, 250}) {
    const SplitRule rule = plain_rule();
    double excess = 0, chance = 0;
    for (int i = 0; i < 200; ++i) {
      std::vector<Word> bins(n_bins);
      std::vector<double> hessians;
      for (Word& word : bins) {
        const int h = 200 + random.below(2000);
        hessians.push_back(h);
        word = pack(static_cast<int>(std::lround(std::sqrt(h) * random.normal())), h);
      }
      const Word total = sum_of(bins);
      Split best;
      find_categorical_split(0, bins, total, rule,
                             {.max_onehot = 0, .smooth = 0, .extra_l2 = 0, .max_threshold = 255}, best);
      excess += best.score - node_score(gradient_of(total), hessian_of(total), rule);
      chance += chance_score(hessians, 1);
    }
    EXPECT_GT(excess / chance, 0.95) << n_bins;
    EXPECT_LT(excess / chance, 1.25) << n_bins;
  }
}

TEST(CategoricalSplit, ChanceLowersTheScoreOfManyCategoriesOnly) {
  const std::vector<Word> bins = {0, pack(-5, 4), pack(-30, 9), pack(0, 16), pack(2, 1)};
  const CategoricalRule many{.max_onehot = 0, .smooth = 0, .extra_l2 = 0};
  SplitRule rule = plain_rule();
  Split plain, corrected, alone;
  find_categorical_split(0, bins, sum_of(bins), rule, many, plain);
  rule.noise = 3;
  find_categorical_split(0, bins, sum_of(bins), rule, many, corrected);
  // Roots of the hessians 2, 3, 4, 1: (10^2 / 30 - 1) * 3 * 2 / pi.
  EXPECT_NEAR(plain.score - corrected.score, (100.0 / 30 - 1) * 3 * 0.6366197723675814, 1e-12);
  EXPECT_EQ(plain.right_bins, corrected.right_bins);
  find_categorical_split(0, bins, sum_of(bins), rule, {.max_onehot = 4}, alone);
  EXPECT_EQ(alone.score, score_of_right(bins, bins[2], rule, 0));
  rule.noise = 1e6;
  Split none;
  find_categorical_split(0, bins, sum_of(bins), rule, many, none);
  EXPECT_EQ(none.score, 0);  // and so no gain
}

TEST(CategoricalSplit, LightCategoriesStayLeft) {
  SplitRule rule = plain_rule();
  rule.hessian_unit = 0.25;
  const std::vector<Word> bins = {0, pack(-40, 3), pack(-30, 9), pack(20, 16), pack(9, 9)};
  Split best;
  find_categorical_split(0, bins, sum_of(bins), rule, {.max_onehot = 0, .smooth = 0, .extra_l2 = 0}, best);
  ASSERT_GE(best.score, 0);
  EXPECT_FALSE(best.goes_right(1));  // a hessian of 3 / 4 would come first in the order
}

TEST(CategoricalSplit, BinsWithoutRowsJoinTheHeavierSide) {
  const std::vector<Word> bins = {0, pack(-50, 30), pack(25, 5), 0, pack(25, 5)};
  Split best;
  find_categorical_split(0, bins, sum_of(bins), plain_rule(), {.max_onehot = 0, .smooth = 0, .extra_l2 = 0},
                         best);
  ASSERT_TRUE(best.goes_right(1));  // the only bin on the right
  EXPECT_TRUE(best.goes_right(0));
  EXPECT_TRUE(best.goes_right(3));
  EXPECT_FALSE(best.goes_right(2));
  EXPECT_FALSE(best.goes_right(4));
}

TEST(CategoricalSplit, LeavesABetterSplitAlone) {
  const std::vector<Word> bins = {0, pack(-5, 3), pack(4, 5)};
  Split best;
  best.score = 1e9;
  best.key = split_key(0, 1, 0);
  const Split before = best;
  find_categorical_split(1, bins, sum_of(bins), plain_rule(), {}, best);
  EXPECT_EQ(best.key, before.key);
  EXPECT_FALSE(best.is_categorical);
}

TEST(CategoricalSplit, NeedsTwoBinsWithRows) {
  Split best;
  const std::vector<Word> bins = {0, pack(-5, 3), 0};
  find_categorical_split(1, bins, sum_of(bins), plain_rule(), {}, best);
  EXPECT_LT(best.score, 0);
}

}  // namespace
}  // namespace coppice::detail
