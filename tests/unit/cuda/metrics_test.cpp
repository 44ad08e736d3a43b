// Metrics that are worked out on the device have the bits of coppice::evaluate.
#include "cuda/metrics.h"

#include <coppice/metric.h>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "cuda_runtime.h"
#include "reference/random_problem.h"

namespace coppice::kernels::cuda {
namespace {

using reference::Random;

/// Rows that are watched, with their margins.
struct Case {
  std::vector<float> margins, labels, weights;
  Objective objective = Objective::kBinaryLogistic;
};

std::vector<Metric> metrics_of(std::initializer_list<const char*> names) {
  std::vector<Metric> metrics;
  for (const char* name : names) metrics.push_back(metric_from_string(name));
  return metrics;
}

const std::vector<Metric>& sums() {
  static const std::vector<Metric> metrics =
      metrics_of({"logloss", "error", "error@0.1", "accuracy@0.2", "balanced_accuracy", "precision@0.9",
                  "recall", "f1@0.01", "mcc", "brier", "rmse", "mae", "r2"});
  return metrics;
}
const std::vector<Metric>& ranks() {
  static const std::vector<Metric> metrics = metrics_of({"auc", "ap"});
  return metrics;
}
const std::vector<Metric>& left_to_core() {
  static const std::vector<Metric> metrics = metrics_of({"ece", "recall@fpr=0.1", "precision@k=10"});
  return metrics;
}

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
  }
  return c;
}

void expect_equal_bits(const Case& c, std::uint64_t seed) {
  SCOPED_TRACE(std::to_string(c.labels.size()) + " rows, seed " + std::to_string(seed));
  cuda_executor::settings() = {.seed = seed, .fill = static_cast<unsigned char>(seed * 37), .processors = 2};
  std::vector<Metric> metrics = sums();
  metrics.insert(metrics.end(), ranks().begin(), ranks().end());
  metrics.insert(metrics.end(), left_to_core().begin(), left_to_core().end());
  const WatchedRows watched{0, c.labels, c.weights};
  const SessionData data{.bins = nullptr,
                         .labels = {},
                         .weights = {},
                         .evaluation = {},
                         .metrics = metrics,
                         .watched = {&watched, 1}};
  const Stream stream;
  WatchedMetrics on_device(stream, data, c.objective);
  const auto margins = upload(stream, std::span(c.margins));
  const auto values = on_device.evaluate(stream, 0, margins.data());
  const auto expected = evaluate(metrics, c.objective, c.margins, {.labels = c.labels, .weights = c.weights});
  ASSERT_EQ(values.size(), metrics.size());
  for (std::size_t m = 0; m < metrics.size(); ++m) {
    const bool is_here = m < sums().size() || (m < sums().size() + ranks().size() && c.weights.empty());
    ASSERT_EQ(values[m].has_value(), is_here) << metrics[m].name();
    if (!is_here) continue;
    EXPECT_EQ(std::bit_cast<std::uint64_t>(*values[m]), std::bit_cast<std::uint64_t>(expected[m]))
        << metrics[m].name() << ": " << *values[m] << ", not " << expected[m];
  }
  cuda_executor::settings() = {};
}

/// Sizes at the edges of blocks, rare and common positives, ties, weights with zeros among them.
TEST(WatchedMetrics, HaveTheBitsOfCore) {
#if defined(COPPICE_FEW_CASES)
  const std::vector<std::size_t> sizes = {1, 1025};
#else
  const std::vector<std::size_t> sizes = {1, 2, 3, 255, 1023, 1024, 1025, 2049, 5000};
#endif
  std::uint64_t seed = 0;
  for (const std::size_t n : sizes)
    for (const double positive_share : {0.02, 0.5, 0.9})
      for (const bool few_values : {false, true})
        for (const bool has_weights : {false, true}) {
          ++seed;
          expect_equal_bits(random_case(n, seed, positive_share, few_values, has_weights), seed);
          if (HasFatalFailure()) return;
        }
}

TEST(WatchedMetrics, OfOneClassAndOfNoWeight) {
  for (const double positive_share : {0.0, 1.0})
    expect_equal_bits(random_case(300, 1, positive_share, false, false), 1);
  Case weightless = random_case(300, 2, 0.5, false, true);
  for (float& weight : weightless.weights) weight = 0;
  expect_equal_bits(weightless, 2);
}

TEST(WatchedMetrics, OfExtremeMargins) {
  Case c;
  const float largest = std::numeric_limits<float>::max();
  for (const float margin : {0.0F, -0.0F, 36.9F, -36.9F, 89.0F, -105.0F, 1e30F, largest, -largest, 1e-40F})
    for (const float label : {0.0F, 1.0F}) {
      c.margins.push_back(margin);
      c.labels.push_back(label);
    }
  expect_equal_bits(c, 3);
}

TEST(WatchedMetrics, OfSquaredError) {
  for (const bool has_weights : {false, true}) {
    Case c = random_case(1500, 4, 0.3, false, has_weights);
    c.objective = Objective::kSquaredError;
    for (std::size_t i = 0; i < c.labels.size(); ++i) c.labels[i] += 0.01F * static_cast<float>(i % 100);
    expect_equal_bits(c, 4);
    for (float& label : c.labels) label = 7;  // no variance: r2 is not a number
    expect_equal_bits(c, 5);
  }
}

}  // namespace
}  // namespace coppice::kernels::cuda
