// What alerts catch and what they cost: the part of the report that is read first.
#include <coppice/error.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
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

std::string lede(const ModelReport& report) {
  const Evaluation& evaluation = report.evaluation;
  const Confusion& confusion = evaluation.confusion;
  const RowNames& names = report.names;
  std::string text = fmt::format("Of {}, {} {} {} ({}).", counted(confusion.total(), names.row),
                                 sum_text(confusion.positive()), confusion.positive() == 1 ? "is" : "are",
                                 names.positive.of(confusion.positive()),
                                 short_percent(confusion.positive() / confusion.total()));
  text += fmt::format(" From a score of {} on{}, the model raises {}", short_number(evaluation.threshold, 4),
                      report.rule.empty() ? "" : fmt::format(" (chosen by {})", report.rule),
                      counted(confusion.alerts(), {"alert", "alerts"}));
  if (confusion.alerts() == 0) return text + ".";
  return text + fmt::format(": {} right and {} wrong. It misses {}.", sum_text(confusion.true_positive),
                            sum_text(confusion.false_positive),
                            counted(confusion.false_negative, names.positive));
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

std::string threshold_table(const Evaluation& evaluation) {
  HtmlTable table{
      .header = {"Score from", "Alerts", "False alarms", "Per 1,000 rows", "Precision", "Recall", "F1"},
      .rows = {}};
  const auto share = [](double value) { return number_html(value, fixed_text(value, Unit::kPercent, 1)); };
  for (const auto& [threshold, confusion] : evaluation.thresholds) {
    if (threshold == evaluation.threshold) table.highlighted = table.rows.size();
    const double per_1000 = 1000 * confusion.false_positive / confusion.total();
    table.rows.push_back({number_html(threshold, short_number(threshold, 4)),
                          number_html(confusion.alerts(), sum_text(confusion.alerts())),
                          number_html(confusion.false_positive, sum_text(confusion.false_positive)),
                          number_html(per_1000, short_number(per_1000, 2)), share(confusion.precision()),
                          share(confusion.recall()),
                          number_html(confusion.f1(), fixed_text(confusion.f1(), Unit::kNumber, 3))});
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
  if (report.bootstrap.n_replicates > 0) {
    html +=
        fmt::format("<p class=\"note\">The ranges hold 95 % of {} bootstrap replicates of the table.</p>\n",
                    count_text(report.bootstrap.n_replicates));
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
