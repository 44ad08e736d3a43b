#include <coppice/error.h>
#include <coppice/metric.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace coppice {
namespace {

using Floats = std::vector<float>;

constexpr Objective kLogistic = Objective::kBinaryLogistic;
constexpr Objective kSquared = Objective::kSquaredError;

double value_of(std::string_view metric, const Floats& margins, const Floats& labels,
                const Floats& weights = {}, Objective objective = kLogistic) {
  return evaluate(metric_from_string(metric), objective, margins, labels, weights);
}

std::string error_of(std::string_view metric) {
  try {
    static_cast<void>(metric_from_string(metric));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Metric, NamesGoBothWays) {
  for (const std::string name : {"logloss", "error", "error@0.3", "error@-1", "auc", "ap", "rmse", "mae"}) {
    EXPECT_EQ(metric_from_string(name).name(), name);
  }
  EXPECT_EQ(metric_from_string("error@0.5").name(), "error");
  EXPECT_EQ(metric_from_string("aucpr").name(), "ap");
  EXPECT_EQ(metric_from_string("average_precision").name(), "ap");
}

TEST(Metric, KnowsItsDirection) {
  for (const std::string name : {"auc", "ap"}) EXPECT_TRUE(metric_from_string(name).higher_is_better());
  for (const std::string name : {"logloss", "error", "rmse", "mae"}) {
    EXPECT_FALSE(metric_from_string(name).higher_is_better());
  }
}

TEST(Metric, DefaultFollowsTheObjective) {
  EXPECT_EQ(default_metric(kLogistic).name(), "logloss");
  EXPECT_EQ(default_metric(kSquared).name(), "rmse");
}

TEST(Metric, UnknownNamesAreRefused) {
  EXPECT_EQ(error_of("loglos"), "[core.metric.unknown] unknown metric 'loglos'; did you mean logloss?");
  EXPECT_EQ(
      error_of("ndcg"),
      "[core.metric.unknown] unknown metric 'ndcg'; there are logloss, error, error@t, auc, ap, rmse, mae");
  for (const std::string text : {"", "x", "0.3x", "nan", "inf"}) {
    EXPECT_EQ(error_of("error@" + text),
              fmt::format("[core.metric.unknown] metric 'error@{0}': '{0}' is not a threshold; "
                          "write, for instance, error@0.3",
                          text));
  }
}

TEST(Logloss, OfHandComputedMargins) {
  // Margin 0 costs log 2 whatever the label. Margin log 3 means p = 3/4.
  const auto log3 = static_cast<float>(std::log(3.0));
  EXPECT_DOUBLE_EQ(value_of("logloss", {0, 0}, {0, 1}), std::log(2.0));
  // log3 is off by half a unit of float32 (6e-8 relative), and so is the loss.
  EXPECT_NEAR(value_of("logloss", {log3, log3}, {1, 0}), (std::log(4.0 / 3) + std::log(4.0)) / 2, 1e-7);
  EXPECT_NEAR(value_of("logloss", {log3, log3}, {1, 0}, {3, 1}), (3 * std::log(4.0 / 3) + std::log(4.0)) / 4,
              1e-7);
}

TEST(Logloss, IsNeverInfinite) {
  const double limit = 16 * std::log(10.0);  // -log 1e-16
  EXPECT_DOUBLE_EQ(value_of("logloss", {1000}, {0}), limit);
  EXPECT_DOUBLE_EQ(value_of("logloss", {-1000}, {1}), limit);
  EXPECT_NEAR(value_of("logloss", {1000}, {1}), 1e-16, 1e-22);
  EXPECT_DOUBLE_EQ(value_of("logloss", {-3}, {1}, {}, kSquared),
                   limit);  // a prediction that is no probability
}

TEST(Error, CountsFromTheThresholdOn) {
  const Floats margins = {0, -0.01F, 0.01F, -2};  // predictions 0.5, 0.4975, 0.5025, 0.12
  EXPECT_EQ(value_of("error", margins, {1, 0, 1, 0}), 0);
  EXPECT_EQ(value_of("error", margins, {0, 0, 1, 1}), 0.5);
  EXPECT_EQ(value_of("error@0.1", margins, {1, 0, 1, 0}), 0.5);
  EXPECT_EQ(value_of("error", margins, {0, 0, 1, 0}, {5, 1, 1, 3}), 0.5);
}

TEST(SquaredError, OfHandComputedValues) {
  EXPECT_EQ(value_of("rmse", {1, 5}, {1, 2}, {}, kSquared), std::sqrt(4.5));
  EXPECT_EQ(value_of("mae", {1, 5}, {2, 2}, {}, kSquared), 2);
  EXPECT_EQ(value_of("mae", {1, 5}, {2, 2}, {1, 3}, kSquared), 2.5);
  EXPECT_EQ(value_of("mae", {0, 0, 0}, {1, 0, 1}), 0.5);  // of the probability
  EXPECT_EQ(value_of("rmse", {0, 0, 0}, {1, 0, 1}), 0.5);
}

TEST(Auc, OfHandComputedOrders) {
  EXPECT_EQ(value_of("auc", {1, 2, 3, 4}, {0, 0, 1, 1}), 1);
  EXPECT_EQ(value_of("auc", {1, 2, 3, 4}, {1, 1, 0, 0}), 0);
  EXPECT_EQ(value_of("auc", {1, 2, 3, 4}, {0, 1, 0, 1}), 0.75);
  EXPECT_EQ(value_of("auc", {7, 7, 7}, {0, 1, 0}), 0.5);
  EXPECT_EQ(value_of("auc", {1, 2, 2, 3}, {0, 1, 0, 1}), 0.875);  // 3 pairs right, one tied, of 4
  // Pairs by weight: (2, 1): 3 * 1, (4, 1): 5 * 1, (4, 3): 5 * 2 right; (2, 3): 3 * 2 wrong.
  EXPECT_EQ(value_of("auc", {1, 2, 3, 4}, {0, 1, 0, 1}, {1, 3, 2, 5}), 18.0 / 24);
}

TEST(Auc, TiesBothZeros) {
  EXPECT_EQ(value_of("auc", {0.0F, -0.0F}, {0, 1}), 0.5);
  EXPECT_EQ(value_of("auc", {-0.0F, 0.0F}, {0, 1}), 0.5);
}

TEST(Auc, CountsPairs) {
  // Every pair by itself, over margins of all magnitudes and signs, some of them tied.
  std::mt19937 random(7);
  const std::array<float, 8> scales = {1e-42F, 1e-20F, 1e-3F, 1,
                                       1e3F,   1e20F,  1e38F, std::numeric_limits<float>::infinity()};
  Floats margins, labels;
  for (int i = 0; i < 400; ++i) {
    margins.push_back((static_cast<float>(random() % 7) - 3.5F) * scales[random() % scales.size()]);
    labels.push_back(static_cast<float>(random() % 2));
  }
  double right = 0, pairs = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    for (std::size_t j = 0; j < margins.size(); ++j) {
      if (labels[i] != 1 || labels[j] != 0) continue;
      ++pairs;
      right += margins[i] > margins[j] ? 1 : margins[i] == margins[j] ? 0.5 : 0;
    }
  }
  EXPECT_EQ(value_of("auc", margins, labels), right / pairs);
}

TEST(AveragePrecision, OfHandComputedOrders) {
  EXPECT_EQ(value_of("ap", {1, 2, 3, 4}, {0, 0, 1, 1}), 1);
  // Falling: positive at rank 1 (precision 1) and at rank 3 (2/3), half of the recall each.
  EXPECT_DOUBLE_EQ(value_of("ap", {4, 3, 2, 1}, {1, 0, 1, 0}), (1 + 2.0 / 3) / 2);
  // One tie is one step: precision 2/3 for both positives, in any order of the rows.
  EXPECT_DOUBLE_EQ(value_of("ap", {5, 5, 5, 1}, {1, 0, 1, 0}), 2.0 / 3);
  EXPECT_DOUBLE_EQ(value_of("ap", {5, 5, 5, 1}, {0, 1, 1, 0}), 2.0 / 3);
  // By weight: 2/2 at recall 2/5, then 5/6 at recall 1.
  EXPECT_DOUBLE_EQ(value_of("ap", {4, 3, 2, 1}, {1, 0, 1, 0}, {2, 1, 3, 9}), 0.4 * 1 + 0.6 * 5 / 6);
}

TEST(Ranks, AreNotANumberWhenAClassIsAbsent) {
  for (const std::string name : {"auc", "ap"}) {
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {0, 0}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {1, 1}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {0, 1}, {1, 0}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {}, {}))) << name;
  }
}

