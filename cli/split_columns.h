// What a split looks at, out of a table.
#pragma once

#include <coppice/io/csv_rows.h>
#include <coppice/io/time_text.h>
#include <coppice/tune/split.h>

#include <cstdint>
#include <string>
#include <vector>

namespace coppice::cli {

/// Names or indices of columns; empty where there is none.
struct SplitColumnNames {
  std::string label;
  std::string time;
  std::string group;
};

/// The columns of a split in numbers: [n_rows] each, empty without such a column.
struct SplitTable {
  std::size_t n_rows = 0;
  std::vector<std::string> class_names;  ///< in order of first appearance
  std::vector<std::uint32_t> classes;    ///< indices into class_names
  io::TimeScale scale = io::TimeScale::kNumber;
  std::vector<double> times;
  std::vector<std::uint64_t> groups;

  [[nodiscard]] tune::SplitColumns columns() const { return {n_rows, classes, times, groups}; }
};

/// Reads the columns in one pass. A label of more different texts than a table of classes can have leaves
/// `classes` empty and the first of its texts in class_names.
/// Errors: io.csv.column_unknown; cli.split.time, with file, line and text.
[[nodiscard]] SplitTable read_split_table(const io::CsvRows& rows, const SplitColumnNames& names);

/// More than this many different labels are quantities, not classes.
inline constexpr std::size_t kMaxClasses = 256;

/// One line for standard error about the columns of a table that look like a time or an id and that the split
/// does not use; empty when there is none. The rule is in docs/splits.md: the last word of the name decides.
/// used: names, no indices.
[[nodiscard]] std::string note_on_unused_columns(const std::vector<std::string>& names,
                                                 const SplitColumnNames& used);

}  // namespace coppice::cli
