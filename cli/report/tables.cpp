// The parts of a report that are looked up: measures, training, data, origin.
#include <coppice/detail/threads.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "column_summary.h"
#include "report/html.h"
#include "report/page.h"
#include "report/scale.h"
#include "report/sections.h"
#include "text.h"

namespace coppice::cli {
namespace {

constexpr std::size_t kShownColumns = 30;

std::string metric_number(const ModelReport& report, double value) {
  const bool is_binary = report.model.objective == Objective::kBinaryLogistic;
  return number_html(value, is_binary ? metric_text(value) : short_number(value, 6));
}

/// What a column holds, in a few words: its range, or its most frequent categories.
std::string content_html(const ColumnSummary& column) {
  if (column.count == 0) return "";
  if (column.kind == FeatureKind::kNumeric) {
    const NumericSummary& numbers = column.numbers;
    return fmt::format("{} to {}, median {}", escape(short_number(numbers.min, 4)),
                       escape(short_number(numbers.max, 4)), escape(short_number(numbers.median, 4)));
  }
  std::vector<std::string> shown;
  const std::size_t n_shown = std::min<std::size_t>(3, column.values.size());
  std::vector<ValueCount> values = column.values;
  std::ranges::stable_sort(values, std::greater<>(), &ValueCount::rows);
  for (std::size_t i = 0; i < n_shown; ++i) {
    const double share = static_cast<double>(values[i].rows) / static_cast<double>(column.count);
    shown.push_back(fmt::format("{} ({})", escape(shorten(values[i].value, 24)), short_percent(share, 2)));
  }
  return fmt::format("{}", fmt::join(shown, ", "));
}

std::string columns_table(std::span<const ColumnSummary> columns) {
  HtmlTable table{.header = {"Feature", "Values", "Distinct", "Missing"}, .rows = {}, .n_left = 2};
  for (const ColumnSummary& column : columns) {
    const auto rows = static_cast<double>(column.count + column.missing);
    const auto missing = static_cast<double>(column.missing);
    table.rows.push_back({escape(column.name), content_html(column), count_text(column.distinct),
                          column.missing == 0 ? "<span class=\"soft\">0</span>"
                                              : number_html(missing, short_percent(missing / rows))});
  }
  return table_html(table);
}

std::string parameters_table(const Parameters& parameters, bool changed) {
  HtmlTable table{.header = {"Parameter", "Value", "Default"}, .rows = {}, .n_left = 3};
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model) continue;
    const std::string value = get_parameter(parameters, info.name);
    if ((value != info.default_text) != changed) continue;
    table.rows.push_back({escape(info.name), escape(value), escape(info.default_text)});
  }
  return table.rows.empty() ? "" : table_html(table);
}

}  // namespace

std::string measures_table(const ModelReport& report) {
  const bool has_intervals = report.evaluation.bootstrap.n_replicates > 0;
  HtmlTable table{.header = {"Measure", "Value"}, .rows = {}};
  if (has_intervals) table.header.emplace_back("95 % interval");
  for (const MetricLine& line : report.evaluation.metrics) {
    std::vector<std::string> cells = {escape(line.title), metric_number(report, line.value)};
    if (line.interval) {
      cells.push_back(fmt::format("{} to {}", metric_number(report, line.interval->low),
                                  metric_number(report, line.interval->high)));
    }
    table.rows.push_back(std::move(cells));
  }
  return table_html(table);
}

std::string training_section(const ModelReport& report) {
  const Model& model = report.model;
  const TrainingSummary& summary = model.summary;
  if (summary.library_version.empty()) {
    return section("How it was trained",
                   "Not by Coppice: the model file has neither learning curves nor parameters.", "");
  }
  std::string text = fmt::format("{} trees on {} rows, sum of labels {}.", count_text(model.trees.size()),
                                 count_text(summary.n_rows), sum_text(summary.label_sum));
  const std::string figures = learning_figures(summary);
  if (figures.empty()) text += " No metric was watched: there are no learning curves.";
  const std::string changed = parameters_table(model.parameters, true);
  const std::string cells = figures + cell("Parameters that differ from the default",
                                           changed.empty() ? "None: all are at their defaults."
                                                           : "The others are folded away below.",
                                           changed);
  return section("How it was trained", text,
                 grid(cells) + folded("All other parameters, at their defaults",
                                      parameters_table(model.parameters, false)));
}

std::string data_section(const ModelReport& report) {
  const Dataset& data = report.data;
  std::vector<ColumnSummary> columns(data.n_features());
  detail::parallel_for(report.threads, columns.size(), [&](std::size_t f) {
    columns[f] = summarize(data.schema.features[f], data.columns[f]);
  });
  std::uint64_t missing = 0;
  for (const ColumnSummary& column : columns) missing += column.missing;
  const auto n_categorical = std::ranges::count(columns, FeatureKind::kCategorical, &ColumnSummary::kind);
  const std::string text = fmt::format(
      "{} rows, {} features ({} numeric, {} categorical), {} missing values.", count_text(data.n_rows),
      columns.size(), std::ssize(columns) - n_categorical, n_categorical, count_text(missing));
  const std::span<const ColumnSummary> all = columns;
  const std::size_t n_shown = std::min(all.size(), kShownColumns);
  std::string body = columns_table(all.first(n_shown));
  if (n_shown < all.size()) {
    body +=
        folded(fmt::format("{} more features", all.size() - n_shown), columns_table(all.subspan(n_shown)));
  }
  return section("The data it was measured on", text, "<div class=\"body\">" + body + "</div>\n");
}

std::string provenance(const ModelReport& report) {
  const TrainingSummary& summary = report.model.summary;
  HtmlTable table;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) table.rows.push_back({escape(name), fmt::format("<code>{}</code>", escape(value))});
  };
  table.n_left = 2;
  add("Model file", report.model_path);
  add("Measured on", fmt::format("{}", fmt::join(report.data_paths, ", ")));
  add("Hash of the training data", summary.data_hash);
  add("Trained by", summary.library_version.empty() ? "" : "Coppice " + summary.library_version);
  add("Report by", fmt::format("Coppice {}", version()));
  return "<footer>\n" + table_html(table) + "</footer>\n";
}

}  // namespace coppice::cli
