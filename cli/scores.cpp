#include "scores.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

#include "threads.h"

namespace coppice::cli {
namespace {

/// Calls work(first, last) for stretches of the rows, shared by threads.
void share_rows(std::size_t n_rows, int threads, const std::function<void(std::size_t, std::size_t)>& work) {
  constexpr std::size_t kStretch = 4096;  // fewer are done before a thread has started
  for_each_index((n_rows + kStretch - 1) / kStretch, threads,
                 [&](std::size_t i) { work(i * kStretch, std::min(n_rows, (i + 1) * kStretch)); });
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
