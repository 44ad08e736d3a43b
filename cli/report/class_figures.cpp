// How a model of classes ranks, and whether its scores are probabilities.
#include <coppice/operating_points.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "report/html.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/scale.h"
#include "report/sections.h"
#include "text.h"

namespace coppice::cli {
namespace {

using Points = std::vector<OperatingPoint>;

std::string threshold_text(const ModelReport& report) {
  return fmt::format("threshold {}", short_number(report.evaluation.threshold));
}

std::string precision_recall_figure(const ModelReport& report, const Points& points) {
  const Confusion& confusion = report.evaluation.confusion;
  const double chance = confusion.positive() / confusion.total();
  Plot plot({.title = "Precision and recall",
             .description = "Precision against recall for every threshold",
             .x = {fmt::format("share of {} caught (recall)", report.names.positive.plural),
                   linear_scale(0, 1, Unit::kPercent)},
             .y = {"share of alerts that are right (precision)", linear_scale(0, 1, Unit::kPercent)}});
  const std::array<Point, 2> base = {{{0, chance}, {1, chance}}};
  plot.dashes(base, "alerts drawn by lot");
  plot.label({0.0, chance}, fmt::format("by lot: {}", short_percent(chance)), Role::kMuted,
             chance < 0.5 ? Side::kAbove : Side::kBelow);
  std::vector<Point> curve;
  for (const OperatingPoint& point : points)
    curve.push_back({point.confusion.recall(), point.confusion.precision()});
  plot.line(curve, Role::kAccent, "precision and recall");
  if (confusion.alerts() > 0) {
    const Point in_use = {confusion.recall(), confusion.precision()};
    plot.dot(in_use, Role::kAccent, "the threshold in use");
    const Side side = in_use.x < 0.6 ? Side::kAboveRight : in_use.y > 0.25 ? Side::kBelowLeft : Side::kAbove;
    plot.label(in_use, threshold_text(report), Role::kAccent, side);
  }
  return cell("Precision against recall",
              "Each point of the line is a threshold: how many alerts are right, for so many caught.",
              plot.svg());
}

/// The lowest power of ten at or above one row of `count`, for the left end of a log scale.
double log_floor(double count) { return std::pow(10, std::floor(std::log10(1 / std::max(count, 10.0)))); }

std::string roc_figure(const ModelReport& report, const Points& points) {
  const Confusion& confusion = report.evaluation.confusion;
  const bool is_log = is_rare(confusion);
  const double negative = confusion.total() - confusion.positive();
  const Scale x =
      is_log ? log_scale(log_floor(negative), 1, Unit::kPercent) : linear_scale(0, 1, Unit::kPercent);
  Plot plot({.title = "ROC curve",
             .description = "Recall against false positive rate for every threshold",
             .x = {fmt::format("share of other {} alerted{}", report.names.row.plural,
                               is_log ? " (log scale)" : ""),
                   x},
             .y = {fmt::format("share of {} caught", report.names.positive.plural),
                   linear_scale(0, 1, Unit::kPercent)}});
  std::vector<Point> chance;
  for (int i = 0; i <= 60; ++i) {
    const double rate = x.value_at(i / 60.0);
    chance.push_back({rate, rate});
  }
  plot.dashes(chance, "alerts drawn by lot");
  plot.label(chance[is_log ? 48 : 30], "by lot", Role::kMuted, is_log ? Side::kLeft : Side::kRight);
  std::vector<Point> curve = {{x.low, 0}};
  for (const OperatingPoint& point : points) {
    curve.push_back({point.confusion.false_positive_rate(), point.confusion.recall()});
  }
  plot.line(curve, Role::kAccent, "ROC curve");
  const Point in_use = {confusion.false_positive_rate(), confusion.recall()};
  plot.dot(in_use, Role::kAccent, "the threshold in use");
  plot.label(in_use, threshold_text(report), Role::kAccent,
             in_use.y > 0.2 ? Side::kBelowRight : Side::kAboveRight);
  return cell("Caught against falsely alerted",
              "The ROC curve: the further to the left it rises, the better.", plot.svg());
}

/// Weights by class in columns of equal width on the logit scale of the prediction.
struct ScoreHistogram {
  Scale x;
  std::vector<double> edges, positive, negative;
};

ScoreHistogram score_histogram(const ModelReport& report) {
  constexpr std::size_t kColumns = 48;
  constexpr double kEnd = 1e-6;
  const auto [low, high] = std::ranges::minmax(report.predictions);
  const double begin = std::clamp<double>(low * 0.9, kEnd, 0.4);
  const double end = std::clamp<double>(1 - 0.9 * (1 - high), 0.6, 1 - kEnd);
  ScoreHistogram histogram{.x = logit_scale(begin, end), .edges = {}, .positive = {}, .negative = {}};
  for (std::size_t i = 0; i <= kColumns; ++i) {
    histogram.edges.push_back(histogram.x.value_at(static_cast<double>(i) / kColumns));
  }
  histogram.positive.resize(kColumns);
  histogram.negative.resize(kColumns);
  for (std::size_t row = 0; row < report.data.n_rows; ++row) {
    const double place = histogram.x.place(report.predictions[row]);
    const std::size_t column = std::min(kColumns - 1, static_cast<std::size_t>(place * kColumns));
    const double weight = report.data.weights.empty() ? 1 : report.data.weights[row];
    (report.data.labels[row] > 0.5 ? histogram.positive : histogram.negative)[column] += weight;
  }
  return histogram;
}

/// A curve along the edge of the columns, to place a label on.
Point highest_column(const ScoreHistogram& histogram, const std::vector<double>& heights) {
  const auto highest = static_cast<std::size_t>(std::ranges::max_element(heights) - heights.begin());
  return {histogram.edges[highest], heights[highest]};
}

std::string score_figure(const ModelReport& report) {
  const ScoreHistogram histogram = score_histogram(report);
  const bool is_log = is_rare(report.evaluation.confusion);
  const double most = std::max(std::ranges::max(histogram.positive), std::ranges::max(histogram.negative));
  Plot plot({.title = "Scores by class",
             .description = "How many rows of each class have which score",
             .x = {"score", histogram.x},
             .y = {fmt::format("{}{}", report.names.row.plural, is_log ? " (log scale)" : ""),
                   is_log ? log_scale(0.7, 5 * most, Unit::kNumber)
                          : linear_scale(0, 1.25 * most, Unit::kNumber, 4)}});
  plot.columns(histogram.edges, histogram.negative, Role::kMuted, "other " + report.names.row.plural);
  plot.columns(histogram.edges, histogram.positive, Role::kAccent, report.names.positive.plural);
  plot.vertical(report.evaluation.threshold, "alerts from here");
  plot.label(highest_column(histogram, histogram.negative), "other " + report.names.row.plural, Role::kMuted,
             Side::kAbove);
  plot.label(highest_column(histogram, histogram.positive), report.names.positive.plural, Role::kAccent,
             Side::kAbove);
  return cell("Scores of the two classes", "The further apart the two shapes, the better the model.",
              plot.svg());
}

/// Rows of similar prediction.
struct CalibrationBin {
  double weight = 0, squares = 0, predicted = 0, positive = 0;

