// Columns that are no features: what splits and metrics look at beside label and weight.
#pragma once

#include <coppice/evaluation_columns.h>
#include <coppice/io/csv.h>
#include <coppice/io/time_text.h>

#include <cstdint>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
}

namespace coppice::cli {

/// As typed; empty where there is none.
struct SideColumnNames {
  std::string time, group, amount;  ///< names or indices
  std::string day_length;           ///< of card and alert metrics; empty: 1, or one day of dates
};

/// --time-column, --group-column, --amount-column, --day-length.
void add_side_columns(CLI::App& command, SideColumnNames& names);

[[nodiscard]] GivenColumns given_columns(const SideColumnNames& names) noexcept;

/// What a split looks at, in numbers: [n_rows] each, empty without such a column.
struct SideTable {
  std::string time_name, group_name;  ///< of the columns, where they were given by index
  io::TimeScale scale = io::TimeScale::kNumber;
  std::vector<double> times;
  std::vector<std::uint64_t> groups;  ///< keys, as of `coppice split`
};

/// A table with its side columns.
struct TableWithSides {
  io::CsvTable csv;  ///< data.side filled, texts of the side columns gone
  SideTable sides;
};

/// io::read_csv with the side columns; `schema` may be nullptr. The amount may be a feature, too; whether the
/// others are is up to `options`. Errors: also cli.split.time, cli.amount, with the place.
[[nodiscard]] TableWithSides read_table(const std::vector<std::string>& paths, const Schema* schema,
                                        io::CsvOptions options, const SideColumnNames& names);

}  // namespace coppice::cli
