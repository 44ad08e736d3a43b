// An evaluation for people and for programs.
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "evaluation.h"
#include "text.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

std::string confusion_text(const Evaluation& evaluation) {
  const Confusion& confusion = evaluation.confusion;
  TextTable table({"", "called 0", "called 1"});
  table.add_row({"label 0", sum_text(confusion.true_negative), sum_text(confusion.false_positive)});
  table.add_row({"label 1", sum_text(confusion.false_negative), sum_text(confusion.true_positive)});
  return fmt::format("\nConfusion matrix: called 1 from probability {} on{}\n{}", evaluation.threshold,
                     evaluation.rule ? fmt::format(", chosen by {}", evaluation.rule->name()) : "",
                     table.text());
}

std::string thresholds_text(const Evaluation& evaluation) {
  std::vector<std::string> header = {"threshold", "alerts", "precision",
                                     "recall",    "F1",     "false positive rate"};
  if (evaluation.n_days > 0) header.emplace_back("alerts per day");
  if (evaluation.columns.amounts) header.emplace_back("amounts found");
  if (evaluation.costs) header.emplace_back("cost");
  TextTable table(std::move(header));
  for (const auto& [threshold, confusion] : evaluation.thresholds) {
    std::vector<std::string> cells = {number_text(threshold),
                                      sum_text(confusion.alerts()),
                                      metric_text(confusion.precision()),
                                      metric_text(confusion.recall()),
                                      metric_text(confusion.f1()),
                                      metric_text(confusion.false_positive_rate())};
    if (evaluation.n_days > 0) cells.push_back(number_text(alerts_per_day(evaluation, confusion)));
    if (evaluation.columns.amounts) cells.push_back(metric_text(confusion.amount_recall()));
    if (evaluation.costs) cells.push_back(sum_text(confusion.cost(*evaluation.costs)));
    table.add_row(std::move(cells));
  }
  return fmt::format("\n{}", table.text());
}

std::string metrics_text(const Evaluation& evaluation) {
  const auto value_text = [&](double value) {
    return evaluation.is_binary ? metric_text(value) : number_text(value);
  };
  std::vector<std::string> header = {"metric", "value"};
  const bool has_intervals = evaluation.bootstrap.n_replicates > 0;
  if (has_intervals) {
    header.emplace_back(evaluation.columns.groups ? "95 % interval, by groups" : "95 % interval");
  }
  TextTable table(std::move(header));
  for (const MetricLine& line : evaluation.metrics) {
    std::vector<std::string> cells = {line.title, value_text(line.value)};
    if (line.interval) {
      cells.push_back(
          fmt::format("{} to {}", value_text(line.interval->low), value_text(line.interval->high)));
    }
    table.add_row(std::move(cells));
  }
  return fmt::format("\n{}", table.text());
}

OrderedJson confusion_json(const Confusion& confusion) {
  return {{"true_positive", confusion.true_positive},
          {"false_positive", confusion.false_positive},
          {"true_negative", confusion.true_negative},
          {"false_negative", confusion.false_negative}};
}

OrderedJson thresholds_json(const Evaluation& evaluation) {
  OrderedJson lines = OrderedJson::array();
  for (const auto& [threshold, confusion] : evaluation.thresholds) {
    OrderedJson line = {{"threshold", threshold},
                        {"alerts", confusion.alerts()},
                        {"precision", confusion.precision()},
                        {"recall", confusion.recall()},
                        {"f1", confusion.f1()},
                        {"false_positive_rate", confusion.false_positive_rate()}};
    if (evaluation.n_days > 0) line["alerts_per_day"] = alerts_per_day(evaluation, confusion);
    if (evaluation.columns.amounts) line["amount_recall"] = confusion.amount_recall();
    if (evaluation.costs) line["cost"] = confusion.cost(*evaluation.costs);
    lines.push_back(std::move(line));
  }
  return lines;
}

OrderedJson costs_json(const Costs& costs) {
  const OrderedJson missed =
      costs.false_negative ? OrderedJson(*costs.false_negative) : OrderedJson("amount");
  return {{"cost_fp", costs.false_positive}, {"cost_fn", missed}, {"cost_review", costs.review}};
}

}  // namespace

std::string evaluation_text(const Evaluation& evaluation) {
  std::string text = fmt::format("{} rows", count_text(evaluation.n_rows));
  if (evaluation.is_binary) {
    text += fmt::format(", {} positive ({})", sum_text(evaluation.confusion.positive()),
                        percent_text(evaluation.confusion.positive() / evaluation.confusion.total()));
  }
  text += fmt::format("\n{}", metrics_text(evaluation));
  if (evaluation.is_binary) text += confusion_text(evaluation) + thresholds_text(evaluation);
  return text;
}

OrderedJson evaluation_json(const Evaluation& evaluation) {
  OrderedJson json = {{"rows", evaluation.n_rows}};
  if (evaluation.is_binary) {
    json["positive"] = evaluation.confusion.positive();
    if (evaluation.n_days > 0) json["days"] = evaluation.n_days;
    json["threshold"] = evaluation.threshold;
    if (evaluation.rule) json["rule"] = evaluation.rule->name();
    if (evaluation.costs) json["costs"] = costs_json(*evaluation.costs);
    json["confusion"] = confusion_json(evaluation.confusion);
    json["thresholds"] = thresholds_json(evaluation);
  }
  OrderedJson metrics = OrderedJson::object(), intervals = OrderedJson::object();
  for (const MetricLine& line : evaluation.metrics) {
    metrics[line.name] = line.value;
    if (line.interval) intervals[line.name] = {line.interval->low, line.interval->high};
  }
  json["metrics"] = metrics;
  if (const Bootstrap& bootstrap = evaluation.bootstrap; bootstrap.n_replicates > 0) {
    json["bootstrap"] = {{"replicates", bootstrap.n_replicates},
                         {"seed", bootstrap.seed},
                         {"by", evaluation.columns.groups ? "group" : "row"}};
    json["intervals"] = intervals;
  }
  return json;
}

}  // namespace coppice::cli