  [[nodiscard]] double mean_prediction() const { return predicted / weight; }
  [[nodiscard]] double share() const { return positive / weight; }
};

std::vector<CalibrationBin> calibration_bins(const ModelReport& report) {
  static constexpr std::array<double, 10> kOfRare = {1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 0.7, 2};
  static constexpr std::array<double, 10> kOfOthers = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 2};
  const auto& ends = is_rare(report.evaluation.confusion) ? kOfRare : kOfOthers;
  std::vector<CalibrationBin> bins(ends.size());
  for (std::size_t row = 0; row < report.data.n_rows; ++row) {
    const double prediction = report.predictions[row];
    const double weight = report.data.weights.empty() ? 1 : report.data.weights[row];
    CalibrationBin& bin =
        bins[static_cast<std::size_t>(std::ranges::upper_bound(ends, prediction) - ends.begin())];
    bin.weight += weight;
    bin.squares += weight * weight;
    bin.predicted += weight * prediction;
    if (report.data.labels[row] > 0.5) bin.positive += weight;
  }
  std::erase_if(bins, [](const CalibrationBin& bin) { return !(bin.weight > 0); });
  return bins;
}

/// Wilson's 95 % interval of a share (Wilson 1927), with the effective number of rows, Kish's, for weights.
Interval wilson_interval(const CalibrationBin& bin) {
  constexpr double kZ = 1.959964;
  const double n = bin.weight * bin.weight / bin.squares, p = bin.share();
  const double middle = p + kZ * kZ / (2 * n);
  const double half = kZ * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  const double scale = 1 + kZ * kZ / n;
  return {std::max(0.0, (middle - half) / scale), std::min(1.0, (middle + half) / scale)};
}

std::string calibration_figure(const ModelReport& report) {
  const std::vector<CalibrationBin> bins = calibration_bins(report);
  const bool is_log = is_rare(report.evaluation.confusion);
  double low = 1;
  for (const CalibrationBin& bin : bins) low = std::min(low, bin.mean_prediction());
  low = std::clamp(std::pow(10, std::floor(std::log10(low))), 1e-5, 0.1);
  const Scale scale = is_log ? log_scale(low, 1, Unit::kPercent) : linear_scale(0, 1, Unit::kPercent);
  const std::string log_note = is_log ? " (log scale)" : "";
  Plot plot({.title = "Calibration",
             .description = "Share of positive rows against the mean score of rows with similar scores",
             .x = {"mean score" + log_note, scale},
             .y = {fmt::format("share that are {}{}", report.names.positive.plural, log_note), scale}});
  std::vector<Point> diagonal;
  for (int i = 0; i <= 40; ++i) diagonal.push_back({scale.value_at(i / 40.0), scale.value_at(i / 40.0)});
  plot.dashes(diagonal, "scores that are probabilities");
  for (const CalibrationBin& bin : bins) {
    const Interval interval = wilson_interval(bin);
    plot.interval(bin.mean_prediction(), interval.low, interval.high, Role::kAccent);
    plot.dot({bin.mean_prediction(), bin.share()}, Role::kAccent,
             fmt::format("score {} on average: {} of {} are {}", short_percent(bin.mean_prediction()),
                         sum_text(bin.positive), counted(bin.weight, report.names.row),
                         report.names.positive.plural));
  }
  return cell("Is a score a probability?",
              "Dots on the dashed line are scores that come true. Bars: 95 % intervals of the share.",
              plot.svg());
}

bool has_both_classes(const Confusion& confusion) {
  return confusion.positive() > 0 && confusion.positive() < confusion.total();
}

}  // namespace

std::string ranking_section(const ModelReport& report) {
  const std::string heading = fmt::format("How well {} are told from the rest", report.names.positive.plural);
  if (!has_both_classes(report.evaluation.confusion)) {
    return section(heading, "All rows have the same label: there are no curves to draw.", "");
  }
  const Points points = operating_points(report.predictions, evaluation_columns(report.data));
  return section(
      heading, "",
      grid(precision_recall_figure(report, points) + roc_figure(report, points) + score_figure(report)));
}

std::string calibration_section(const ModelReport& report) {
  return section(
      "How far the numbers can be trusted", "",
      grid(calibration_figure(report) + cell("All measures", "Over all thresholds, or at the one in use.",
                                             measures_table(report), CellWidth::kTwo)));
}

}  // namespace coppice::cli
