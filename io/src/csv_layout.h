// What each column of a CSV is read as.
#pragma once

#include <coppice/io/csv.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace coppice::io {

enum class CellUse : std::uint8_t { kSkip, kNumber, kCategory, kLabel, kWeight };

/// One column of the file.
struct CsvColumn {
  std::string name;
  CellUse use = CellUse::kSkip;
  bool kept = false;
  bool kind_known = false;  ///< declared, or in the schema: the cells decide nothing
};

struct CsvLayout {
  std::vector<CsvColumn> columns;
  std::vector<std::size_t> features;  ///< columns of the features, in the order of the schema
  std::optional<std::size_t> label;
  std::optional<std::size_t> weight;
  std::vector<std::size_t> kept;  ///< in the order that was asked for, each once
  std::vector<std::string> extra_columns;
  std::vector<std::string> missing_tokens;
  bool binary_label = false;
};

/// Index of the column that `text` names, or counts from 0. `purpose`, unless empty, goes into the message:
/// `the label`. Errors: io.csv.column_unknown, with the nearest name.
[[nodiscard]] std::size_t find_column(const std::vector<std::string>& names, const std::string& text,
                                      const std::string& purpose, const std::string& path);

/// The layout of a table without a schema: every column that is nothing else is a feature, numeric until a
/// cell says otherwise. `path` stands in messages. Errors: io.csv.column_unknown, io.csv.column_role.
[[nodiscard]] CsvLayout layout_of_options(const std::vector<std::string>& names, const CsvOptions& options,
                                          const std::string& path);

/// The layout of a table that is read by a schema.
/// Errors: also io.csv.column_missing, and io.csv.column_count for a table without header.
[[nodiscard]] CsvLayout layout_of_schema(const std::vector<std::string>& names, const Schema& schema,
                                         const CsvOptions& options, const std::string& path);

}  // namespace coppice::io
