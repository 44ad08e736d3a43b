#include "side_columns.h"

#include <coppice/error.h>
#include <coppice/io/csv_rows.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <system_error>
#include <utility>

#include "options.h"
#include "time_column.h"

namespace coppice::cli {
namespace {

/// As CsvRows gives texts to `coppice split`, so that both make the same keys of them.
std::string_view without_spaces_around(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The table is read anew to find the line; a pipe cannot be.
PlaceOfRow place_in(const std::vector<std::string>& paths, bool has_header) {
  return [&paths, has_header](std::size_t row) {
    const bool is_pipe = std::ranges::find(paths, "-") != paths.end();
    return is_pipe ? fmt::format("standard input, row {}", row + 1)
                   : io::CsvRows(paths, has_header).place(row);
  };
}

float read_amount(const std::string& column, const PlaceOfRow& place, std::size_t row,
                  std::string_view text) {
  float amount = -1;
  const char* const end = text.data() + text.size();
  const auto [parsed_end, failed] = std::from_chars(text.data(), end, amount);
  if (failed == std::errc() && parsed_end == end && amount >= 0 && std::isfinite(amount)) return amount;
  throw Error("cli.amount", fmt::format("{}: amount column '{}': {} is no number from 0 on", place(row),
                                        column, quoted_text(text)));
}

double day_length(const SideColumnNames& names, io::TimeScale scale) {
  if (names.day_length.empty()) return scale == io::TimeScale::kDate ? 86400 : 1;
  const double length = length_of("--day-length", names.day_length, scale);
  if (length > 0) return length;
  throw Error("cli.usage", "--day-length: a day lasts longer than 0");
}

/// Texts of a column that was asked for, in row order.
template <class Visit>
void visit_texts(const std::vector<std::string>& texts, Visit visit) {
  for (std::size_t row = 0; row < texts.size(); ++row) visit(row, without_spaces_around(texts[row]));
}

/// Fills the side columns from the kept texts, which stand in the order time, group, amount.
void fill_sides(const SideColumnNames& names, const PlaceOfRow& place, TableWithSides& table) {
  SideTable& sides = table.sides;
  SideColumns& columns = table.csv.data.side;
  auto texts = table.csv.kept.begin();
  auto name = table.csv.kept_names.begin();
  if (!names.time.empty()) {
    sides.time_name = *name++;
    TimeReader times(names.time, place);
    visit_texts(*texts++, [&](std::size_t row, std::string_view text) {
      sides.times.push_back(times.read(row, text));
    });
    sides.scale = times.scale();
    columns.days = number_days(sides.times, day_length(names, sides.scale));
  }
  if (!names.group.empty()) {
    sides.group_name = *name;
    visit_texts(*texts++,
                [&](std::size_t, std::string_view text) { sides.groups.push_back(tune::group_key(text)); });
    columns.groups = number_groups(sides.groups);
  }
  if (!names.amount.empty()) {
    columns.amounts = Buffer<float>(table.csv.data.n_rows);
    visit_texts(*texts, [&](std::size_t row, std::string_view text) {
      columns.amounts[row] = read_amount(names.amount, place, row, text);
    });
  }
}

}  // namespace

void add_side_columns(CLI::App& command, SideColumnNames& names) {
  add_time_column(command, names.time);
  add_group_column(command, names.group);
  command.add_option("--amount-column", names.amount, "Money at stake in each row, by name or index")
      ->type_name("NAME|INDEX");
  command
      .add_option("--day-length", names.day_length,
                  "How long a day is in the unit of the time column, for metrics of days: 86400 for seconds; "
                  "1 if not given, and a day of dates")
      ->type_name("LENGTH");
}

GivenColumns given_columns(const SideColumnNames& names) noexcept {
  return {.amounts = !names.amount.empty(), .groups = !names.group.empty(), .days = !names.time.empty()};
}

TableWithSides read_table(const std::vector<std::string>& paths, const Schema* schema, io::CsvOptions options,
                          const SideColumnNames& names) {
  for (const std::string* name : {&names.time, &names.group, &names.amount}) {
    if (!name->empty()) options.keep.push_back(*name);
  }
  TableWithSides table;
  table.csv = schema != nullptr ? io::read_csv(paths, *schema, options) : io::read_csv(paths, options);
  if (table.csv.kept.size() != options.keep.size()) {
    throw Error("cli.usage", "--time-column, --group-column and --amount-column are different columns");
  }
  fill_sides(names, place_in(paths, options.has_header), table);
  table.csv.kept.clear();
  return table;
}

}  // namespace coppice::cli
