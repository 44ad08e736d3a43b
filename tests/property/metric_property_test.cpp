// What must not change a metric: the order of rows, and, for ranks, how far apart the scores are.
#include <coppice/confusion.h>
#include <coppice/metric.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace coppice {
namespace {

using Floats = std::vector<float>;

const std::vector<std::string> kRanks = {
    "auc", "ap", "recall@fpr=0.1", "precision@recall=0.4", "recall@precision=0.3", "precision@k=50"};
const std::vector<std::string> kOrderFree = {"error@0.3",     "accuracy@0.3", "balanced_accuracy@0.3",
                                             "precision@0.3", "recall@0.3",   "f1@0.3",
                                             "mcc@0.3",       "ece"};

const std::vector<std::string> kOfMoney = {"min_cost", "cost@0.3", "amount_recall@0.3",
                                           "amount_recall@fpr=0.1"};
const std::vector<std::string> kOfCards = {"card_precision@k=20"};
const Costs kCosts{.false_positive = 3, .review = 1};

/// Rows with many ties and whole weights, some of them 0, and whole amounts, for which sums are exact in any
/// order.
struct Rows {
  Floats margins, labels, weights, amounts;
  std::vector<std::uint32_t> groups, days;
  [[nodiscard]] EvaluationColumns columns() const { return {labels, weights, amounts, groups, days}; }
};

/// Appends a row of another table.
void append(Rows& rows, const Rows& from, std::size_t i) {
  rows.margins.push_back(from.margins[i]);
  rows.labels.push_back(from.labels[i]);
  rows.amounts.push_back(from.amounts[i]);
  rows.groups.push_back(from.groups[i]);
  rows.days.push_back(from.days[i]);
}

Rows random_rows(std::mt19937& random, bool weighted) {
  Rows rows;
  const std::size_t n = 200 + random() % 3000;
  const auto n_distinct = static_cast<std::uint32_t>(2 + random() % 400);
  for (std::size_t i = 0; i < n; ++i) {
    const bool positive = random() % 8 == 0 || i == 0;
    const auto place = static_cast<float>(random() % n_distinct) / static_cast<float>(n_distinct);
    rows.margins.push_back(4 * place - 3 + (positive ? 0.5F : 0));
    rows.labels.push_back(positive ? 1 : 0);
    if (weighted) rows.weights.push_back(static_cast<float>(i == 0 ? 1 : random() % 5));
    rows.amounts.push_back(static_cast<float>(random() % 100 + 1));
    rows.groups.push_back(static_cast<std::uint32_t>(random() % 150));
    rows.days.push_back(static_cast<std::uint32_t>(random() % 4));
  }
  return rows;
}

Rows permuted(const Rows& rows, std::mt19937& random) {
  std::vector<std::size_t> order(rows.margins.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::shuffle(order.begin(), order.end(), random);
  Rows result;
  for (const std::size_t i : order) {
    append(result, rows, i);
    if (!rows.weights.empty()) result.weights.push_back(rows.weights[i]);
  }
  return result;
}

double value_of(const std::string& metric, const Rows& rows) {
  return evaluate(metric_from_string(metric), Objective::kBinaryLogistic, rows.margins, rows.columns(),
                  kCosts);
}

TEST(MetricProperty, OrderOfRowsChangesNoBit) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 40; ++trial) {
    const Rows rows = random_rows(random, trial % 2 == 1);
    const Rows others = permuted(rows, random);
    for (const auto& names : {kRanks, kOrderFree, kOfMoney, kOfCards}) {
      for (const std::string& name : names) {
        const double value = value_of(name, rows);
        ASSERT_FALSE(std::isnan(value)) << name;
        EXPECT_EQ(value_of(name, others), value) << name;
      }
    }
    for (const char* rule :
         {"max-f1", "fpr<=0.1", "precision>=0.2", "recall>=0.5", "min-cost", "alerts-per-day<=9"}) {
      const ThresholdRule by = threshold_rule_from_string(rule);
      EXPECT_EQ(choose_threshold(by, rows.margins, rows.columns(), kCosts),
                choose_threshold(by, others.margins, others.columns(), kCosts))
          << rule;
    }
  }
}

/// Weights and amounts that doubles round when they are added.
TEST(MetricProperty, OrderOfRowsChangesNoBitOfRanksWhateverTheWeights) {
  std::mt19937 random(5);
  for (int trial = 0; trial < 40; ++trial) {
    Rows rows = random_rows(random, true);
    for (float& weight : rows.weights)
      weight = std::ldexp(static_cast<float>(random() % 9973), -static_cast<int>(random() % 40));
    for (float& amount : rows.amounts) amount /= 7;
    const Rows others = permuted(rows, random);
    for (const char* name : {"auc", "ap", "recall@fpr=0.1", "precision@recall=0.4", "recall@precision=0.3",
                             "precision@k=50", "ece", "min_cost", "amount_recall@fpr=0.1"}) {
      EXPECT_EQ(value_of(name, others), value_of(name, rows)) << name;
    }
  }
}

TEST(MetricProperty, RanksSeeOnlyTheOrderOfScores) {
  std::mt19937 random(2);
  for (int trial = 0; trial < 40; ++trial) {
    const Rows rows = random_rows(random, trial % 2 == 1);
    Rows others = rows;
    // Powers of two change no digit of a margin, so distinct margins stay distinct and ties stay ties.
    for (float& margin : others.margins) margin = margin > 0 ? 64 * margin : margin / 16;
    for (const std::string& name : kRanks) EXPECT_EQ(value_of(name, others), value_of(name, rows)) << name;
  }
}

TEST(MetricProperty, AWholeWeightIsSoManyRows) {
  std::mt19937 random(3);
  for (int trial = 0; trial < 40; ++trial) {
    const Rows rows = random_rows(random, true);
    Rows repeated;
    for (std::size_t i = 0; i < rows.margins.size(); ++i) {
      for (int copy = 0; copy < static_cast<int>(rows.weights[i]); ++copy) {
        append(repeated, rows, i);
      }
    }
    for (const auto& names : {kRanks, kOrderFree, kOfMoney}) {
      for (const std::string& name : names) EXPECT_EQ(value_of(name, repeated), value_of(name, rows)) << name;
    }
  }
}

TEST(MetricProperty, AChosenThresholdKeepsItsPromise) {
  std::mt19937 random(4);
  for (int trial = 0; trial < 4; ++trial) {
    const Rows rows = random_rows(random, trial % 2 == 1);
    const auto at = [&](const char* rule) {
      const auto threshold = choose_threshold(threshold_rule_from_string(rule), rows.margins, rows.columns());
      return confusion(rows.margins, rows.columns(), threshold.value());
    };
    EXPECT_GE(at("recall>=0.5").recall(), 0.5);
    const double best_f1 = at("max-f1").f1();
    for (const float threshold : rows.margins) {
      EXPECT_LE(confusion(rows.margins, rows.columns(), threshold).f1(), best_f1);
    }
  }
}

}  // namespace
}  // namespace coppice
