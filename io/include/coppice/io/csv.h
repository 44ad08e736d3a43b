// CSV text to typed columns.
#pragma once

#include <coppice/dataset.h>
#include <coppice/schema.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::io {

/// How a CSV is read when no schema exists yet.
struct CsvOptions {
  std::string label;                 ///< column name or index; empty: the table has no label
  bool binary_label = false;         ///< refuse labels other than 0 and 1, with the line
  std::string weight;                ///< column name or index; empty: rows are not weighted
  std::vector<std::string> ignored;  ///< names or indices
  /// Names or indices of columns that are categorical though they look like numbers.
  std::vector<std::string> categorical;
  std::vector<std::string> keep;  ///< names or indices whose texts CsvTable::kept copies
  /// Cell texts that mean *missing*, beside the empty cell. A token that is a number (`-999`) slows reading
  /// down.
  std::vector<std::string> missing_tokens{"NA", "N/A", "nan", "NaN", "NAN", "null", "NULL", "None", "?"};
  bool has_header = true;
  int threads = 0;  ///< 0: all cores
};

/// A table with the texts of the columns that were asked to be kept.
struct CsvTable {
  Dataset data;
  std::vector<std::string> kept_names;
  std::vector<std::vector<std::string>> kept;  ///< [kept column][row], unquoted
  std::vector<std::string> extra_columns;      ///< present, but unknown to the schema that was given
  std::size_t bytes = 0;                       ///< of CSV text, after decompression
  double seconds = 0;
};

/// Reads one table from one or more files with the same columns; `-` is standard input; gzip is told by
/// content.
///
/// Records end in LF or CRLF; a carriage return elsewhere is text. A byte order mark and blank lines are
/// skipped. A field that begins with a quote is a quoted field (RFC 4180): commas, line ends and doubled
/// quotes in it are text. Column names count without spaces around; a column without a name, or without
/// header, is `f<column>`.
///
/// A cell is *missing* when it is empty or a missing token, a *number* when strtod would take all of it in
/// the C locale, but not hexadecimal or `nan`; both without the spaces and tabs around. Numbers are read
/// exactly and rounded once to float32: 1e-400 is 0, and what is infinite or beyond float32 is refused.
/// Anything else is text. A column whose cells are all numbers or missing is numeric. One with text is
/// categorical: its dictionary holds the most frequent 254 texts as they are, spaces included. But where at
/// least 100 cells and 99 % are numbers, the text is taken for a mistake and refused, unless the column is in
/// `categorical`.
///
/// Errors: file and line (of the record; of the quote that is never closed), column and the offending text.
///   io.file.read, io.gzip.truncated, io.gzip.corrupt;
///   io.csv.empty (no bytes, or no row), io.csv.quote, io.csv.nul, io.csv.encoding (names and categories are
///   UTF-8), io.csv.field_count, io.csv.not_a_number, io.csv.infinite, io.csv.label (missing, no number, not
///   0 or 1), io.csv.weight (missing, no number, negative); io.csv.column_unknown, io.csv.column_duplicate,
///   io.csv.columns_differ, io.csv.column_role (two roles for one).
/// Cost: one pass in parallel, and a second over columns that turn out as text after the first rows. A plain
/// file is mapped and must not shrink meanwhile; the text of a stream or gzip file is held in memory until
/// the end. The table and the error are the same for any number of threads.
[[nodiscard]] CsvTable read_csv(const std::vector<std::string>& paths, const CsvOptions& options);

/// Reads a table by the schema of a model. Columns are matched by name: a feature without a column is an
/// error, a column that the schema does not know is listed in `extra_columns`, and label, weight and ignored
/// columns may be absent. Text in a numeric column is an error, an unknown category becomes *other*. Missing
/// tokens are the schema's; of `options`, label, binary_label, weight, keep, threads and has_header count.
/// Without header, the table has either all columns of a training table that had no header, at their places,
/// or nothing but the features in their order, beside what options name as label, weight and ignored. Errors:
/// also io.csv.column_missing and io.csv.column_count.
[[nodiscard]] CsvTable read_csv(const std::vector<std::string>& paths, const Schema& schema,
                                const CsvOptions& options);

}  // namespace coppice::io
