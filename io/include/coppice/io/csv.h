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
  std::vector<std::string>
      categorical;                ///< names or indices that are categorical though they look like numbers
  std::vector<std::string> keep;  ///< names or indices whose texts CsvTable::kept copies
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

/// Reads one table from one or more files (same columns), `-` for standard input, gzip by content.
/// A column of which every non-missing cell is a number is numeric; any other is categorical, with a
/// dictionary of its most frequent 254 texts. Lines end in LF or CRLF; a BOM and blank lines are skipped;
/// fields may be quoted (RFC 4180). A number is what strtod takes in the C locale, without hexadecimal, and
/// without infinities, which are refused; it is read exactly and rounded to float32.
/// Errors: io.csv.* with file, line, column and the offending text; io.file.read; io.gzip.truncated.
[[nodiscard]] CsvTable read_csv(const std::vector<std::string>& paths, const CsvOptions& options);

/// Reads a table by the schema of a model: columns are matched by name (by position without header), a
/// missing feature column is an error, an extra one is listed, an unknown category becomes *other*, and a
/// text in a numeric column is an error. `options` gives label, weight, keep, threads and has_header; label
/// and weight columns may be absent when `options.label` is empty.
[[nodiscard]] CsvTable read_csv(const std::vector<std::string>& paths, const Schema& schema,
                                const CsvOptions& options);

}  // namespace coppice::io
