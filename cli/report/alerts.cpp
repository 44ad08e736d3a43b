// What alerts catch and what they cost: the part of the report that is read first.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <string_view>

#include "report/html.h"
#include "report/page.h"
#include "report/scale.h"
#include "report/sections.h"
#include "text.h"

namespace coppice::cli {
namespace {

/// `9.1 false alarms per 10,000 transactions`: per so many rows that there is at least one.
std::string false_alarm_rate(const Confusion& confusion, const Noun& row) {
  const double share = confusion.false_positive / confusion.total();
  if (!(share > 0)) return "no false alarm";
  double per = 1000;
  while (share * per < 1 && per < 1e9) per *= 10;
  const std::string rate = short_number(share * per, 2);
  return fmt::format("{} false {} per {} {}", rate, rate == "1" ? "alarm" : "alarms",
                     count_text(static_cast<std::uint64_t>(per)), row.plural);
}

/// `41 of 47 frauds`; of many, `82 of 100 frauds`, rounded down.
std::string caught(const Confusion& confusion, const Noun& positive) {
  const double all = confusion.positive();
  if (all <= 100) {
    return fmt::format("{} of {} {}", sum_text(confusion.true_positive), sum_text(all), positive.of(all));
  }
  if (confusion.true_positive == all) return fmt::format("all {}", counted(all, positive));
  return fmt::format("{} of 100 {}", std::floor(100 * confusion.recall() + 1e-9), positive.plural);
}

std::string headline(const Confusion& confusion, const RowNames& names) {
  const Noun& positive = names.positive;
  if (confusion.positive() == 0) {
    return fmt::format("There is no {} in this table: what the model catches cannot be seen",
                       positive.singular);
  }
  if (confusion.alerts() == 0) {
    return fmt::format("Raises no alert, and misses all {}", counted(confusion.positive(), positive));
  }
  return fmt::format("Catches {} with {}", caught(confusion, positive),
                     false_alarm_rate(confusion, names.row));
}

/// What calls cost, and what it would cost to call nothing.
std::string cost_sentence(const Evaluation& evaluation) {
  if (!evaluation.costs) return "";
  const Confusion& with_alerts = evaluation.confusion;
  Confusion without_alerts;
  without_alerts.false_negative = with_alerts.positive();
  without_alerts.missed_amount = with_alerts.found_amount + with_alerts.missed_amount;
  return fmt::format(" That costs {}; without any alert it would be {}.",
                     short_number(with_alerts.cost(*evaluation.costs), 4),
                     short_number(without_alerts.cost(*evaluation.costs), 4));
}

std::string lede(const ModelReport& report) {
  const Evaluation& evaluation = report.evaluation;
  const Confusion& confusion = evaluation.confusion;
  const RowNames& names = report.names;
  std::string text = fmt::format("Of {}, {} {} {} ({}).", counted(confusion.total(), names.row),
                                 sum_text(confusion.positive()), confusion.positive() == 1 ? "is" : "are",
                                 names.positive.of(confusion.positive()),
                                 short_percent(confusion.positive() / confusion.total()));
  text += fmt::format(" From a score of {} on{}, the model raises {}", short_number(evaluation.threshold, 4),
                      evaluation.rule ? fmt::format(" (chosen by {})", evaluation.rule->name()) : "",
                      counted(confusion.alerts(), {"alert", "alerts"}));
  if (evaluation.n_days > 0) {
    text += fmt::format(", {} a day", short_number(alerts_per_day(evaluation, confusion)));
  }
  if (confusion.alerts() == 0) return text + "." + cost_sentence(evaluation);
  return text + fmt::format(": {} right and {} wrong. It misses {}.{}", sum_text(confusion.true_positive),
                            sum_text(confusion.false_positive),
                            counted(confusion.false_negative, names.positive), cost_sentence(evaluation));
}

/// A table that looks like the one that the model learned from flatters it.
std::string training_warning(const ModelReport& report) {
  const TrainingSummary& summary = report.model.summary;
  if (report.data.n_rows != summary.n_rows) return "";
  const double labels = std::accumulate(report.data.labels.begin(), report.data.labels.end(), 0.0);
  if (!report.data.weights.empty() || labels != summary.label_sum) return "";
  return "<p class=\"warning\">This table has as many rows and the same sum of labels as the one that the "
         "model was trained on. If it is that table, the model is better here than it will be on new "
         "rows.</p>\n";
}

const MetricLine& metric(const Evaluation& evaluation, std::string_view name) {
  return *std::ranges::find(evaluation.metrics, name, &MetricLine::name);
}

/// `91.5 %`, `0.937`.
std::string key_html(double value, Unit unit) {
  return number_html(value, fixed_text(value, unit, unit == Unit::kPercent ? 1 : 3));
}

KeyNumber key_number(const Evaluation& evaluation, std::string_view name, std::string title, Unit unit) {
  const MetricLine& line = metric(evaluation, name);
  KeyNumber number{std::move(title), key_html(line.value, unit), ""};
  if (!line.interval) return number;
  const auto [low, high] = *line.interval;
  number.note =
      low == high ? "the same in every replicate" : key_html(low, unit) + " to " + key_html(high, unit);
  return number;
}

/// A cell of the confusion matrix: a count and what it means.
std::string matrix_cell(double count, std::string_view meaning, bool is_accent) {
  return fmt::format("<td{}><b>{}</b>{}</td>", is_accent ? " class=\"accent\"" : "",
                     number_html(count, sum_text(count)), escape(meaning));
}

std::string confusion_matrix(const Confusion& confusion, const RowNames& names) {
  return fmt::format(
      "<table class=\"confusion\"><thead><tr><th></th><th>alert</th><th>no alert</th></tr></thead>\n<tbody>"
      "<tr><th>{}</th>{}{}</tr>\n<tr><th>other {}</th>{}{}</tr></tbody></table>\n",
      escape(names.positive.plural), matrix_cell(confusion.true_positive, "caught", true),
      matrix_cell(confusion.false_negative, "missed", false), escape(names.row.plural),
      matrix_cell(confusion.false_positive, "false alarms", false),
      matrix_cell(confusion.true_negative, "left alone", false));
}

/// A column of the threshold table.
struct ThresholdColumn {
  std::string header;
  std::function<double(const ThresholdLine&)> value;
  std::function<std::string(double)> text;
  bool is_minor = false;
};

std::vector<ThresholdColumn> threshold_columns(const Evaluation& evaluation) {
  const auto number = [](double value) { return short_number(value, 4); };
  const auto percent = [](double value) { return fixed_text(value, Unit::kPercent, 1); };
  const bool has_more = evaluation.n_days > 0 || evaluation.columns.amounts || evaluation.costs;
  std::vector<ThresholdColumn> columns = {
      {"Score from", [](const ThresholdLine& line) { return line.threshold; }, number},
      {"Alerts", [](const ThresholdLine& line) { return line.confusion.alerts(); }, sum_text},
      {"False alarms", [](const ThresholdLine& line) { return line.confusion.false_positive; }, sum_text,
       has_more},
      {"per 1,000 rows",
       [](const ThresholdLine& line) {
         return 1000 * line.confusion.false_positive / line.confusion.total();
       },
       [](double value) { return short_number(value, 2); }, has_more},
      {"Precision", [](const ThresholdLine& line) { return line.confusion.precision(); }, percent},
      {"Recall", [](const ThresholdLine& line) { return line.confusion.recall(); }, percent},
      {"F1", [](const ThresholdLine& line) { return line.confusion.f1(); },
       [](double value) { return fixed_text(value, Unit::kNumber, 3); }, has_more}};
  if (evaluation.n_days > 0) {
    columns.push_back({"Alerts a day",
                       [&](const ThresholdLine& line) { return alerts_per_day(evaluation, line.confusion); },
                       [](double value) { return short_number(value); }});
  }
  if (evaluation.columns.amounts) {
    columns.push_back(
        {"Amounts found", [](const ThresholdLine& line) { return line.confusion.amount_recall(); }, percent});
  }
  if (evaluation.costs) {
    columns.push_back(
        {"Cost", [&](const ThresholdLine& line) { return line.confusion.cost(*evaluation.costs); }, number});
  }
  return columns;
}

std::string threshold_table(const Evaluation& evaluation) {
  const std::vector<ThresholdColumn> columns = threshold_columns(evaluation);
  HtmlTable table;
  for (const ThresholdColumn& column : columns) {
    if (column.is_minor) table.minor.push_back(table.header.size());
    table.header.push_back(column.header);
  }
  for (const ThresholdLine& line : evaluation.thresholds) {
    if (line.threshold == evaluation.threshold) table.highlighted = table.rows.size();
    std::vector<std::string>& cells = table.rows.emplace_back();
    for (const ThresholdColumn& column : columns) {
      const double value = column.value(line);
      cells.push_back(number_html(value, column.text(value)));
    }
  }
  return table_html(table);
}

}  // namespace

std::string counted(double count, const Noun& noun) {
  return fmt::format("{} {}", sum_text(count), noun.of(count));
}

bool is_rare(const Confusion& confusion) { return confusion.positive() < 0.05 * confusion.total(); }

std::string alerts_header(const ModelReport& report) {
  const Evaluation& evaluation = report.evaluation;
  std::string html = fmt::format(
      "<header>\n<p class=\"kicker\">Coppice report: <code>{}</code> on <code>{}</code></p>\n<h1>{}.</h1>\n"
      "<p class=\"lede\">{}</p>\n{}",
      escape(report.model_path), escape(fmt::format("{}", fmt::join(report.data_paths, ", "))),
      escape(headline(evaluation.confusion, report.names)), escape(lede(report)), training_warning(report));
  const std::vector<KeyNumber> numbers = {
      key_number(evaluation, "recall", fmt::format("of {} caught (recall)", report.names.positive.plural),
                 Unit::kPercent),
      key_number(evaluation, "precision", "of alerts right (precision)", Unit::kPercent),
      key_number(evaluation, "ap", "average precision", Unit::kNumber),
      key_number(evaluation, "auc", "area under the ROC curve", Unit::kNumber)};
  html += key_numbers(numbers);
  if (evaluation.bootstrap.n_replicates > 0) {
    html +=
        fmt::format("<p class=\"note\">The ranges hold 95 % of {} bootstrap replicates of the table.</p>\n",
                    count_text(evaluation.bootstrap.n_replicates));
  }
  return html + "</header>\n";
}

std::string threshold_section(const ModelReport& report) {
  const Evaluation& evaluation = report.evaluation;
  const std::string threshold = short_number(evaluation.threshold, 4);
  return section(
      "What a threshold does", "A row whose score is at or above the threshold becomes an alert.",
      grid(cell("Right and wrong calls", fmt::format("Score {} and above is an alert.", threshold),
                confusion_matrix(evaluation.confusion, report.names)) +
           cell("Other thresholds",
                "A lower threshold catches more and alarms more. The coloured line is the one in use.",
                threshold_table(evaluation), CellWidth::kTwo)));
}

}  // namespace coppice::cli
