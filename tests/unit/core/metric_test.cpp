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
  return evaluate(metric_from_string(metric), objective, margins, {labels, weights});
}

std::string error_of(std::string_view metric) {
  try {
    static_cast<void>(metric_from_string(metric));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

/// One of each kind.
const std::vector<std::string> kRankMetrics = {
    "auc", "ap", "recall@fpr=0.2", "precision@recall=0.5", "recall@precision=0.5", "precision@k=3"};
const std::vector<std::string> kThresholdMetrics = {
    "error@0.4", "accuracy@0.4", "precision@0.4", "recall@0.4", "f1@0.4", "mcc@0.4", "balanced_accuracy@0.4"};
const std::vector<std::string> kLosses = {"logloss", "brier", "ece", "rmse", "mae", "r2"};

TEST(Metric, NamesGoBothWays) {
  for (const auto& names : {kRankMetrics, kThresholdMetrics, kLosses}) {
    for (const std::string& name : names) EXPECT_EQ(metric_from_string(name).name(), name);
  }
  for (const std::string name : {"error", "error@-1", "precision", "precision@1", "balanced_accuracy",
                                 "recall@fpr=1e-05", "precision@k=1000000"}) {
    EXPECT_EQ(metric_from_string(name).name(), name);
  }
  EXPECT_EQ(metric_from_string("error@0.5").name(), "error");
  EXPECT_EQ(metric_from_string("f1@0.50").name(), "f1");
  EXPECT_EQ(metric_from_string("recall@fpr=0.10").name(), "recall@fpr=0.1");
  EXPECT_EQ(metric_from_string("aucpr").name(), "ap");
  EXPECT_EQ(metric_from_string("average_precision").name(), "ap");
}

TEST(Metric, KnowsItsDirection) {
  for (const std::string& name : kRankMetrics)
    EXPECT_TRUE(metric_from_string(name).higher_is_better()) << name;
  for (const std::string name : {"precision", "recall", "f1", "mcc", "accuracy", "balanced_accuracy", "r2"}) {
    EXPECT_TRUE(metric_from_string(name).higher_is_better()) << name;
  }
  for (const std::string name : {"logloss", "brier", "ece", "error", "rmse", "mae"}) {
    EXPECT_FALSE(metric_from_string(name).higher_is_better()) << name;
  }
}

TEST(Metric, DefaultFollowsTheObjective) {
  EXPECT_EQ(default_metric(kLogistic).name(), "logloss");
  EXPECT_EQ(default_metric(kSquared).name(), "rmse");
}

TEST(Metric, UnknownNamesAreRefused) {
  const auto unknown = [](const std::string& text, const std::string& rest) {
    EXPECT_EQ(error_of(text), "[core.metric.unknown] unknown metric '" + text + "'" + rest);
  };
  unknown("loglos", "; did you mean logloss?");
  unknown("ndcg", "; there are " + std::string(kMetricNames));
  unknown("auc@0.3", "; did you mean auc?");
  unknown("eror@0.3", "; did you mean error@0.3?");
  unknown("recal@fpr=0.1", "; did you mean recall@fpr=0.1?");
  unknown("auk@3", "; did you mean auc?");
  unknown("auc=1", "; did you mean auc?");
}

TEST(Metric, ArgumentsOutOfRangeAreRefused) {
  const auto refused = [](const std::string& metric, const std::string& argument, const std::string& advice) {
    EXPECT_EQ(error_of(metric + argument), "[core.metric.unknown] metric '" + metric + argument + "': '" +
                                               argument + "' is not " + advice);
  };
  for (const std::string text : {"", "x", "0.3x", "nan", "inf"}) {
    refused("error@", text, "a threshold; write, for instance, error@0.3");
    refused("f1@", text, "a threshold from 0 to 1; write, for instance, f1@0.3");
    refused("recall@fpr=", text, "a number from 0 to 1; write, for instance, recall@fpr=0.1");
  }
  refused("precision@", "100",
          "a threshold from 0 to 1; write, for instance, precision@0.3, or precision@k=100 for the 100 best "
          "rows");
  for (const std::string text : {"0", "1.5", "-3", "4294967296", "nan"}) {
    refused("precision@k=", text, "a whole number from 1; write, for instance, precision@k=100");
  }
  refused("precision@recall=", "1.01", "a number from 0 to 1; write, for instance, precision@recall=0.1");
  EXPECT_EQ(error_of("recall@fpr"),
            "[core.metric.unknown] metric 'recall@fpr': '' is not a number from 0 to 1; write, for instance, "
            "recall@fpr=0.1");
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

TEST(Auc, IsTheSameBitsWithAndWithoutRankingAllRows) {
  // Beside another metric of the ranking auc comes from the ranking; alone it counts pairs.
  std::mt19937 random(3);
  const std::vector<Metric> both = {metric_from_string("auc"), metric_from_string("ap")};
  for (const unsigned n_rows : {2U, 3U, 50U, 1000U, 20000U}) {
    for (const unsigned n_rare : {1U, 2U, 3U, 7U, 8U, 200U, 9000U}) {
      if (n_rare >= n_rows) continue;
      for (const float rare_label : {0.0F, 1.0F}) {
        Floats margins, labels;
        for (unsigned i = 0; i < n_rows; ++i) {
          const auto level = static_cast<int>(random() % (i % 2 == 0 ? 5 : 1000));  // many ties, and few
          margins.push_back(std::copysign(static_cast<float>(level), random() % 2 == 0 ? 1.0F : -1.0F));
          labels.push_back(i < n_rare ? rare_label : 1 - rare_label);
        }
        EXPECT_EQ(value_of("auc", margins, labels), evaluate(both, kLogistic, margins, {.labels = labels})[0])
            << n_rare << " of " << n_rows;
      }
    }
  }
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

// Falling: 0.9 positive, 0.8 one of each class (a tie), 0.6 negative, 0.3 positive, 0.1 two negatives.
// Of 3 positives and 4 negatives, the thresholds find:
//   from    0.9  0.8  0.6  0.3  0.1
//   tp, fp  1,0  2,1  2,2  3,2  3,4
const Floats kTiedScores = {0.1F, 0.8F, 0.3F, 0.9F, 0.6F, 0.8F, 0.1F};
const Floats kTiedLabels = {0, 1, 1, 1, 0, 0, 0};

double score_value(std::string_view metric, const Floats& weights = {}) {
  return value_of(metric, kTiedScores, kTiedLabels, weights, kSquared);  // margins are the predictions
}

TEST(RecallAtFpr, TakesTheLastThresholdWithinTheRate) {
  EXPECT_EQ(score_value("recall@fpr=0"), 1.0 / 3);
  EXPECT_EQ(score_value("recall@fpr=0.24"), 1.0 / 3);  // a tie is not divided
  EXPECT_EQ(score_value("recall@fpr=0.25"), 2.0 / 3);  // exactly at the rate
  EXPECT_EQ(score_value("recall@fpr=0.5"), 1);
  EXPECT_EQ(score_value("recall@fpr=1"), 1);
  EXPECT_EQ(value_of("recall@fpr=0.4", {3, 2, 1}, {0, 1, 0}), 0);  // the best row costs 1/2 already
}

TEST(PrecisionAtRecall, TakesTheBestThresholdWithTheRecall) {
  EXPECT_EQ(score_value("precision@recall=0"), 1);
  EXPECT_EQ(score_value("precision@recall=0.5"), 2.0 / 3);
  EXPECT_EQ(score_value("precision@recall=0.7"), 3.0 / 5);
  EXPECT_EQ(score_value("precision@recall=1"), 3.0 / 5);
}

TEST(RecallAtPrecision, TakesTheBestThresholdWithThePrecision) {
  EXPECT_EQ(score_value("recall@precision=1"), 1.0 / 3);
  EXPECT_EQ(score_value("recall@precision=0.65"), 2.0 / 3);
  EXPECT_EQ(score_value("recall@precision=0.6"), 1);  // past 0.6, where precision is only 1/2
  EXPECT_EQ(value_of("recall@precision=0.9", {3, 2, 1}, {0, 1, 0}), 0);
}

TEST(PrecisionAtCount, TakesTiesInProportion) {
  EXPECT_EQ(score_value("precision@k=1"), 1);
  EXPECT_EQ(score_value("precision@k=2"), 1.5 / 2);  // half of the tie, which has one positive of two
  EXPECT_EQ(score_value("precision@k=3"), 2.0 / 3);
  EXPECT_EQ(score_value("precision@k=5"), 3.0 / 5);
  EXPECT_EQ(score_value("precision@k=6"), 3.0 / 6);
  EXPECT_EQ(score_value("precision@k=100"), 3.0 / 7);  // all rows
  EXPECT_EQ(value_of("precision@k=2", {1, 1}, {0, 0}), 0);
}

TEST(RankMetrics, CountWeight) {
  // In the order of kTiedScores; falling: 0.9 positive 2, 0.8 positive 3 and negative 1, 0.6 negative 4,
  // 0.3 positive 5, 0.1 negative 5. 10 positive, 10 negative.
  const Floats weights = {2, 3, 5, 2, 4, 1, 3};
  EXPECT_EQ(score_value("recall@fpr=0.1", weights), 0.5);
  EXPECT_EQ(score_value("recall@fpr=0.09", weights), 0.2);
  EXPECT_EQ(score_value("precision@recall=0.5", weights), 5.0 / 6);
  EXPECT_EQ(score_value("recall@precision=0.6", weights), 1);  // 10 of 15
  EXPECT_EQ(score_value("precision@k=4", weights), 3.5 / 4);   // 2, and half of the tie with 3 of 4
  EXPECT_EQ(score_value("precision@k=8", weights), 5.0 / 8);   // half of the negative that weighs 4
}

TEST(ThresholdMetrics, OfAHandCountedTable) {
  // From 0.6 on: 2 true positives, 2 false positives, 1 false negative, 2 true negatives. 0.6 as float32 is a
  // little above 0.6.
  EXPECT_EQ(score_value("precision@0.6"), 0.5);
  EXPECT_EQ(score_value("recall@0.6"), 2.0 / 3);
  EXPECT_EQ(score_value("f1@0.6"), 4.0 / 7);
  EXPECT_EQ(score_value("error@0.6"), 3.0 / 7);
  EXPECT_EQ(score_value("accuracy@0.6"), 4.0 / 7);
  EXPECT_DOUBLE_EQ(score_value("balanced_accuracy@0.6"), (2.0 / 3 + 0.5) / 2);
  EXPECT_DOUBLE_EQ(score_value("mcc@0.6"), (2 * 2 - 2 * 1) / std::sqrt(4.0 * 3 * 4 * 3));
  // Of probabilities, not margins: margin 0 is 0.5.
  EXPECT_EQ(value_of("recall", {0, -0.01F}, {1, 1}), 0.5);
}

TEST(ThresholdMetrics, OfAOneSidedTable) {
  EXPECT_TRUE(std::isnan(score_value("precision@1")));
  EXPECT_EQ(score_value("recall@1"), 0);
  EXPECT_EQ(score_value("f1@1"), 0);
  EXPECT_EQ(score_value("mcc@1"), 0);
  EXPECT_EQ(score_value("balanced_accuracy@1"), 0.5);
  EXPECT_TRUE(std::isnan(value_of("balanced_accuracy", {1, 2}, {1, 1})));
  EXPECT_TRUE(std::isnan(value_of("mcc", {}, {})));
}

TEST(Brier, IsTheMeanSquareOfProbabilities) {
  EXPECT_EQ(value_of("brier", {0, 0}, {0, 1}), 0.25);
  EXPECT_EQ(value_of("brier", {0.5F, 1}, {0, 1}, {3, 1}, kSquared), 0.1875);
}

TEST(CalibrationError, CutsBinsOfEqualWeight) {
  // One row a bin: gaps 0.25, 0.5 and eight times 0.
  EXPECT_EQ(
      value_of("ece", {0, 0, 0, 0, 0.25F, 0.5F, 1, 1, 1, 1}, {0, 0, 0, 0, 0, 1, 1, 1, 1, 1}, {}, kSquared),
      0.75 / 10);
  // In a bin, gaps of both signs make up for each other: 20 rows, two a bin.
  Floats scores(20, 0.0F), labels(20, 0.0F);
  scores[18] = scores[19] = 0.5F;
  labels[18] = 1;
  EXPECT_EQ(value_of("ece", scores, labels, {}, kSquared), 0);
  labels[19] = 1;
  EXPECT_EQ(value_of("ece", scores, labels, {}, kSquared), 0.5 / 10);
}

TEST(CalibrationError, SharesTiesAmongBins) {
  // A constant prediction is as good as its mean, whatever the order of the rows and however they are cut.
  EXPECT_EQ(value_of("ece", {0.5F, 0.5F, 0.5F, 0.5F}, {1, 1, 0, 0}, {}, kSquared), 0);
  EXPECT_DOUBLE_EQ(value_of("ece", Floats(7, 0.5F), {0, 0, 1, 0, 0, 0, 0}, {}, kSquared), 0.5 - 1.0 / 7);
  // Weight 15 at 1, all positive; 5 at 0, of which 2 positive, over the bins of weight 2: 2, 2 and half of
  // one. Each tie has gaps of one sign, so bins do not matter but for the shared one: 0.4 a unit of weight.
  EXPECT_DOUBLE_EQ(value_of("ece", {1, 0, 0}, {1, 1, 0}, {15, 2, 3}, kSquared), 5 * 0.4 / 20);
}

TEST(R2, IsTheShareOfVarianceExplained) {
  EXPECT_EQ(value_of("r2", {1, 2, 3}, {1, 2, 3}, {}, kSquared), 1);
  EXPECT_EQ(value_of("r2", {2, 2, 2}, {1, 2, 3}, {}, kSquared), 0);
  EXPECT_EQ(value_of("r2", {1, 2, 4}, {1, 2, 3}, {}, kSquared), 0.5);
  EXPECT_EQ(value_of("r2", {3, 2, 1}, {1, 2, 3}, {}, kSquared), -3);
  EXPECT_EQ(value_of("r2", {0, 2, 9}, {0, 2, 9}, {3, 1, 0}, kSquared), 1);
  EXPECT_DOUBLE_EQ(value_of("r2", {1, 4}, {0, 4}, {3, 1}, kSquared),
                   1 - (3.0 / 4) / 3);  // mean 1, variance 3
  EXPECT_TRUE(std::isnan(value_of("r2", {1, 2}, {5, 5}, {}, kSquared)));
}

TEST(Ranks, AreNotANumberWhenAClassIsAbsent) {
  for (const std::string name :
       {"auc", "ap", "recall@fpr=0.2", "precision@recall=0.5", "recall@precision=0.5"}) {
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {0, 0}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {1, 1}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {1, 2}, {0, 1}, {1, 0}))) << name;
    EXPECT_TRUE(std::isnan(value_of(name, {}, {}))) << name;
  }
}

TEST(Metric, IsNotANumberWithoutWeight) {
  for (const auto& names : {kRankMetrics, kThresholdMetrics, kLosses}) {
    for (const std::string& name : names) {
      EXPECT_TRUE(std::isnan(value_of(name, {}, {}))) << name;
      EXPECT_TRUE(std::isnan(value_of(name, {1}, {1}, {0}))) << name;
    }
  }
}

TEST(Metric, SeveralAtOnceAreWhatEachIs) {
  std::vector<Metric> metrics;
  for (const auto& names : {kRankMetrics, kThresholdMetrics, kLosses}) {
    for (const std::string& name : names) metrics.push_back(metric_from_string(name));
  }
  const auto values = evaluate(metrics, kLogistic, kTiedScores, {kTiedLabels});
  ASSERT_EQ(values.size(), metrics.size());
  for (std::size_t i = 0; i < metrics.size(); ++i) {
    EXPECT_EQ(values[i], evaluate(metrics[i], kLogistic, kTiedScores, {kTiedLabels})) << metrics[i].name();
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
  // mean_absolute_error, r2_score, precision_score and the like; the best of roc_curve and
  // precision_recall_curve. The tolerance is for sums in another order.
  struct Case {
    std::string metric;
    Objective objective;
    double plain, weighted;
  };
  const std::array<Case, 15> cases = {{
      {"logloss", kLogistic, 1.9483610723151228, 1.946930508677905},
      {"error@0.3", kLogistic, 0.5066, 0.5063666666666666},
      {"auc", kLogistic, 0.5455851203194069, 0.5460142419002123},
      {"ap", kLogistic, 0.35980599851292683, 0.36035009720749756},
      {"recall@fpr=0.1", kLogistic, 0.1462561231630511, 0.14692164179104478},
      {"precision@recall=0.2", kLogistic, 0.34375, 0.34434434434434436},
      {"recall@precision=0.3", kLogistic, 0.7095871238628412, 0.7260960820895522},
      {"precision@0.3", kLogistic, 0.30271622587562547, 0.30301947471859925},
      {"recall@0.3", kLogistic, 0.5927221833449965, 0.5932835820895522},
      {"f1@0.3", kLogistic, 0.40075703808847885, 0.40115110182520597},
      {"mcc@0.3", kLogistic, 0.042206334648327834, 0.04280230201791891},
      {"balanced_accuracy@0.3", kLogistic, 0.5231883109388102, 0.5235135236810718},
      {"r2", kSquared, -100.77070611828476, -100.75367067287353},
      {"rmse", kSquared, 4.557770247490131, 4.557707539358237},
      {"mae", kSquared, 3.94560625, 3.945442708333333},
  }};
  const Table table = make_table();
  for (const Case& c : cases) {
    EXPECT_NEAR(value_of(c.metric, table.margins, table.labels, {}, c.objective), c.plain,
                1e-12 * std::abs(c.plain))
        << c.metric;
    EXPECT_NEAR(value_of(c.metric, table.margins, table.labels, table.weights, c.objective), c.weighted,
                1e-12 * std::abs(c.weighted))
        << c.metric;
  }
}

TEST(Metric, WeightsOfOneChangeNoBit) {
  const Table table = make_table();
  const Floats ones(table.margins.size(), 1);
  for (const auto& names : {kRankMetrics, kThresholdMetrics, kLosses}) {
    for (const std::string& name : names) {
      EXPECT_EQ(value_of(name, table.margins, table.labels, ones),
                value_of(name, table.margins, table.labels))
          << name;
    }
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

}  // namespace
}  // namespace coppice