TEST(Metric, IsNotANumberWithoutWeight) {
  for (const std::string name : {"logloss", "error", "rmse", "mae"}) {
    EXPECT_TRUE(std::isnan(value_of(name, {}, {}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {1}, {1}, {0}))) << name;
  }
}

/// A table of 5,000 rows, some blocks and a rest, whose 1,057 distinct margins tie in many places.
struct Table {
  Floats margins, labels, weights;
};

Table make_table() {
  Table table;
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const bool positive = (i * i * 31 + i) % 7 == 0;
    table.margins.push_back(static_cast<float>(i * 7919 % 1009) / 64 - 8 + (positive ? 0.75F : 0));
    table.labels.push_back(positive ? 1 : 0);
    table.weights.push_back(1 + static_cast<float>(i % 5) / 4);
  }
  return table;
}

TEST(Metric, AgreesWithScikitLearn) {
  // scikit-learn 1.9: log_loss, roc_auc_score, average_precision_score, mean_squared_error,
  // mean_absolute_error. The tolerance is for sums in another order.
  struct Case {
    std::string metric;
    Objective objective;
    double plain, weighted;
  };
  const std::array<Case, 6> cases = {{
      {"logloss", kLogistic, 1.9483610723151228, 1.946930508677905},
      {"error@0.3", kLogistic, 0.5066, 0.5063666666666666},
      {"auc", kLogistic, 0.5455851203194069, 0.5460142419002123},
      {"ap", kLogistic, 0.35980599851292683, 0.36035009720749756},
      {"rmse", kSquared, 4.557770247490131, 4.557707539358237},
      {"mae", kSquared, 3.94560625, 3.945442708333333},
  }};
  const Table table = make_table();
  for (const Case& c : cases) {
    EXPECT_NEAR(value_of(c.metric, table.margins, table.labels, {}, c.objective), c.plain, 1e-12 * c.plain)
        << c.metric;
    EXPECT_NEAR(value_of(c.metric, table.margins, table.labels, table.weights, c.objective), c.weighted,
                1e-12 * c.weighted)
        << c.metric;
  }
}

