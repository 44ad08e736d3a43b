// Statistics of one column, for a first look at a table.
#pragma once

#include <coppice/schema.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace coppice::cli {

/// What `describe` tells of a numeric column. Quartiles are interpolated linearly between neighbours, the
/// standard deviation is that of a sample (n - 1); NaN where there are too few values.
struct NumericSummary {
  double mean = 0, deviation = 0;
  double min = 0, lower_quartile = 0, median = 0, upper_quartile = 0, max = 0;
};

/// A text, or a number, and how many rows have it.
struct ValueCount {
  std::string value;
  std::uint64_t rows = 0;
};

struct ColumnSummary {
  std::string name;
  FeatureKind kind = FeatureKind::kNumeric;
  std::uint64_t count = 0;  ///< rows with a value
  std::uint64_t missing = 0;
  std::uint64_t distinct = 0;  ///< of a categorical column: those in the dictionary
  NumericSummary numbers;      ///< numeric columns
  /// Rows by value: of a numeric column with at most 20 of them, by rising value; of a categorical one the
  /// most frequent first, rows beyond the dictionary under `(other)` at the end.
  std::vector<ValueCount> values;
};

/// Cost: sorts a copy of a numeric column.
[[nodiscard]] ColumnSummary summarize(const Feature& feature, std::span<const float> column);

}  // namespace coppice::cli
