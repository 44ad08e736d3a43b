// The records of a CSV as they stand in the file.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::io {

/// The raw records of one or more CSV files with the same columns, for copying rows verbatim. Paths and text
/// are what read_csv takes. Every visit reads the files anew and holds a few megabytes of them, gzip or not;
/// only what cannot be read twice, a pipe, is held in memory as a whole (with all other files of the table).
class CsvRows {
 public:
  /// Reads all files once and counts fields. `threads` 0: all cores.
  /// Errors: those of read_csv that do not depend on what a column means.
  explicit CsvRows(const std::vector<std::string>& paths, bool has_header = true, int threads = 0);
  CsvRows(CsvRows&&) noexcept;
  CsvRows& operator=(CsvRows&&) noexcept;
  ~CsvRows();

  [[nodiscard]] std::size_t size() const noexcept;
  /// Names of the columns, `f<column>` without header.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept;
  /// The header record of the first file, verbatim, without line end; empty without header.
  [[nodiscard]] std::string_view header() const noexcept;

  /// Calls `visitor(row, record)` for every record in order: its bytes with all quotes, without line end,
  /// valid during the call. Errors: io.csv.changed, when a file has other rows than before; the rows up to
  /// there were visited, none beyond size().
  void visit(const std::function<void(std::size_t row, std::string_view record)>& visitor) const;

  /// Calls `visitor(row, texts)` for every row in order with the texts of some columns, by name or index:
  /// unquoted, without spaces around, valid during the call. Parsed on several threads; the visitor runs on
  /// this one. Errors: io.csv.column_unknown, io.csv.changed.
  void visit_columns(
      const std::vector<std::string>& columns,
      const std::function<void(std::size_t row, std::span<const std::string_view> texts)>& visitor) const;

  /// Index of a column, by name or index. Errors: io.csv.column_unknown, with the nearest name.
  [[nodiscard]] std::size_t column_index(const std::string& name) const;

  /// Where a row stands, `file:line`, for messages. Cost: reads the files up to there.
  [[nodiscard]] std::string place(std::size_t row) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::io
