// Scores of a whole table, by threads.
#pragma once

#include <coppice/dataset.h>
#include <coppice/scorer.h>

#include <cstdint>
#include <vector>

namespace coppice::cli {

/// Scores [n_rows] in row order. threads 0: all cores.
[[nodiscard]] std::vector<float> score_table(const Scorer& scorer, const Dataset& data, Output output,
                                             int threads);

/// Leaf indices, row-major [n_rows, n_trees].
[[nodiscard]] std::vector<std::int32_t> leaves_of_table(const Scorer& scorer, const Dataset& data,
                                                        int threads);

}  // namespace coppice::cli
