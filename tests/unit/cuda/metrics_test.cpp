// Metrics that are worked out on the device have the bits of coppice::evaluate.
#include "cuda/metrics.h"

#include <coppice/metric.h>

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "cuda_runtime.h"
#include "reference/random_problem.h"

namespace coppice::kernels::cuda {
namespace {

using reference::Random;

/// Rows that are watched, with their margins.
struct Case {
  std::vector<float> margins, labels, weights, amounts;
  std::vector<std::uint32_t> groups, days;
  Objective objective = Objective::kBinaryLogistic;
  [[nodiscard]] EvaluationColumns columns() const { return {labels, weights, amounts, groups, days}; }
};

/// Of names with spaces between.
std::vector<Metric> metrics_of(const std::string& names) {
  std::vector<Metric> metrics;
  std::istringstream stream(names);
  for (std::string name; stream >> name;) metrics.push_back(metric_from_string(name));
  return metrics;
}

const std::vector<Metric>& all_metrics() {
  static const std::vector<Metric> metrics = metrics_of(
      "logloss error error@0.1 accuracy@0.2 balanced_accuracy precision@0.9 recall f1@0.01 mcc brier rmse "
      "mae r2 "
      "auc ap recall@fpr=0.1 precision@recall=0.7 recall@precision=0.5 precision@k=10 ece cost@0.3 min_cost "
      "amount_recall@0.1 amount_recall@fpr=0.1 "
      "card_precision@k=1 card_precision@k=20 card_precision@k=1000");
  return metrics;
}
/// One of each way in which ranks are folded.
const std::vector<Metric>& few_metrics() {
  static const std::vector<Metric> metrics = metrics_of("auc ap recall@fpr=0.1 ece");
  return metrics;
}

/// What a metric is compared under.
struct Setting {
  std::vector<Metric> metrics = all_metrics();
  Costs costs = {.false_positive = 7};  ///< a miss costs its amount
};

/// few_values: margins are tied.
Case random_case(std::size_t n, std::uint64_t seed, double positive_share, bool few_values,
                 bool has_weights) {
  Random random(seed);
  Case c;
  for (std::size_t i = 0; i < n; ++i) {
    const double label = random.uniform() < positive_share ? 1 : 0;
    const double margin = 6 * (random.uniform() - 0.5) + label;
    c.margins.push_back(
        static_cast<float>(few_values ? static_cast<double>(static_cast<int>(2 * margin)) : margin));
    c.labels.push_back(static_cast<float>(label));
    if (has_weights)
      c.weights.push_back(static_cast<float>(random.uniform() < 0.1 ? 0 : 3 * random.uniform()));
    c.amounts.push_back(static_cast<float>(random.uniform() < 0.2 ? 0 : 99.99 * random.uniform()));
    c.groups.push_back(static_cast<std::uint32_t>(0.1 * random.uniform() * static_cast<double>(n)));
    c.days.push_back(static_cast<std::uint32_t>(9 * random.uniform()));
  }
  return c;
}

void expect_equal_bits(const Case& c, std::uint64_t seed, const Setting& setting = {}) {
  SCOPED_TRACE(std::to_string(c.labels.size()) + " rows, seed " + std::to_string(seed));
  cuda_executor::settings() = {.seed = seed, .fill = static_cast<unsigned char>(seed * 37), .processors = 2};
  const auto& [metrics, costs] = setting;
  const WatchedRows watched{0, c.columns()};
  const SessionData data{.bins = nullptr,
                         .labels = {},
                         .weights = {},
                         .evaluation = {},
                         .metrics = metrics,
                         .watched = {&watched, 1}};
  Parameters parameters;
  parameters.objective = c.objective;
  parameters.cost_fp = costs.false_positive;
  parameters.cost_fn = costs.false_negative;
  parameters.cost_review = costs.review;
  const Stream stream;
  WatchedMetrics on_device(stream, data, parameters);
  const auto margins = upload(stream, std::span(c.margins));
  const auto values = on_device.evaluate(stream, 0, margins.data());
  const auto expected = evaluate(metrics, c.objective, c.margins, c.columns(), costs);
  ASSERT_EQ(values.size(), metrics.size());
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(values[m]), std::bit_cast<std::uint64_t>(expected[m]))
        << metrics[m].name() << ": " << values[m] << ", not " << expected[m];
  }
  cuda_executor::settings() = {};
}

