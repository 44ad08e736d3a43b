#include "scores.h"

#include <coppice/detail/threads.h>

#include <algorithm>

namespace coppice::cli {
namespace {

/// Calls work(stretch) for stretches of the rows, shared by threads.
void share_rows(const RowRange& rows, int threads, const std::function<void(const RowRange&)>& work) {
  constexpr std::size_t kStretch = 4096;  // fewer are done before a thread has started
  detail::parallel_for(threads, (rows.size() + kStretch - 1) / kStretch, [&](std::size_t i) {
    const std::size_t first = rows.first + i * kStretch;
    work({first, std::min(rows.last, first + kStretch)});
  });
}

}  // namespace

void score_range(const Scorer& scorer, const Dataset& data, const RowRange& rows, Output output, int threads,
                 std::span<float> scores) {
  std::vector<const float*> columns;
  for (const Buffer<float>& column : data.columns) columns.push_back(column.data());
  share_rows(rows, threads, [&](const RowRange& stretch) {
    scorer.score_columns(columns, stretch.first, scores.subspan(stretch.first - rows.first, stretch.size()),
                         output);
  });
}

std::vector<float> score_table(const Scorer& scorer, const Dataset& data, Output output, int threads) {
  std::vector<float> scores(data.n_rows);
  score_range(scorer, data, {0, data.n_rows}, output, threads, scores);
  return scores;
}

void for_each_row(const Dataset& data, const RowRange& rows, int threads,
                  const std::function<void(std::size_t i, std::span<const float> row)>& work) {
  share_rows(rows, threads, [&](const RowRange& stretch) {
    std::vector<float> row(data.n_features());
    for (std::size_t i = stretch.first; i < stretch.last; ++i) {
      for (std::size_t f = 0; f < row.size(); ++f) row[f] = data.columns[f][i];
      work(i - rows.first, row);
    }
  });
}

}  // namespace coppice::cli
