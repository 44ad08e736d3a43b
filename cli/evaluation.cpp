#include "evaluation.h"

#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/scorer.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "scores.h"
#include "text.h"

namespace coppice::cli {
namespace {

/// Of the threshold table: dense where frauds are told from the rest, the same for every table, so that two
/// models can be held side by side.
constexpr std::array<double, 9> kThresholds = {0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9};

struct UsualMetric {
  std::string_view name, title;
};
constexpr std::array<UsualMetric, 7> kUsualOfClasses = {{{"auc", "AUC"},
                                                         {"ap", "average precision"},
                                                         {"logloss", "log loss"},
                                                         {"precision", "precision"},
                                                         {"recall", "recall"},
                                                         {"f1", "F1"},
                                                         {"accuracy", "accuracy"}}};
constexpr UsualMetric kAmountRecall = {"amount_recall", "share of the amounts found"};
constexpr UsualMetric kCost = {"cost", "cost per row"};
constexpr UsualMetric kCardPrecision = {"card_precision@k=100", "card precision@100"};
constexpr std::array<UsualMetric, 3> kUsualOfNumbers = {
    {{"rmse", "root mean squared error"}, {"mae", "mean absolute error"}, {"r2", "R squared"}}};

MetricLine metric_line(std::string_view typed, std::string_view title, double threshold) {
  MetricLine line;
  line.metric = metric_from_string(typed);
  const bool names_threshold = line.metric.has_threshold() && typed.find('@') != std::string_view::npos;
  line.name = names_threshold ? std::string(typed) : line.metric.name();
  line.title = title.empty() ? line.name : title;
  if (line.metric.has_threshold() && !names_threshold) line.metric.argument = threshold;
  return line;
}

std::vector<UsualMetric> usual_metrics(const Evaluation& evaluation) {
  if (!evaluation.is_binary) return {kUsualOfNumbers.begin(), kUsualOfNumbers.end()};
  std::vector<UsualMetric> usual(kUsualOfClasses.begin(), kUsualOfClasses.end());
  if (evaluation.columns.amounts) usual.push_back(kAmountRecall);
  if (evaluation.costs) usual.push_back(kCost);
  if (evaluation.columns.groups && evaluation.columns.days) usual.push_back(kCardPrecision);
  return usual;
}

std::vector<MetricLine> metric_lines(const Evaluation& evaluation, const std::vector<std::string>& more) {
  std::vector<MetricLine> lines;
  for (const UsualMetric& metric : usual_metrics(evaluation)) {
    lines.push_back(metric_line(metric.name, metric.title, evaluation.threshold));
  }
  for (const std::string& typed : more) {
    MetricLine line = metric_line(typed, "", evaluation.threshold);
    if (std::ranges::find(lines, line.name, &MetricLine::name) == lines.end()) lines.push_back(line);
  }
  return lines;
}

std::vector<Metric> metrics_of(const std::vector<MetricLine>& lines) {
  std::vector<Metric> metrics;
  metrics.reserve(lines.size());
  for (const MetricLine& line : lines) metrics.push_back(line.metric);
  return metrics;
}

double choose(const EvaluationOptions& options, std::span<const float> predictions, const Dataset& data) {
  const std::optional<float> threshold =
      choose_threshold(*options.rule, predictions, evaluation_columns(data), options.costs);
  if (threshold) return *threshold;
  if (options.rule->kind == ThresholdRule::Kind::kMinCost) {
    throw Error(
        "cli.threshold",
        "at these costs every threshold costs more than calling nothing positive; leave --choose away "
        "to see what thresholds cost");
  }
  throw Error("cli.threshold",
              fmt::format("no threshold finds a positive row and satisfies {} on these {} rows; ask for "
                          "less, or leave --choose away to see the metrics",
                          options.rule->name(), count_text(data.n_rows)));
}

void add_intervals(const EvaluationOptions& options, Objective objective, std::span<const float> margins,
                   const Dataset& data, std::vector<MetricLine>& lines) {
  const std::uint32_t n_replicates = options.bootstrap.n_replicates;
  if (n_replicates == 0) return;
  const std::vector<Metric> metrics = metrics_of(lines);
  std::vector<std::vector<double>> values(metrics.size(), std::vector<double>(n_replicates));
  detail::parallel_for(options.threads, n_replicates, [&](std::size_t replicate) {
    Buffer<float> weights(margins.size());
    bootstrap_weights(options.bootstrap.seed, static_cast<std::uint32_t>(replicate), data.weights,
                      data.side.groups, weights);
    EvaluationColumns columns = evaluation_columns(data);
    columns.weights = weights;
    const std::vector<double> of_replicate = evaluate(metrics, objective, margins, columns, options.costs);
    for (std::size_t m = 0; m < metrics.size(); ++m) values[m][replicate] = of_replicate[m];
  });
  for (std::size_t m = 0; m < lines.size(); ++m) lines[m].interval = percentile_interval(values[m]);
}

void add_thresholds(std::span<const float> predictions, const Dataset& data, Evaluation& evaluation) {
  std::vector<double> thresholds(kThresholds.begin(), kThresholds.end());
  thresholds.push_back(evaluation.threshold);
  std::ranges::sort(thresholds);
  thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
  for (const double threshold : thresholds) {
    evaluation.thresholds.push_back({threshold, confusion(predictions, evaluation_columns(data), threshold)});
  }
  evaluation.confusion =
      std::ranges::find(evaluation.thresholds, evaluation.threshold, &ThresholdLine::threshold)->confusion;
}

/// What costs there are to show.
std::optional<Costs> known_costs(const Costs& costs, const GivenColumns& given) {
  const bool has_alerts = costs.false_positive > 0 || costs.review > 0;
  if (has_alerts && (costs.false_negative || given.amounts)) return costs;
  return std::nullopt;
}

}  // namespace

void check_options(const EvaluationOptions& options, Objective objective, const GivenColumns& given) {
  for (const std::string& name : options.metrics) {
    require_columns(metric_from_string(name), options.costs, given);
  }
  if (!options.rule) return;
  if (objective != Objective::kBinaryLogistic) {
    throw Error("cli.usage", "--choose needs a model of classes, and this one predicts a number");
  }
  require_columns(*options.rule, options.costs, given);
}

Evaluation evaluate_table(const Model& model, const Dataset& data, const EvaluationOptions& options) {
  Evaluation evaluation;
  evaluation.n_rows = data.n_rows;
  evaluation.is_binary = model.objective == Objective::kBinaryLogistic;
  evaluation.columns = given_columns(evaluation_columns(data));
  evaluation.bootstrap = options.bootstrap;
  check_options(options, model.objective, evaluation.columns);
  const std::vector<float> margins = score_table(Scorer(model), data, Output::kMargin, options.threads);
  if (evaluation.is_binary) {
    std::vector<float> predictions = margins;
    margins_to_predictions(model.objective, predictions);
    evaluation.rule = options.rule;
    evaluation.threshold = options.rule ? choose(options, predictions, data) : options.threshold;
    evaluation.costs = known_costs(options.costs, evaluation.columns);
    evaluation.n_days = count_days(data.side.days);
    add_thresholds(predictions, data, evaluation);
  }
  evaluation.metrics = metric_lines(evaluation, options.metrics);
  const std::vector<double> values = evaluate(metrics_of(evaluation.metrics), model.objective, margins,
                                              evaluation_columns(data), options.costs);
  for (std::size_t m = 0; m < values.size(); ++m) evaluation.metrics[m].value = values[m];
  add_intervals(options, model.objective, margins, data, evaluation.metrics);
  return evaluation;
}

}  // namespace coppice::cli
