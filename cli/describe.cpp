// coppice describe: a first look at a table.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "column_summary.h"
#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kDescribeFooter =
    "Examples:\n"
    "  coppice describe transactions.csv.gz --label Class\n"
    "  zcat day1.csv.gz | coppice describe - --json";

constexpr std::size_t kShownCategories = 5;

struct DescribeArguments {
  std::vector<std::string> paths;
  std::string label;
  io::CsvOptions csv;
  bool json = false;
};

/// The feature that is the label: the reader found the column, by name or index, and kept its texts.
std::size_t find_label(const io::CsvTable& table) {
  const std::string& name = table.kept_names.front();
  const auto& features = table.data.schema.features;
  const auto found = std::ranges::find(features, name, &Feature::name);
  if (found == features.end())
    throw Error("cli.usage", fmt::format("column {} is ignored and the label", name));
  return static_cast<std::size_t>(found - features.begin());
}

std::string numeric_table(const std::vector<ColumnSummary>& columns) {
  TextTable table(
      {"column", "count", "missing", "distinct", "mean", "std", "min", "25%", "median", "75%", "max"});
  bool any = false;
  for (const ColumnSummary& column : columns) {
    if (column.kind != FeatureKind::kNumeric) continue;
    any = true;
    const NumericSummary& numbers = column.numbers;
    table.add_row({column.name, count_text(column.count), count_text(column.missing),
                   count_text(column.distinct), number_text(numbers.mean), number_text(numbers.deviation),
                   number_text(numbers.min), number_text(numbers.lower_quartile), number_text(numbers.median),
                   number_text(numbers.upper_quartile), number_text(numbers.max)});
  }
  return any ? "\nNumeric columns\n" + table.text() : "";
}

std::string categorical_table(const std::vector<ColumnSummary>& columns) {
  TextTable table({"column", "count", "missing", "distinct", "most frequent"});
  table.align(4, TextTable::Align::kLeft);
  bool any = false;
  for (const ColumnSummary& column : columns) {
    if (column.kind != FeatureKind::kCategorical) continue;
    any = true;
    std::vector<std::string> shown;
    for (std::size_t i = 0; i < std::min(kShownCategories, column.values.size()); ++i) {
      const ValueCount& value = column.values[i];
      shown.push_back(fmt::format("{} ({})", value.value, percent_text(share(value.rows, column.count))));
    }
    const bool has_other = column.distinct < column.values.size();
    table.add_row({column.name, count_text(column.count), count_text(column.missing),
                   count_text(column.distinct) + (has_other ? "+" : ""),
                   fmt::format("{}", fmt::join(shown, ", "))});
  }
  return any ? "\nCategorical columns\n" + table.text() : "";
}

std::string label_table(const ColumnSummary& label) {
  std::string text = fmt::format("\nLabel {}\n", label.name);
  if (label.values.empty()) {
    return text + fmt::format("  {} distinct numbers: a quantity, not classes\n", count_text(label.distinct));
  }
  TextTable table({"class", "rows", "share"});
  for (const ValueCount& value : label.values) {
    table.add_row({value.value, count_text(value.rows), percent_text(share(value.rows, label.count))});
  }
  if (label.missing > 0) text += fmt::format("  {} rows have no label\n", count_text(label.missing));
  return text + table.text();
}

OrderedJson values_json(const ColumnSummary& column) {
  OrderedJson values = OrderedJson::array();
  for (const ValueCount& value : column.values) {
    values.push_back(
        {{"value", value.value}, {"rows", value.rows}, {"share", share(value.rows, column.count)}});
  }
  return values;
}

OrderedJson column_json(const ColumnSummary& column) {
  const bool is_numeric = column.kind == FeatureKind::kNumeric;
  OrderedJson json = {{"name", column.name},
                      {"type", is_numeric ? "numeric" : "categorical"},
                      {"count", column.count},
                      {"missing", column.missing},
                      {"distinct", column.distinct}};
  if (is_numeric) {
    const NumericSummary& numbers = column.numbers;
    json.update({{"mean", numbers.mean},
                 {"std", numbers.deviation},
                 {"min", numbers.min},
                 {"25%", numbers.lower_quartile},
                 {"median", numbers.median},
                 {"75%", numbers.upper_quartile},
                 {"max", numbers.max}});
  } else {
    json["values"] = values_json(column);
  }
  return json;
}

void print_json(std::size_t n_rows, const std::vector<ColumnSummary>& columns, const ColumnSummary* label) {
  OrderedJson json = {{"rows", n_rows}, {"columns", OrderedJson::array()}};
  for (const ColumnSummary& column : columns) json["columns"].push_back(column_json(column));
  if (label != nullptr) json["label"] = {{"name", label->name}, {"classes", values_json(*label)}};
  write_json(json);
}

void print_text(const DescribeArguments& arguments, const io::CsvTable& table,
                const std::vector<ColumnSummary>& columns, const ColumnSummary* label) {
  std::uint64_t missing = 0;
  for (const ColumnSummary& column : columns) missing += column.missing;
  const auto n_numeric = std::ranges::count(columns, FeatureKind::kNumeric, &ColumnSummary::kind);
  std::string text =
      fmt::format("{}: {} rows, {} columns ({} numeric, {} categorical), {} missing values\n",
                  fmt::join(arguments.paths, ", "), count_text(table.data.n_rows), columns.size(), n_numeric,
                  std::ssize(columns) - n_numeric, count_text(missing));
  text += numeric_table(columns) + categorical_table(columns);
  if (label != nullptr) text += label_table(*label);
  write_output(text);
}

ExitCode run_describe(const DescribeArguments& arguments) {
  io::CsvOptions csv = arguments.csv;
  if (!arguments.label.empty()) csv.keep = {arguments.label};
  const io::CsvTable table = io::read_csv(arguments.paths, csv);
  warn_of_numeric_names(table.data.schema);
  std::vector<ColumnSummary> columns;
  for (std::size_t f = 0; f < table.data.n_features(); ++f) {
    columns.push_back(summarize(table.data.schema.features[f], table.data.columns[f]));
  }
  const ColumnSummary* label_column = csv.keep.empty() ? nullptr : &columns[find_label(table)];
  if (arguments.json) {
    print_json(table.data.n_rows, columns, label_column);
  } else {
    print_text(arguments, table, columns, label_column);
  }
  return kSuccess;
}

}  // namespace

Verb add_describe(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "describe", "A first look at a table: rows, columns, types, missing values, statistics, class balance");
  const auto arguments = std::make_shared<DescribeArguments>();
  add_data(*command, arguments->paths);
  command->add_option("--label", arguments->label, "Column, by name or index, whose classes are counted")
      ->type_name("NAME");
  add_reading(*command, arguments->csv);
  add_threads(*command, arguments->csv.threads);
  add_json(*command, arguments->json);
  command->footer(kDescribeFooter);
  return {command, [arguments] { return run_describe(*arguments); }};
}

}  // namespace coppice::cli