/// Sizes at the edges of blocks, rare and common positives, ties, weights with zeros among them.
TEST(WatchedMetrics, HaveTheBitsOfCore) {
#if defined(COPPICE_FEW_CASES)
  const std::vector<std::size_t> sizes = {1, 1025};
#else
  const std::vector<std::size_t> sizes = {1, 2, 511, 512, 513, 1024, 1025, 3000};
#endif
  std::uint64_t seed = 0;
  for (const std::size_t n : sizes)
    for (const double positive_share : {0.02, 0.5, 0.9})
      for (const bool few_values : {false, true}) {
        ++seed;
        const bool has_weights = seed % 3 != 0;
        expect_equal_bits(random_case(n, seed, positive_share, few_values, has_weights), seed);
        if (HasFatalFailure()) return;
      }
}

/// Chunks of ranks that begin in the middle of a tie, at its end, and that are a part of one tie only.
TEST(WatchedMetrics, OfTiesAcrossChunks) {
  for (const std::size_t tie : {256, 512, 700, 1500}) {
    Case c = random_case(2500, tie, 0.3, false, true);
    for (std::size_t i = 0; i < c.margins.size(); ++i) c.margins[i] = static_cast<float>(i / tie);
    expect_equal_bits(c, tie, {.metrics = few_metrics()});
  }
}

#if !defined(COPPICE_FEW_CASES)
/// More chunks than blocks leave results, and than are added up in one step.
TEST(WatchedMetrics, OfManyChunks) {
  expect_equal_bits(random_case(512 * 512 + 77, 6, 0.3, false, true), 6, {.metrics = few_metrics()});
}
#endif

/// A table of `n_days` days with so many cards each, a row for each and one more for every third; every
/// `period`-th card is compromised, on some days. Fewer scores than cards: ties.
Case cards_case(std::uint32_t n_days, std::uint32_t n_cards, std::uint32_t period, bool has_weights) {
  Random random(n_days + n_cards + period);
  Case c;
  for (std::uint32_t day = 0; day < n_days; ++day)
    for (std::uint32_t i = 0; i < n_cards + n_cards / 3; ++i) {
      const std::uint32_t card = i % n_cards;
      c.groups.push_back(card);
      c.days.push_back(2 * day + 3);  // not every number is a day
      c.labels.push_back(card % period == 0 && random.uniform() < 0.5 ? 1 : 0);
      c.margins.push_back(static_cast<float>(static_cast<int>(n_cards * random.uniform() / 4)) - 20);
      c.amounts.push_back(1);
      if (has_weights)
        c.weights.push_back(static_cast<float>(random.uniform() < 0.2 ? 0 : 3 * random.uniform()));
    }
  return c;
}

/// Few cards and many, more than a block looks at together; of which few or all are compromised, so that most
/// are found early and a day's walk goes far; investigators with time for one, for some and for all.
TEST(WatchedMetrics, OfCards) {
#if defined(COPPICE_FEW_CASES)
  const std::vector<std::uint32_t> sizes = {300};
#else
  const std::vector<std::uint32_t> sizes = {1, 3, 40, 256, 257, 700};
#endif
  const Setting setting{.metrics = metrics_of("card_precision@k=1 card_precision@k=7 card_precision@k=100 "
                                              "card_precision@k=256 card_precision@k=5000")};
  std::uint64_t seed = 0;
  for (const std::uint32_t n_cards : sizes)
    for (const std::uint32_t n_days : {1U, 2U, 5U, 16U, 17U})
      for (const std::uint32_t period : {1U, 5U, 1000U}) {
        ++seed;
        const Case c = cards_case(n_days, n_cards, period, seed % 2 == 0);
        expect_equal_bits(c, seed, setting);
        if (HasFatalFailure()) return;
      }
}

