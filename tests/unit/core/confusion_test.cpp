#include <coppice/confusion.h>
#include <coppice/error.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

namespace coppice {
namespace {

using Floats = std::vector<float>;

TEST(Confusion, CountsEachKindOfRow) {
  const Floats predictions = {0.9F, 0.5F, 0.4F, 0.6F, 0.1F, 0.2F};
  const Floats labels = {1, 1, 1, 0, 0, 0};
  const Confusion counts = confusion(predictions, {labels}, 0.5);
  EXPECT_EQ(counts.true_positive, 2);  // 0.5 is called positive
  EXPECT_EQ(counts.false_negative, 1);
  EXPECT_EQ(counts.false_positive, 1);
  EXPECT_EQ(counts.true_negative, 2);
  EXPECT_DOUBLE_EQ(counts.precision(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.recall(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.f1(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.accuracy(), 4.0 / 6);
}

TEST(Confusion, AddsWeights) {
  const Floats predictions = {0.9F, 0.1F, 0.9F, 0.1F};
  const Floats labels = {1, 1, 0, 0};
  const Floats weights = {4, 1, 2, 8};
  const Confusion sums = confusion(predictions, {labels, weights}, 0.5);
  EXPECT_EQ(sums.true_positive, 4);
  EXPECT_EQ(sums.false_negative, 1);
  EXPECT_EQ(sums.false_positive, 2);
  EXPECT_EQ(sums.true_negative, 8);
  EXPECT_DOUBLE_EQ(sums.precision(), 4.0 / 6);
  EXPECT_DOUBLE_EQ(sums.recall(), 0.8);
  EXPECT_DOUBLE_EQ(sums.f1(), 8.0 / 11);
  EXPECT_DOUBLE_EQ(sums.accuracy(), 0.8);
}

TEST(Confusion, RatiosWithoutRowsAreNotANumber) {
  const Confusion none_called = confusion(Floats{0.1F}, {Floats{1}}, 0.5);
  EXPECT_TRUE(std::isnan(none_called.precision()));
  EXPECT_EQ(none_called.recall(), 0);
  EXPECT_EQ(none_called.f1(), 0);
  const Confusion none_positive = confusion(Floats{0.1F}, {Floats{0}}, 0.5);
  EXPECT_TRUE(std::isnan(none_positive.recall()));
  EXPECT_TRUE(std::isnan(none_positive.f1()));
  EXPECT_EQ(none_positive.accuracy(), 1);
}

TEST(Confusion, RatesOfBothClasses) {
  const Confusion counts{.true_positive = 6, .false_positive = 1, .true_negative = 2, .false_negative = 3};
  EXPECT_EQ(counts.alerts(), 7);
  EXPECT_DOUBLE_EQ(counts.false_positive_rate(), 1.0 / 3);
  EXPECT_DOUBLE_EQ(counts.error(), 4.0 / 12);
  EXPECT_DOUBLE_EQ(counts.balanced_accuracy(), 2.0 / 3);
  EXPECT_DOUBLE_EQ(counts.mcc(), (6 * 2 - 1 * 3) / std::sqrt(7.0 * 9 * 3 * 5));
}

// Falling: 0.9 positive, 0.8 one of each class, 0.6 negative, 0.3 positive, 0.1 two negatives.
//   from     0.9  0.8   0.6  0.3   0.1
//   tp, fp   1,0  2,1   2,2  3,2   3,4
//   F1       1/2  2/3   4/7  3/4   3/5
const Floats kScores = {0.1F, 0.8F, 0.3F, 0.9F, 0.6F, 0.8F, 0.1F};
const Floats kLabels = {0, 1, 1, 1, 0, 0, 0};

std::optional<float> choose(std::string_view rule, const Floats& labels = kLabels,
                            const Floats& weights = {}) {
  return choose_threshold(threshold_rule_from_string(rule), kScores, {labels, weights});
}

TEST(ChooseThreshold, FollowsTheRule) {
  EXPECT_EQ(choose("max-f1"), 0.3F);
  EXPECT_EQ(choose("fpr<=0"), 0.9F);
  EXPECT_EQ(choose("fpr<=0.25"), 0.8F);
  EXPECT_EQ(choose("fpr<=0.49"), 0.8F);
  EXPECT_EQ(choose("fpr<=1"), 0.3F);  // 0.1 finds no more
  EXPECT_EQ(choose("precision>=1"), 0.9F);
  EXPECT_EQ(choose("precision>=0.65"), 0.8F);
  EXPECT_EQ(choose("precision>=0.6"), 0.3F);  // beyond 0.6, whose precision is 1/2
  EXPECT_EQ(choose("recall>=0.5"), 0.8F);
  EXPECT_EQ(choose("recall>=1"), 0.3F);
  EXPECT_EQ(choose("recall>=0"), 0.9F);
}

TEST(ChooseThreshold, CountsWeight) {
  // F1 from 0.9: 20 / (10 + 12), from 0.8: 22 / (12 + 12), from 0.3: 24 / (14 + 12).
  EXPECT_EQ(choose("max-f1", kLabels, {1, 1, 1, 10, 1, 1, 1}), 0.3F);
  // The negative at 0.6 weighs 17: from 0.3 it is 24 / (30 + 12).
  EXPECT_EQ(choose("max-f1", kLabels, {1, 1, 1, 10, 17, 1, 1}), 0.8F);
}

TEST(ChooseThreshold, SaysWhenThereIsNone) {
  const Floats first_wrong = {0, 1, 0, 0, 0, 0, 0};  // 0.9 is negative, 0.8 has the only positive
  EXPECT_EQ(choose("fpr<=0.1", first_wrong), std::nullopt);
  EXPECT_EQ(choose("precision>=0.5", first_wrong), std::nullopt);
  const Floats none(7, 0.0F);
  for (const std::string rule : {"max-f1", "fpr<=1", "precision>=0", "recall>=0"}) {
    EXPECT_EQ(choose(rule, none), std::nullopt) << rule;
  }
  EXPECT_EQ(choose("fpr<=0", Floats(7, 1.0F)), 0.1F);  // no negative row, no false positive
}

TEST(ThresholdRule, NamesGoBothWays) {
  for (const std::string name : {"max-f1", "fpr<=0.01", "precision>=0.9", "recall>=1"}) {
    EXPECT_EQ(threshold_rule_from_string(name).name(), name);
  }
  for (const std::string text :
       {"", "max-f2", "fpr", "fpr<=", "fpr>=0.1", "fpr<=1.5", "fpr<=-1", "fpr<=nan", "precision>=0.9x"}) {
    try {
      static_cast<void>(threshold_rule_from_string(text));
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(),
                "[core.threshold.rule] '" + text +
                    "' is no rule for a threshold; there are max-f1, fpr<=x, precision>=x, "
                    "recall>=x, min-cost, alerts-per-day<=k, with x from 0 to 1 and k from 0 on");
    }
  }
}

}  // namespace
}  // namespace coppice
