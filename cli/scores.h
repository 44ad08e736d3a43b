// Scores of a table, by threads.
#pragma once

#include <coppice/dataset.h>
#include <coppice/scorer.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace coppice::cli {

/// Rows [first, last) of a table.
struct RowRange {
  std::size_t first = 0;
  std::size_t last = 0;
  [[nodiscard]] std::size_t size() const noexcept { return last - first; }
};

/// Scores [rows.size()] in row order. threads 0: all cores.
void score_range(const Scorer& scorer, const Dataset& data, const RowRange& rows, Output output, int threads,
                 std::span<float> scores);

/// Scores [n_rows] of the whole table.
[[nodiscard]] std::vector<float> score_table(const Scorer& scorer, const Dataset& data, Output output,
                                             int threads);

/// Calls work(i, row) for the rows first + i of a range, shared by threads. row [n_features].
void for_each_row(const Dataset& data, const RowRange& rows, int threads,
                  const std::function<void(std::size_t i, std::span<const float> row)>& work);

}  // namespace coppice::cli