/// Thresholds that no tie reaches, the first and the last reach, and counts within, at and past the rows.
TEST(WatchedMetrics, OfArgumentsAtTheEdges) {
  const Setting setting{
      .metrics =
          metrics_of("recall@fpr=0 recall@fpr=1 precision@recall=0 precision@recall=1 recall@precision=0 "
                     "recall@precision=1 precision@k=1 precision@k=512 precision@k=700 "
                     "precision@k=100000 amount_recall@fpr=0")};
  for (const bool has_weights : {false, true})
    expect_equal_bits(random_case(700, 9, 0.3, false, has_weights), 9, setting);
}

/// Weights and amounts of very different sizes: the light ones are rounded, on both sides alike.
TEST(WatchedMetrics, OfWeightsOfAllSizes) {
  Case c = random_case(1500, 7, 0.3, false, true);
  for (std::size_t i = 0; i < c.weights.size(); ++i) {
    c.weights[i] = std::ldexp(c.weights[i], static_cast<int>(i % 160) - 80);
    c.amounts[i] = std::ldexp(c.amounts[i], static_cast<int>(i % 90) - 45);
  }
  expect_equal_bits(c, 7);
}

TEST(WatchedMetrics, OfFixedCostsWithAndWithoutAmounts) {
  const Setting setting{.metrics = metrics_of("cost@0.3 min_cost"),
                        .costs = {.false_positive = 1.5, .false_negative = 20, .review = 0.25}};
  Case c = random_case(1500, 8, 0.1, false, true);
  expect_equal_bits(c, 8, setting);
  c.amounts.clear();
  expect_equal_bits(c, 8, setting);
}

TEST(WatchedMetrics, OfOneClassAndOfNoWeight) {
  for (const double positive_share : {0.0, 1.0})
    expect_equal_bits(random_case(300, 1, positive_share, false, false), 1);
  Case c = random_case(300, 2, 0.5, false, true);
  for (float& amount : c.amounts) amount = 0;
  expect_equal_bits(c, 2);
  for (float& weight : c.weights) weight = 0;
  expect_equal_bits(c, 2);
}

TEST(WatchedMetrics, OfExtremeMargins) {
  Case c;
  const float largest = std::numeric_limits<float>::max();
  for (const float margin : {0.0F, -0.0F, 36.9F, -36.9F, 89.0F, -105.0F, 1e30F, largest, -largest, 1e-40F})
    for (const float label : {0.0F, 1.0F}) {
      c.margins.push_back(margin);
      c.labels.push_back(label);
      c.amounts.push_back(2);
      c.groups.push_back(static_cast<std::uint32_t>(c.groups.size() % 7));
      c.days.push_back(static_cast<std::uint32_t>(c.days.size() % 3));
    }
  expect_equal_bits(c, 3);
}

/// Predictions of all sizes, of one sign and of both; 0 alone has no size.
TEST(WatchedMetrics, OfSquaredError) {
#if defined(COPPICE_FEW_CASES)
  const std::vector<float> factors = {1e30F};
#else
  const std::vector<float> factors = {1e-40F, 1e-3F, 1e5F, 1e30F, 0.0F};
#endif
  for (const bool has_weights : {false, true}) {
    Case c = random_case(1500, 4, 0.3, false, has_weights);
    c.objective = Objective::kSquaredError;
    for (std::size_t i = 0; i < c.labels.size(); ++i) c.labels[i] += 0.01F * static_cast<float>(i % 100);
    expect_equal_bits(c, 4);
    for (const float factor : factors) {
      Case scaled = c;
      for (float& margin : scaled.margins) margin *= factor;
      expect_equal_bits(scaled, 6, {.metrics = few_metrics()});
      for (float& margin : scaled.margins) margin = -std::abs(margin);
      expect_equal_bits(scaled, 7, {.metrics = few_metrics()});
    }
    for (float& label : c.labels) label = 7;  // no variance: r2 is not a number
    expect_equal_bits(c, 5);
  }
}

}  // namespace
}  // namespace coppice::kernels::cuda
