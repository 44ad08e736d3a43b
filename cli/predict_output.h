// What coppice predict can say about a row, as columns of a CSV.
#pragma once

#include <coppice/dataset.h>
#include <coppice/io/csv_writer.h>
#include <coppice/model.h>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "scores.h"

namespace coppice::cli {

/// The kinds of output, by name.
inline constexpr std::array<std::string_view, 7> kOutputNames = {
    "prediction", "probability", "label", "margin", "leaf", "contributions", "reasons"};

struct OutputOptions {
  double threshold = 0.5;      ///< of label
  std::size_t n_reasons = 3;   ///< at most as many are shown as the model has features
  std::string device = "cpu";  ///< for scores: `cuda` and `cuda:N` score the whole table at once
  int threads = 0;
};

/// Columns of one kind of output. Rows are taken in stretches, so that memory does not grow with the table.
struct OutputColumns {
  std::vector<std::string> names;
  /// Computes what these rows need.
  std::function<void(const RowRange&)> compute;
  /// Writes the fields of row range.first + i of the range that was computed last.
  std::function<void(io::CsvWriter&, std::size_t i)> write;
};

/// The columns that `name`, one of kOutputNames, stands for: `score`, `label` or `margin`, `leaf_0` and so
/// on, `contribution_FEATURE` and `bias`, `reason_1` and `reason_1_contribution` and so on. Model and data
/// must outlive them. Errors: cli.usage when the model has no such output; what Scorer and Explainer raise.
[[nodiscard]] OutputColumns make_output(std::string_view name, const Model& model, const Dataset& data,
                                        const OutputOptions& options);

}  // namespace coppice::cli
