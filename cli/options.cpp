#include "options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <iterator>
#include <system_error>

#include "text.h"

namespace coppice::cli {
namespace {

bool is_number(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_end, failed] = std::from_chars(text.data(), end, value);
  return parsed_end == end && failed != std::errc::invalid_argument;  // 1e999 is a number, too
}

}  // namespace

void add_data(CLI::App& command, std::vector<std::string>& paths) {
  command
      .add_option("DATA", paths,
                  "Table: .csv or .csv.gz, several files with the same columns, or - for standard input")
      ->required();
}

void add_threads(CLI::App& command, int& threads) {
  command.add_option("--threads", threads, "Threads; 0 is all cores. Results do not depend on it")
      ->check(CLI::Range(0, 4096).description(""))
      ->type_name("N");
}

void add_no_header(CLI::App& command, bool& has_header) {
  command.add_flag_callback(
      "--no-header", [&has_header] { has_header = false; },
      "The first line is data; columns are named by index, from 0");
}

void add_reading(CLI::App& command, io::CsvOptions& csv) {
  command.add_option("--ignore", csv.ignored, "Columns that are no features")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command.add_option("--categorical", csv.categorical, "Categorical columns though they look like numbers")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      .add_option("--missing", csv.missing_tokens,
                  fmt::format("Texts that mean missing, beside the empty field, instead of {}",
                              fmt::join(csv.missing_tokens, ", ")))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("TOKEN");
  add_no_header(command, csv.has_header);
}

void add_json(CLI::App& command, bool& json) { command.add_flag("--json", json, "Print the result as JSON"); }

void add_model(CLI::App& command, std::string& path) {
  command.add_option("--model", path, "Model file: .json or .ubj")->required()->type_name("FILE");
}

void add_seed(CLI::App& command, std::uint64_t& seed, const std::string& what) {
  // The parser alone would take -1 for 2^64 - 1.
  const auto check = [](const std::string& text) {
    return text.starts_with('-') ? fmt::format("{} is no whole number from 0 on", text) : std::string();
  };
  command.add_option("--seed", seed, "Seed of " + what)->check(check)->capture_default_str()->type_name("N");
}

void add_time_column(CLI::App& command, std::string& column) {
  command
      .add_option("--time-column", column,
                  "Times, by name or index: numbers, or dates as 2026-11-24 or 2026-11-24 10:00:00")
      ->type_name("NAME|INDEX");
}

void add_group_column(CLI::App& command, std::string& column) {
  command.add_option("--group-column", column, "Cards, customers or the like, by name or index")
      ->type_name("NAME|INDEX");
}

CLI::Option* add_gap(CLI::App& command, std::string& gap, const std::string& after) {
  return command
      .add_option("--gap", gap,
                  fmt::format("Leave out the rows so long after {}, for labels that arrive late: a number in "
                              "the unit of the times, or for dates 90s, 30m, 12h, 7d",
                              after))
      ->capture_default_str()
      ->type_name("LENGTH");
}

void add_threshold(CLI::App& command, std::optional<double>& threshold) {
  const auto check = [](const std::string& text) {
    double value = -1;
    const bool good = CLI::detail::lexical_cast(text, value) && value >= 0 && value <= 1;  // no NaN
    return good ? std::string() : fmt::format("{} is no number from 0 to 1", text);
  };
  command
      .add_option("--threshold", threshold,
                  "Call a row positive from this probability on; the model's threshold if not given")
      ->check(check)
      ->type_name("T");
}

io::CsvOptions reading_for(const Schema& schema, bool has_header, int threads) {
  io::CsvOptions csv;
  csv.has_header = has_header && schema.has_header;
  csv.threads = threads;
  return csv;
}

void log_extra_columns(const io::CsvTable& table) {
  std::vector<std::string> unused;
  std::ranges::copy_if(table.extra_columns, std::back_inserter(unused), [&](const std::string& name) {
    return std::ranges::find(table.kept_names, name) == table.kept_names.end();
  });
  if (unused.empty()) return;
  write_log(fmt::format("note: the model does not use {} {}\n", unused.size() == 1 ? "column" : "columns",
                        fmt::join(unused, ", ")));
}

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> names = schema.ignored;
  for (const Feature& feature : schema.features) names.push_back(feature.name);
  for (const std::string& name : {schema.label, schema.weight}) {
    if (!name.empty()) names.push_back(name);
  }
  return names;
}

void warn_of_numeric_names(const std::vector<std::string>& names) {
  if (!std::ranges::all_of(names, is_number)) return;
  write_log(
      "warning: every column name is a number: the first row was taken as the names; "
      "--no-header takes it as data\n");
}

void warn_of_numeric_names(const Schema& schema) { warn_of_numeric_names(column_names(schema)); }

}  // namespace coppice::cli
