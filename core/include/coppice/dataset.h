// A table in memory: typed columns, labels, weights.
#pragma once

#include <coppice/buffer.h>
#include <coppice/evaluation_columns.h>
#include <coppice/schema.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// Columns of one table. All arrays have `n_rows` entries.
struct Dataset {
  Schema schema;
  std::size_t n_rows = 0;
  /// `columns[f][row]`: the number, or the category code, of feature f; NaN is missing. Never infinite.
  std::vector<Buffer<float>> columns;
  Buffer<float> labels;   ///< empty when the table has no label
  Buffer<float> weights;  ///< empty when every row weighs 1; otherwise finite and >= 0
  SideColumns side;       ///< what some metrics look at

  [[nodiscard]] std::size_t n_features() const noexcept { return columns.size(); }
};

/// What metrics see of a table.
[[nodiscard]] EvaluationColumns evaluation_columns(const Dataset& data) noexcept;

/// Divides a table: part p holds the rows with parts[row] = p in their order; rows of no part below n_parts
/// are dropped. Dictionaries of categories are those of the first part, as a reader that had seen only this
/// part would make them: what only other parts hold is *other* there.
/// Shapes : parts [n_rows], n_parts from 1. Cost: one pass a column; a column of the whole table is gone
/// before
///          the next is divided, so the peak of memory is the table and one column.
[[nodiscard]] std::vector<Dataset> divide_rows(Dataset data, std::span<const std::uint8_t> parts,
                                               std::size_t n_parts);

/// Makes a data set of numeric features from a row-major matrix.
/// Shapes : values [n_rows, n_features] with n_rows = labels.size() (or values.size() / n_features when
///          labels is empty); names [n_features], or empty for `f0, f1, ...`.
/// Errors : core.dataset.shape when the sizes disagree, core.dataset.infinite for an infinite value.
/// Cost   : one pass, values are copied.
[[nodiscard]] Dataset make_dataset(std::span<const float> values, std::size_t n_features,
                                   std::span<const float> labels, std::vector<std::string> names = {});

}  // namespace coppice
