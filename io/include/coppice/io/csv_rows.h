// The records of a CSV as they stand in the file.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::io {

/// The raw records of one or more CSV files with the same columns, for copying rows verbatim. Paths and text
/// are what read_csv takes; the text of pipes and gzip files is held in memory, so that it can be visited
/// again.
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

  /// Calls `visitor(row, record)` for every record in order: its bytes with all quotes, without line end.
  /// They are valid as long as this object.
  void visit(const std::function<void(std::size_t row, std::string_view record)>& visitor) const;

  /// The texts of one column, by name or index, one for each row: unquoted, without spaces around.
  /// Errors: io.csv.column_unknown.
  [[nodiscard]] std::vector<std::string> column(const std::string& name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::io
