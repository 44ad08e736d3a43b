// What a model looks at, and how its training went.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "report/bars.h"
#include "report/html.h"
#include "report/page.h"
#include "report/partial_dependence.h"
#include "report/plot.h"
#include "report/scale.h"
#include "report/sections.h"
#include "text.h"

namespace coppice::cli {
namespace {

constexpr std::size_t kImportanceBars = 20;
constexpr std::size_t kDependenceFigures = 6;

std::string importance_figure(const std::vector<Importance>& importances) {
  double all = 0;
  for (const Importance& feature : importances) all += feature.gain;
  std::vector<Bar> bars;
  for (const Importance& feature : importances) {
    if (bars.size() == kImportanceBars) break;
    const double share = feature.gain / all;
    bars.push_back({feature.feature, share, short_percent(share, 2),
                    fmt::format("{}: gain {} in {} splits", feature.feature, short_number(feature.gain),
                                count_text(feature.count))});
  }
  std::string caption = "Share of the loss that the splits on a feature removed.";
  if (importances.size() > bars.size()) {
    caption += fmt::format(" {} features with less are not shown.", importances.size() - bars.size());
  }
  return cell("Feature importance", caption, bar_chart("Feature importance", caption, bars));
}

/// What the figures of one report share, so that their heights can be compared.
struct DependenceScale {
  Scale y;
  Unit unit = Unit::kNumber;
  std::string title;
};

DependenceScale dependence_scale(const ModelReport& report, const std::vector<PartialDependence>& all) {
  double low = std::numeric_limits<double>::max(), high = std::numeric_limits<double>::lowest();
  for (const PartialDependence& dependence : all) {
    for (const double mean : dependence.means) {
      low = std::min(low, mean);
      high = std::max(high, mean);
    }
    low = std::min(low, dependence.missing.value_or(low));
    high = std::max(high, dependence.missing.value_or(high));
  }
  if (report.model.objective != Objective::kBinaryLogistic) {
    return {linear_scale(low, high, Unit::kNumber, 4, true), Unit::kNumber, "mean prediction"};
  }
  if (is_rare(report.evaluation.confusion)) {
    return {log_scale(low / 1.2, high * 1.2, Unit::kPercent), Unit::kPercent, "mean score (log scale)"};
  }
  return {linear_scale(low, high, Unit::kPercent, 4, true), Unit::kPercent, "mean score"};
}

/// From a little below the first threshold to a little above the last one: beyond, nothing changes. Numbers
/// that crowd near zero, as amounts do, get a log scale.
Scale value_scale(const std::vector<float>& thresholds) {
  const double first = thresholds.front(), last = thresholds.back();
  const double middle = thresholds[thresholds.size() / 2];
  if (first > 0 && last > 20 * first && middle < 0.15 * last) {
    return log_scale(first / 1.5, last * 1.5, Unit::kNumber);
  }
  const double room = last > first ? 0.06 * (last - first) : 0.1 * std::max(std::abs(first), 1.0);
  return linear_scale(first - room, last + room, Unit::kNumber, 4);
}

/// Rows along an axis; the highest column has height 1. Square roots, so that few rows are seen beside many.
void add_rug(Plot& plot, const Scale& scale, const Buffer<float>& column) {
  constexpr std::size_t kColumns = 60;
  std::vector<double> edges, counts(kColumns, 0);
  for (std::size_t i = 0; i <= kColumns; ++i) {
    edges.push_back(scale.value_at(static_cast<double>(i) / kColumns));
  }
  for (const float value : column) {
    if (value >= scale.low && value <= scale.high) {
      ++counts[std::min(kColumns - 1, static_cast<std::size_t>(scale.place(value) * kColumns))];
    }
  }
  const double most = std::max(1.0, std::ranges::max(counts));
  for (double& count : counts) count = std::sqrt(count / most);
  plot.rug(edges, counts);
}

std::string numeric_dependence(const ModelReport& report, const PartialDependence& dependence,
                               const DependenceScale& shared) {
  const std::string& name = report.model.schema.features[dependence.feature].name;
  const Scale x = value_scale(dependence.thresholds);
  Plot plot({.title = "Partial dependence on " + name,
             .description = "Mean prediction when the feature is set to a value in every row",
             .x = {"", x},
             .y = {"", shared.y},
             .height = 180});
  add_rug(plot, x, report.data.columns[dependence.feature]);
  std::vector<Point> steps;
  for (std::size_t i = 0; i < dependence.means.size(); ++i) {
    const bool is_first = i == 0, is_last = i + 1 == dependence.means.size();
    steps.push_back({is_first ? x.low : dependence.thresholds[i - 1], dependence.means[i]});
    steps.push_back({is_last ? x.high : dependence.thresholds[i], dependence.means[i]});
  }
  if (dependence.missing) {
    const Point missing = {x.high, *dependence.missing};
    plot.dot(missing, Role::kMuted, "missing: " + short_text(*dependence.missing, shared.unit));
    plot.label(missing, "missing", Role::kMuted, Side::kAbove);
  }
  plot.line(steps, Role::kAccent, name);
  for (std::size_t i = 0; i + 1 < steps.size(); i += 2) {
    plot.hover({x.value_at((x.place(steps[i].x) + x.place(steps[i + 1].x)) / 2), steps[i].y},
               fmt::format("from {} to {}: {}", i == 0 ? "below" : short_number(steps[i].x),
                           i + 2 == steps.size() ? "above" : short_number(steps[i + 1].x),
                           short_text(steps[i].y, shared.unit)));
  }
  return cell(shorten(name, 60), shared.title, plot.svg());
}

std::string categorical_dependence(const ModelReport& report, const PartialDependence& dependence,
                                   const DependenceScale& shared) {
  const Feature& feature = report.model.schema.features[dependence.feature];
  const auto n_rows = static_cast<double>(report.data.n_rows);
  const auto share_of = [&](auto is_it) {
    return static_cast<double>(std::ranges::count_if(report.data.columns[dependence.feature], is_it)) /
           n_rows;
  };
  std::vector<Bar> dots;
  const auto add = [&](const std::string& name, double mean, double share) {
    dots.push_back({name, mean, short_text(mean, shared.unit),
                    fmt::format("{}: {} of the rows", name, short_percent(share))});
  };
  for (std::size_t i = 0; i < dependence.codes.size(); ++i) {
    const std::size_t code = dependence.codes[i];
    add(code < feature.categories.size() ? feature.categories[code] : "(other)", dependence.means[i],
        share_of([&](float value) { return value == static_cast<float>(code); }));
  }
  std::ranges::stable_sort(dots, std::greater<>(), &Bar::value);
  if (dependence.missing) {
    add("(missing)", *dependence.missing, share_of([](float value) { return std::isnan(value); }));
    dots.back().role = Role::kMuted;
  }
  return cell(
      shorten(feature.name, 60), shared.title,
      dot_chart("Partial dependence on " + feature.name, "Mean prediction by category", dots, shared.y));
}

std::string dependence_figures(const ModelReport& report, const std::vector<Importance>& importances) {
  std::vector<std::size_t> features;
  for (const Importance& importance : importances) {
    if (features.size() == kDependenceFigures) break;
    const auto& all = report.model.schema.features;
    features.push_back(
        static_cast<std::size_t>(std::ranges::find(all, importance.feature, &Feature::name) - all.begin()));
  }
  std::vector<PartialDependence> dependences =
      partial_dependence(report.model, report.data, features, {.threads = report.threads});
  std::erase_if(dependences, [](const PartialDependence& dependence) { return dependence.means.empty(); });
  const DependenceScale shared = dependence_scale(report, dependences);
  std::string html;
  for (const PartialDependence& dependence : dependences) {
    html += dependence.thresholds.empty() ? categorical_dependence(report, dependence, shared)
                                          : numeric_dependence(report, dependence, shared);
  }
  return html;
}

/// Curves of one metric: `auc` of train and validation.
struct CurveGroup {
  std::string metric;
  std::vector<const MetricCurve*> curves;
};

std::vector<CurveGroup> group_curves(const TrainingSummary& summary) {
  std::vector<CurveGroup> groups;
  for (const MetricCurve& curve : summary.curves) {
    if (curve.values.empty()) continue;
    const std::string metric = curve.name.substr(curve.name.find('-') + 1);
    auto group = std::ranges::find(groups, metric, &CurveGroup::metric);
    if (group == groups.end()) group = groups.insert(group, {metric, {}});
    group->curves.push_back(&curve);
  }
  return groups;
}

std::string learning_figure(const TrainingSummary& summary, const CurveGroup& group) {
  double low = std::numeric_limits<double>::max(), high = std::numeric_limits<double>::lowest();
  double last_round = 1, label_room = 0;
  for (const MetricCurve* curve : group.curves) {
    for (const double value : curve->values) {
      if (std::isnan(value)) continue;
      low = std::min(low, value);
      high = std::max(high, value);
    }
    last_round = std::max(
        last_round, static_cast<double>(curve->first_round) + static_cast<double>(curve->values.size()) - 1);
    label_room = std::max(label_room, text_width(shorten(curve->name.substr(0, curve->name.find('-')), 14)));
  }
  Plot plot({.title = "Learning curve of " + group.metric,
             .description = "The metric after each round of training",
             .x = {"round", linear_scale(0, last_round, Unit::kNumber)},
             .y = {"", linear_scale(low, high, Unit::kNumber, 4, true)},
             .height = 200,
             .right_margin = label_room + 12});
  std::vector<Plot::EndLabel> labels;
  if (summary.best_round >= 0) plot.vertical(summary.best_round, fmt::format("best: {}", summary.best_round));
  for (std::size_t c = 0; c < group.curves.size(); ++c) {
    const MetricCurve& curve = *group.curves[c];
    const Role role = c + 1 == group.curves.size() ? Role::kAccent : Role::kMuted;
    const std::string set = curve.name.substr(0, curve.name.find('-'));
    std::vector<Point> points;
    for (std::size_t i = 0; i < curve.values.size(); ++i) {
      if (!std::isnan(curve.values[i]))
        points.push_back({static_cast<double>(curve.first_round) + static_cast<double>(i), curve.values[i]});
    }
    if (points.empty()) continue;
    plot.line(points, role, set);
    labels.push_back({points.back().y, shorten(set, 14), role});
    for (std::size_t i = 0; i < points.size(); i += std::max<std::size_t>(1, points.size() / 50)) {
      plot.hover(points[i], fmt::format("{}, round {}: {}", set, points[i].x, metric_text(points[i].y)));
    }
  }
  plot.label_ends(labels);
  return cell(shorten(group.metric, 40), "after each round", plot.svg());
}

}  // namespace

std::string features_section(const ModelReport& report) {
  const std::vector<Importance> importances = importance(report.model);
  if (importances.empty()) {
    return section("What the model looks at",
                   "Nothing: its trees have no splits, every row gets the same score.", "");
  }
  return section(
      "What the model looks at",
      "The most important features, and what the prediction does when one of them is set to a value in "
      "every row. Grey columns: where the rows are.",
      "<div class=\"features\">" +
          grid(importance_figure(importances) + dependence_figures(report, importances)) + "</div>\n");
}

std::string learning_figures(const TrainingSummary& summary) {
  std::string figures;
  for (const CurveGroup& group : group_curves(summary)) figures += learning_figure(summary, group);
  return figures;
}

}  // namespace coppice::cli
