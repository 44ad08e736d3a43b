// Writing CSV.
#pragma once

#include <coppice/io/file.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::io {

/// Appends a field, quoted by RFC 4180 if it has a comma, a quote or a line end.
void append_csv_field(std::string& out, std::string_view text);

/// Writes a CSV, buffered: to standard output when the path is empty or `-`, otherwise to a file that
/// appears, whole, with `commit` (see AtomicFile). Lines end in LF.
class CsvWriter {
 public:
  /// Errors: io.file.write.
  explicit CsvWriter(const std::string& path);

  /// Appends one field to the row. Numbers are the shortest text that reads back as the same value of their
  /// type; NaN is the empty field.
  void field(std::string_view text);
  void field(float number);
  void field(double number);
  void field(int number);
  void field(std::size_t number);

  /// Ends the row. A row of one empty field is written as `""`, for a blank line is not a row.
  void end_row();

  /// Writes a whole record verbatim.
  void record(std::string_view bytes);

  /// Writes what is buffered and puts the file in place. Nothing may be written after. Errors: io.file.write.
  void commit();

 private:
  void begin_field();
  void flush();

  std::string path_;
  std::optional<AtomicFile> file_;  // none: standard output
  std::string buffer_;
  std::string row_;
  bool row_begun_ = false;
};

}  // namespace coppice::io