TEST(Metric, WeightsOfOneChangeNoBit) {
  const Table table = make_table();
  const Floats ones(table.margins.size(), 1);
  for (const std::string name : {"logloss", "error", "auc", "ap", "rmse", "mae"}) {
    EXPECT_EQ(value_of(name, table.margins, table.labels, ones), value_of(name, table.margins, table.labels))
        << name;
  }
}

TEST(Metric, SumsHaveTheDocumentedShape) {
  // Blocks of 1,024 rows in row order; then neighbours, a last one without neighbour moving up as it is.
  std::mt19937 random(11);
  Floats margins;
  for (int i = 0; i < 4 * 1024 + 100; ++i) {
    margins.push_back(std::ldexp(static_cast<float>(random()), -static_cast<int>(random() % 60)));
  }
  std::array<double, 5> blocks = {};
  double in_row_order = 0;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    blocks[i / 1024] += margins[i];
    in_row_order += margins[i];
  }
  const double sum = ((blocks[0] + blocks[1]) + (blocks[2] + blocks[3])) + blocks[4];
  ASSERT_NE(sum, in_row_order);  // the shape shows in the bits
  const Floats labels(margins.size(), 0);
  EXPECT_EQ(value_of("mae", margins, labels, {}, kSquared), sum / static_cast<double>(margins.size()));
}

TEST(Confusion, CountsEachKindOfRow) {
  const Floats predictions = {0.9F, 0.5F, 0.4F, 0.6F, 0.1F, 0.2F};
  const Floats labels = {1, 1, 1, 0, 0, 0};
  const Confusion counts = confusion(predictions, labels, {}, 0.5);
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
  const Confusion sums = confusion(predictions, labels, weights, 0.5);
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
  const Confusion none_called = confusion(Floats{0.1F}, Floats{1}, {}, 0.5);
  EXPECT_TRUE(std::isnan(none_called.precision()));
  EXPECT_EQ(none_called.recall(), 0);
  EXPECT_EQ(none_called.f1(), 0);
  const Confusion none_positive = confusion(Floats{0.1F}, Floats{0}, {}, 0.5);
  EXPECT_TRUE(std::isnan(none_positive.recall()));
  EXPECT_TRUE(std::isnan(none_positive.f1()));
  EXPECT_EQ(none_positive.accuracy(), 1);
}

}  // namespace
}  // namespace coppice
