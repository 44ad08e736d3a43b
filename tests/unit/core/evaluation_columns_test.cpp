// Groups, days, amounts and costs: their numbers, and the metrics and rules that look at them.
#include <coppice/confusion.h>
#include <coppice/error.h>
#include <coppice/evaluation_columns.h>
#include <coppice/metric.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

namespace coppice {
namespace {

using Floats = std::vector<float>;
using Numbers = std::vector<std::uint32_t>;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

double value_with(const std::string& metric, const Floats& margins, const EvaluationColumns& columns,
                  const Costs& costs = {}) {
  return evaluate(metric_from_string(metric), Objective::kBinaryLogistic, margins, columns, costs);
}

std::string message_of(const std::function<void()>& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Numbers days_of(const std::vector<double>& times, double day_length) {
  const Buffer<std::uint32_t> days = number_days(times, day_length);
  return {days.begin(), days.end()};
}

TEST(NumberDays, CountsTheDaysThatOccur) {
  const std::vector<double> seconds = {86400 * 5.0, -1, 86400 * 5.0 + 86399, 0, 86399.5};
  EXPECT_THAT(days_of(seconds, 86400), ElementsAre(2, 0, 2, 1, 1));
  EXPECT_THAT(days_of(seconds, 86400 * 10.0), ElementsAre(1, 0, 1, 1, 1));
  EXPECT_EQ(count_days(Numbers{2, 0, 2, 5}), 3);
  EXPECT_EQ(count_days({}), 0);
}

TEST(NumberGroups, DependsOnKeysAlone) {
  const std::vector<std::uint64_t> keys = {70, 7, 70, 0xffffffffffffffff, 8};
  const Buffer<std::uint32_t> numbers = number_groups(keys);
  EXPECT_EQ(numbers[0], numbers[2]);
  Numbers distinct = {numbers[0], numbers[1], numbers[3], numbers[4]};
  std::ranges::sort(distinct);
  EXPECT_THAT(distinct, ElementsAre(0, 1, 2, 3));
  const std::vector<std::uint64_t> reversed(keys.rbegin(), keys.rend());
  const Buffer<std::uint32_t> others = number_groups(reversed);
  EXPECT_TRUE(std::equal(numbers.begin(), numbers.end(), std::make_reverse_iterator(others.end())));
}

/// Two days of four cards. Day 0: card 0 scores 3 (its fraud scores 1), card 1 2, card 2 2 (fraud), card 3 0.
/// Day 1: card 0 5 (fraud), card 2 4 (fraud), card 3 3 (fraud), card 1 1.
struct Cards {
  Floats margins = {3, 1, 2, 2, 0, 5, 4, 3, 1};
  Floats labels = {0, 1, 0, 1, 0, 1, 1, 1, 0};
  Numbers groups = {0, 0, 1, 2, 3, 0, 2, 3, 1};
  Numbers days = {0, 0, 0, 0, 0, 1, 1, 1, 1};
  Floats weights = {};
  [[nodiscard]] EvaluationColumns columns() const {
    return {.labels = labels, .weights = weights, .groups = groups, .days = days};
  }
};

TEST(CardPrecision, InvestigatesTheBestCardsOfEachDay) {
  const Cards cards;
  // k = 1: card 0 is found on day 0 and gone on day 1, where card 2 comes first.
  EXPECT_EQ(value_with("card_precision@k=1", cards.margins, cards.columns()), 1);
  // k = 2: of cards 1 and 2, which tie, 1 has the lower number. Day 0: card 0 of two. Day 1: 2 and 3.
  EXPECT_EQ(value_with("card_precision@k=2", cards.margins, cards.columns()), (0.5 + 1) / 2);
  // k = 3: 0, 1, 2 with two frauds; then of 3 and 1 one, of three places.
  EXPECT_DOUBLE_EQ(value_with("card_precision@k=3", cards.margins, cards.columns()), (2. / 3 + 1. / 3) / 2);
  EXPECT_DOUBLE_EQ(value_with("card_precision@k=100", cards.margins, cards.columns()), (0.02 + 0.01) / 2);
}

TEST(CardPrecision, NumbersDecideBetweenTies) {
  Cards cards;
  for (std::uint32_t& group : cards.groups) group = 3 - group;  // now card 2 comes before card 1
  EXPECT_EQ(value_with("card_precision@k=2", cards.margins, cards.columns()), (1 + 0.5) / 2);
}

TEST(CardPrecision, ACardWeighsAsTheHeaviestOfItsRows) {
  Cards cards;
  cards.weights = {1, 2, 1, 1, 1, 1, 1, 1, 1};
  // Card 0 fills both places of day 0; then 2 and 3.
  EXPECT_EQ(value_with("card_precision@k=2", cards.margins, cards.columns()), 1);
  cards.weights = {1, 0.5, 1, 1, 1, 1, 1, 1, 1};
  EXPECT_EQ(value_with("card_precision@k=2", cards.margins, cards.columns()), (0.5 + 1) / 2);
  // Without its fraud, card 0 is good on day 0, and found on day 1 together with 2.
  cards.weights[1] = 0;
  EXPECT_EQ(value_with("card_precision@k=2", cards.margins, cards.columns()), (0. + 1) / 2);
  // A day without weight is no day.
  cards.weights = {0, 0, 0, 0, 0, 1, 1, 1, 1};
  EXPECT_EQ(value_with("card_precision@k=4", cards.margins, cards.columns()), 0.75);
  cards.weights.assign(9, 0);
  EXPECT_TRUE(std::isnan(value_with("card_precision@k=4", cards.margins, cards.columns())));
}

/// Margins -1, 0, 1 are probabilities 0.27, 0.5, 0.73.
const Floats kMargins = {1, 1, 0, 0, -1};
const Floats kCostLabels = {1, 0, 1, 0, 1};
const Floats kAmounts = {100, 7, 20, 9, 30};
const Floats kWeights = {1, 2, 1, 1, 2};

TEST(Cost, AddsReviewsFalseAlarmsAndMisses) {
  const EvaluationColumns columns{.labels = kCostLabels, .weights = kWeights, .amounts = kAmounts};
  const Confusion at = confusion(kMargins, columns, 0.7);  // TP 1, FP 2, FN 3, TN 1
  EXPECT_EQ(at.found_amount, 100);
  EXPECT_EQ(at.missed_amount, 20 + 2 * 30);
  EXPECT_DOUBLE_EQ(at.amount_recall(), 100. / 180);
  EXPECT_EQ(at.cost({.false_positive = 10, .review = 2}), 2 * 3 + 10 * 2 + 80);
  EXPECT_EQ(at.cost({.false_positive = 10, .false_negative = 50, .review = 2}), 2 * 3 + 10 * 2 + 50 * 3);
  EXPECT_EQ(confusion(kMargins, {kCostLabels}, 0.7).missed_amount, 0);
}

TEST(Cost, MetricsArePerUnitOfWeight) {
  const EvaluationColumns columns{.labels = kCostLabels, .weights = kWeights, .amounts = kAmounts};
  const Costs costs{.false_positive = 10, .review = 2};
  EXPECT_DOUBLE_EQ(value_with("cost@0.7", kMargins, columns, costs), 106. / 7);
  EXPECT_DOUBLE_EQ(value_with("amount_recall@0.7", kMargins, columns), 100. / 180);
  // Calling nothing costs 180, from 0.73 on 106, from 0.5 on 2 * 5 + 10 * 3 + 60 = 100, all 2 * 7 + 30 = 44.
  EXPECT_DOUBLE_EQ(value_with("min_cost", kMargins, columns, costs), 44. / 7);
  // At 30 a false alarm, from 0.73 on 146, from 0.5 on 160, all 104; at 80 nothing is cheaper than calling
  // none.
  EXPECT_DOUBLE_EQ(value_with("min_cost", kMargins, columns, {.false_positive = 80, .review = 2}), 180. / 7);
  EXPECT_DOUBLE_EQ(value_with("amount_recall@fpr=0.7", kMargins, columns), 100. / 180);
  EXPECT_DOUBLE_EQ(value_with("amount_recall@fpr=0.5", kMargins, columns), 0);
  const Floats no_amounts(5);  // a share of nothing
  for (const char* metric : {"amount_recall@0.7", "amount_recall@fpr=0.7"}) {
    EXPECT_TRUE(std::isnan(value_with(metric, kMargins, {.labels = kCostLabels, .amounts = no_amounts})))
        << metric;
  }
}

TEST(Rules, OfCostsAndDays) {
  const Numbers days = {4, 4, 4, 0, 0};
  const EvaluationColumns columns{
      .labels = kCostLabels, .weights = kWeights, .amounts = kAmounts, .days = days};
  const auto choose = [&](const char* rule, const Costs& costs = {}) {
    return choose_threshold(threshold_rule_from_string(rule), kMargins, columns, costs);
  };
  EXPECT_EQ(choose("min-cost", {.false_positive = 10, .review = 2}), -1);
  // Nothing costs 200; from 0.73 on 210, from 0.5 on 200, all 140; at 30 a review 240, 250 and 210.
  EXPECT_EQ(choose("min-cost", {.false_negative = 50, .review = 20}), -1);
  EXPECT_EQ(choose("min-cost", {.false_negative = 50, .review = 30}), std::nullopt);
  EXPECT_EQ(choose_threshold(threshold_rule_from_string("min-cost"), Floats{2, 1, 0}, {Floats{1, 0, 0}},
                             {.false_positive = 1, .false_negative = 1}),
            2);
  // Alerts weigh 3, 5 and 7 on two days.
  EXPECT_EQ(choose("alerts-per-day<=1.4"), std::nullopt);
  EXPECT_EQ(choose("alerts-per-day<=1.5"), 1);
  EXPECT_EQ(choose("alerts-per-day<=3"), 0);
  EXPECT_EQ(choose("alerts-per-day<=1000"), -1);
  EXPECT_EQ(threshold_rule_from_string("alerts-per-day<=1.5").name(), "alerts-per-day<=1.5");
  EXPECT_EQ(threshold_rule_from_string("min-cost").name(), "min-cost");
  EXPECT_THROW(static_cast<void>(threshold_rule_from_string("min-cost<=1")), Error);
  EXPECT_THROW(static_cast<void>(threshold_rule_from_string("alerts-per-day<=-1")), Error);
  EXPECT_THROW(static_cast<void>(threshold_rule_from_string("alerts-per-day<=inf")), Error);
}

TEST(RequireColumns, SaysWhatIsNeeded) {
  const EvaluationColumns bare{kCostLabels};
  const auto message = [&](const char* metric, const EvaluationColumns& columns, const Costs& costs = {}) {
    return message_of([&] { static_cast<void>(value_with(metric, kMargins, columns, costs)); });
  };
  EXPECT_THAT(message("card_precision@k=3", bare),
              HasSubstr("[core.metric.column] card_precision@k=3 needs the card or customer of each row"));
  const Numbers groups(5);
  EXPECT_THAT(message("card_precision@k=3", {.labels = kCostLabels, .groups = groups}),
              HasSubstr("needs the day of each row: --time-column"));
  EXPECT_THAT(message("amount_recall", bare), HasSubstr("needs the amount of each row"));
  EXPECT_THAT(message("cost", bare, {.false_negative = 3}), HasSubstr("[core.metric.cost] cost needs what"));
  EXPECT_THAT(message("min_cost", bare, {.review = 3}), HasSubstr("needs what a missed positive row costs"));
  EXPECT_EQ(message("min_cost", bare, {.false_negative = 5, .review = 3}), "");
  EXPECT_THAT(
      message_of([&] {
        static_cast<void>(choose_threshold(threshold_rule_from_string("alerts-per-day<=3"), kMargins, bare));
      }),
      HasSubstr("alerts-per-day<=3 needs the day of each row"));
}

}  // namespace
}  // namespace coppice
