// Scoring speed of 100 full trees of depth 6 over 30 features, by instruction set: one row at a time (each
// call waits for the one before it), and batches from raw floats on one thread. Before anything is timed,
// every score is compared with the naive walk.
#include "scoring/engine.h"

#include <benchmark/benchmark.h>
#include <coppice/model.h>
#include <coppice/scorer.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "full_trees.h"

namespace coppice {
namespace {

using bench::kFeatures;
using bench::number;

constexpr std::size_t kRows = 16384;

struct Workload {
  Model model;
  std::vector<float> rows;                  // [kRows, kFeatures]
  std::vector<std::vector<float>> columns;  // [kFeatures, kRows]
  std::vector<const float*> column_pointers;
};

Workload make_workload() {
  std::mt19937_64 random(1729);
  Workload workload;
  workload.model = bench::make_model(random);
  workload.columns.resize(kFeatures);
  for (std::size_t i = 0; i < kRows * kFeatures; ++i) {
    const bool is_missing = random() % 100 == 0;
    workload.rows.push_back(is_missing ? std::numeric_limits<float>::quiet_NaN() : number(random));
    workload.columns[i % kFeatures].push_back(workload.rows.back());
  }
  for (const std::vector<float>& column : workload.columns) workload.column_pointers.push_back(column.data());
  return workload;
}

const Workload& workload() {
  static const Workload workload = make_workload();
  return workload;
}

std::span<const float> row(std::size_t i) { return {&workload().rows[i * kFeatures], kFeatures}; }

Scorer scorer_for(scoring::Isa isa) {
  scoring::force_isa(isa);
  Scorer scorer(workload().model);
  scoring::force_isa(std::nullopt);
  return scorer;
}

// Does an instruction set give the bits of the naive walk, in every way of scoring?
bool is_right(scoring::Isa isa) {
  const Scorer scorer = scorer_for(isa);
  std::vector<float> expected;
  std::vector<float> single;
  for (std::size_t i = 0; i < kRows; ++i) {
    expected.push_back(predict_margin(workload().model, row(i)));
    single.push_back(scorer.score(row(i), Output::kMargin));
  }
  std::vector<float> by_rows(kRows);
  std::vector<float> by_columns(kRows);
  scorer.score_rows(workload().rows, by_rows, Output::kMargin);
  scorer.score_columns(workload().column_pointers, 0, by_columns, Output::kMargin);
  const auto same = [&](const std::vector<float>& scores) {
    return std::ranges::equal(scores, expected, {}, std::bit_cast<std::uint32_t, float>,
                              std::bit_cast<std::uint32_t, float>);
  };
  return same(single) && same(by_rows) && same(by_columns);
}

void score_one(benchmark::State& state, scoring::Isa isa, Output output) {
  const Scorer scorer = scorer_for(isa);
  std::size_t i = 0;
  while (state.KeepRunning()) {
    const float score = scorer.score(row(i), output);
    benchmark::DoNotOptimize(score);
    i = (i + 1 + static_cast<std::size_t>(score > 1e30F)) % kRows;  // the next row depends on this score
  }
}

void score_rows(benchmark::State& state, scoring::Isa isa, Output output) {
  const Scorer scorer = scorer_for(isa);
  std::vector<float> scores(kRows);
  while (state.KeepRunning()) {
    scorer.score_rows(workload().rows, scores, output);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

void score_columns(benchmark::State& state, scoring::Isa isa, Output output) {
  const Scorer scorer = scorer_for(isa);
  std::vector<float> scores(kRows);
  while (state.KeepRunning()) {
    scorer.score_columns(workload().column_pointers, 0, scores, output);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

void naive_walk(benchmark::State& state) {
  std::size_t i = 0;
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(predict_margin(workload().model, row(i)));
    i = (i + 1) % kRows;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

void register_benchmarks(scoring::Isa isa, const std::string& name) {
  const auto add = [&](const char* what, auto function) {
    benchmark::RegisterBenchmark((std::string(what) + "/" + name + "/margin").c_str(), function, isa,
                                 Output::kMargin);
    benchmark::RegisterBenchmark((std::string(what) + "/" + name + "/prediction").c_str(), function, isa,
                                 Output::kPrediction);
  };
  add("one_row", score_one);
  add("rows", score_rows);
  add("columns", score_columns);
}

}  // namespace
}  // namespace coppice

int main(int argc, char** argv) {
  using coppice::scoring::Isa;
  benchmark::RegisterBenchmark("naive_walk", coppice::naive_walk);
  constexpr std::array kIsas{std::pair{Isa::kScalar, "scalar"}, std::pair{Isa::kAvx2, "avx2"},
                             std::pair{Isa::kAvx512, "avx512"}};
  for (const auto& [isa, name] : kIsas) {
    if (!coppice::scoring::is_supported(isa)) continue;
    if (!coppice::is_right(isa)) {
      std::fprintf(stderr, "the scores of %s differ from the naive walk\n", name);
      return 1;
    }
    coppice::register_benchmarks(isa, name);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
