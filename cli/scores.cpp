#include "scores.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <thread>

namespace coppice::cli {
namespace {

/// Calls work(first, last) for equal stretches of the rows, each in a thread of its own.
void share_rows(std::size_t n_rows, int threads, const std::function<void(std::size_t, std::size_t)>& work) {
  constexpr std::size_t kMinRows = 4096;  // fewer are done before a thread has started
  const std::size_t wanted =
      threads > 0 ? static_cast<std::size_t>(threads) : std::thread::hardware_concurrency();
  const std::size_t n_threads =
      std::clamp<std::size_t>(n_rows / kMinRows, 1, std::max<std::size_t>(wanted, 1));
  std::vector<std::jthread> workers;
  for (std::size_t t = 1; t < n_threads; ++t) {
    workers.emplace_back(work, n_rows * t / n_threads, n_rows * (t + 1) / n_threads);
  }
  work(0, n_rows / n_threads);
}

}  // namespace

std::vector<float> score_table(const Scorer& scorer, const Dataset& data, Output output, int threads) {
  std::vector<const float*> columns;
  for (const Buffer<float>& column : data.columns) columns.push_back(column.data());
  std::vector<float> scores(data.n_rows);
  share_rows(data.n_rows, threads, [&](std::size_t first, std::size_t last) {
    scorer.score_columns(columns, first, std::span(scores).subspan(first, last - first), output);
  });
  return scores;
}

std::vector<std::int32_t> leaves_of_table(const Scorer& scorer, const Dataset& data, int threads) {
  const std::size_t n_trees = scorer.n_trees();
  std::vector<std::int32_t> leaves(data.n_rows * n_trees);
  share_rows(data.n_rows, threads, [&](std::size_t first, std::size_t last) {
    std::vector<float> row(data.n_features());
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t f = 0; f < row.size(); ++f) row[f] = data.columns[f][i];
      scorer.leaves(row, std::span(leaves).subspan(i * n_trees, n_trees));
    }
  });
  return leaves;
}

}  // namespace coppice::cli
