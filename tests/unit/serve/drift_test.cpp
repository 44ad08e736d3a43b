#include <coppice/serve/drift.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <span>
#include <thread>
#include <vector>

namespace coppice::serve {
namespace {

using std::chrono::seconds;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr DriftMonitor::Clock::time_point kStart{seconds(1'000'000)};

/// `amount` in 20 bins of 5 training rows each, cut at 1, 2, .. 19; `country` DE 60, FR 30, other 10 times;
/// each with no missing value.
Model watched_model() {
  Model model;
  model.schema.features = {
      {.name = "amount"}, {.name = "country", .kind = FeatureKind::kCategorical, .categories = {"DE", "FR"}}};
  for (int cut = 1; cut < 20; ++cut) model.cuts.values.push_back(static_cast<float>(cut));
  model.cuts.offsets = {0, 19, 19};
  model.cuts.n_codes = {0, 3};
  model.bin_counts = {std::vector<std::uint32_t>(21, 5), {0, 60, 30, 10}};
  model.bin_counts[0][0] = 0;
  return model;
}

/// Rows of both features with predictions of 0.5.
struct Rows {
  std::vector<float> values;
  std::vector<float> predictions;

  void add(float amount, float country, std::size_t times = 1) {
    for (std::size_t i = 0; i < times; ++i) {
      values.insert(values.end(), {amount, country});
      predictions.push_back(0.5F);
    }
  }
};

/// One row in the middle of every tenth of `amount`; 6 of 10 DE, 3 FR, 1 other, as in training.
Rows training_like() {
  Rows rows;
  for (int i = 0; i < 10; ++i) rows.add(static_cast<float>(2 * i) + 0.5F, i < 6 ? 0 : i < 9 ? 1 : 2);
  return rows;
}

TEST(StabilityIndex, ByHand) {
  // (0.5 - 0.25) ln 2 + (0.5 - 0.75) ln(2/3)
  EXPECT_NEAR(
      *population_stability_index(std::vector<std::uint64_t>{5, 5}, std::vector<std::uint64_t>{25, 75}),
      0.25 * std::log(2.0) + 0.25 * std::log(1.5), 1e-15);  // the last bits of a sum of two terms
  EXPECT_EQ(
      population_stability_index(std::vector<std::uint64_t>{1, 3}, std::vector<std::uint64_t>{200, 600}), 0);
  // An empty group counts as a share of 1e-4: 0.5 ln 2 + (1e-4 - 0.5) ln 2e-4.
  EXPECT_NEAR(*population_stability_index(std::vector<std::uint64_t>{9, 0}, std::vector<std::uint64_t>{1, 1}),
              0.5 * std::log(2.0) + 0.4999 * std::log(5000.0), 1e-14);
  EXPECT_EQ(population_stability_index(std::vector<std::uint64_t>{0, 0}, std::vector<std::uint64_t>{0, 0}),
            std::nullopt);
  EXPECT_EQ(population_stability_index(std::vector<std::uint64_t>{0, 0}, std::vector<std::uint64_t>{1, 0}),
            std::nullopt);
}

TEST(Drift, NothingWhereNothingChanged) {
  DriftMonitor monitor(watched_model(), {});
  EXPECT_EQ(monitor.report(kStart).features[0].psi, std::nullopt);
  const Rows rows = training_like();
  monitor.record(0, rows.values, rows.predictions, kStart);
  const DriftReport report = monitor.report(kStart + seconds(10));
  EXPECT_EQ(report.rows, 10U);
  EXPECT_EQ(report.seconds, 10);
  ASSERT_EQ(report.features.size(), 2U);
  EXPECT_EQ(report.features[0].name, "amount");
  EXPECT_EQ(report.features[0].psi, 0);  // two bins of 5 rows make a group of a tenth
  EXPECT_EQ(report.features[1].psi, 0);
}

TEST(Drift, OfTheScore) {
  Model model = watched_model();
  model.score_reference = {.cuts = {0.25F, 0.75F}, .counts = {50, 30, 20}};
  DriftMonitor monitor(model, {});
  const Rows rows = training_like();
  std::vector<float> predictions(10, 0.1F);
  std::fill_n(predictions.begin(), 3, 0.25F);
  std::fill_n(predictions.begin() + 3, 2, 1.0F);
  monitor.record(0, rows.values, predictions, kStart);
  EXPECT_EQ(monitor.report(kStart).score->psi, 0);
  std::fill_n(predictions.begin(), 10, 0.1F);
  monitor.record(0, rows.values, predictions, kStart);
  // Half, three and two tenths against three quarters, 0.15 and 0.1.
  EXPECT_NEAR(*monitor.report(kStart).score->psi,
              0.25 * std::log(1.5) + 0.15 * std::log(2.0) + 0.1 * std::log(2.0), 1e-15);
}

TEST(Drift, ShiftedMissingAndUnknown) {
  DriftMonitor monitor(watched_model(), {});
  Rows rows;
  rows.add(kMissing, kMissing, 5);
  rows.add(100, 2, 5);  // in the highest tenth; the code of *other*
  monitor.record(0, rows.values, rows.predictions, kStart);
  const DriftReport report = monitor.report(kStart);
  const double half_missing = (0.5 - 1e-4) * std::log(0.5 / 1e-4);
  const double nine_empty_tenths = 9 * (1e-4 - 0.1) * std::log(1e-4 / 0.1);
  const double other = (0.5 - 0.1) * std::log(0.5 / 0.1);
  const double no_germany = (1e-4 - 0.6) * std::log(1e-4 / 0.6);
  const double no_france = (1e-4 - 0.3) * std::log(1e-4 / 0.3);
  EXPECT_NEAR(*report.features[0].psi, half_missing + nine_empty_tenths + other, 1e-13);
  EXPECT_NEAR(*report.features[1].psi, half_missing + no_germany + no_france + other, 1e-13);
  EXPECT_EQ(report.features[0].missing, 0.5);
  EXPECT_EQ(report.features[0].reference_missing, 0);
}

TEST(Drift, RowsLeaveWithTimeAndNumber) {
  DriftMonitor monitor(watched_model(), {.window = seconds(1200), .window_rows = 1200});
  const Rows rows = training_like();
  const auto record = [&](int second) {
    monitor.record(0, rows.values, rows.predictions, kStart + seconds(second));
  };
  record(0);
  record(50);   // the same twelfth
  record(100);  // the next one
  EXPECT_EQ(monitor.report(kStart + seconds(1199)).rows, 30U);
  EXPECT_EQ(monitor.report(kStart + seconds(1200)).rows, 10U);
  EXPECT_EQ(monitor.report(kStart + seconds(1300)).rows, 0U);
  EXPECT_EQ(monitor.report(kStart + seconds(1300)).features[0].psi, std::nullopt);
  for (int i = 0; i < 200; ++i) record(2000);  // a twelfth of the window is full with 100 rows
  EXPECT_EQ(monitor.report(kStart + seconds(2000)).rows, 1200U);
}

// Up to 64 rows of a batch are all counted, as rows that come alone are.
TEST(Drift, BatchesAreCountedAsTheirRowsAre) {
  Model model = watched_model();
  model.score_reference = {.cuts = {0.25F, 0.75F}, .counts = {50, 30, 20}};
  for (const std::size_t n_rows : {1, 2, 7, 63, 64}) {
    Rows rows;
    for (std::size_t i = 0; i < n_rows; ++i) {
      const auto number = static_cast<float>(i * i % 23);  // on the cuts, and beyond the last one
      rows.add(i % 5 == 3 ? kMissing : number, i % 7 == 6 ? kMissing : static_cast<float>(i % 4));
      rows.predictions.back() = number / 23;
    }
    DriftMonitor at_once(model, {}), one_by_one(model, {});
    at_once.record(0, rows.values, rows.predictions, kStart);
    for (std::size_t i = 0; i < n_rows; ++i) {
      one_by_one.record(0, std::span(rows.values).subspan(2 * i, 2),
                        std::span(rows.predictions).subspan(i, 1), kStart);
    }
    EXPECT_EQ(to_json(at_once.report(kStart)), to_json(one_by_one.report(kStart))) << n_rows << " rows";
  }
}

// Of a large batch 64 rows are looked at, each for its neighbours: half and half stays half and half.
TEST(Drift, LargeBatchesAreSampled) {
  DriftMonitor monitor(watched_model(), {});
  Rows rows;
  rows.add(0.5F, kMissing, 5000);
  rows.add(0.5F, 0, 5000);
  monitor.record(0, rows.values, rows.predictions, kStart);
  const DriftReport report = monitor.report(kStart);
  EXPECT_EQ(report.rows, 10000U);
  EXPECT_NEAR(report.features[1].missing, 0.5, 157.0 / 10000);  // one step of the sample
}

TEST(Drift, OneBinAndNoReference) {
  Model model = watched_model();
  model.cuts.values.clear();
  model.cuts.offsets = {0, 0, 0};
  model.bin_counts[0] = {0, 100};
  const Rows rows = training_like();
  DriftMonitor constant(model, {});
  constant.record(0, rows.values, rows.predictions, kStart);
  EXPECT_EQ(constant.report(kStart).features[0].psi, 0);
  model.bin_counts.clear();
  DriftMonitor imported(model, {});
  imported.record(0, rows.values, rows.predictions, kStart);
  EXPECT_TRUE(imported.report(kStart).features.empty());
}

TEST(Drift, WritersAndReadersAtOnce) {
  constexpr std::size_t kWriters = 2;
  constexpr std::size_t kCalls = 2000;
  DriftMonitor monitor(watched_model(), {.window_rows = 240'000, .n_writers = kWriters});
  const Rows rows = training_like();
  std::atomic<bool> is_done = false;
  std::thread reader([&] {
    while (!is_done) {
      // What is seen in the middle of a call may lack some rows, but never more than that.
      const DriftReport report = monitor.report(kStart);
      if (report.rows > 1000) {
        EXPECT_LT(*report.features[0].psi, 0.01);
      }
    }
  });
  std::vector<std::thread> writers;
  for (std::size_t w = 0; w < kWriters; ++w) {
    writers.emplace_back([&, w] {
      for (std::size_t i = 0; i < kCalls; ++i) monitor.record(w, rows.values, rows.predictions, kStart);
    });
  }
  for (std::thread& writer : writers) writer.join();
  is_done = true;
  reader.join();
  const DriftReport report = monitor.report(kStart);
  EXPECT_EQ(report.rows, kWriters * kCalls * 10);
  EXPECT_EQ(report.features[0].psi, 0);
}

TEST(Drift, Json) {
  DriftReport report{.rows = 2, .seconds = 1.5};
  report.features = {{"a", std::nullopt, 0.5, 0}};
  EXPECT_EQ(to_json(report),
            R"({"rows":2,"seconds":1.5,"score":null,"features":[{"name":"a","psi":null,"missing":0.5,)"
            R"("reference_missing":0.0}]})");
}

}  // namespace
}  // namespace coppice::serve
