// How far a model of numbers is off.
#include <coppice/cuts.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

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

std::string label_name(const ModelReport& report) {
  return report.data.schema.label.empty() ? "the label" : report.data.schema.label;
}

std::string interval_note(const MetricLine& line) {
  if (!line.interval) return "";
  return fmt::format("{} to {}", number_html(line.interval->low, short_number(line.interval->low)),
                     number_html(line.interval->high, short_number(line.interval->high)));
}

const MetricLine& metric(const ModelReport& report, std::string_view name) {
  return *std::ranges::find(report.evaluation.metrics, name, &MetricLine::name);
}

/// Value at a share of the way through sorted numbers.
double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

std::vector<double> sorted_residuals(const ModelReport& report) {
  std::vector<double> residuals;
  for (std::size_t row = 0; row < report.data.n_rows; ++row) {
    residuals.push_back(static_cast<double>(report.predictions[row]) - report.data.labels[row]);
  }
  std::ranges::sort(residuals);
  return residuals;
}

std::string actual_figure(const ModelReport& report) {
  constexpr std::size_t kDots = 1500;
  const auto [low_label, high_label] = std::ranges::minmax(report.data.labels);
  const auto [low, high] = std::ranges::minmax(report.predictions);
  const Scale scale =
      linear_scale(std::min<double>(low, low_label), std::max<double>(high, high_label), Unit::kNumber, 4);
  Plot plot({.title = "Predicted and actual",
             .description = "Predictions against actual numbers, a dot for a row",
             .x = {"actual", scale},
             .y = {"predicted", scale}});
  std::vector<Point> points;
  for (const std::uint32_t row : cut_sample(report.data.n_rows, {.sample_rows = kDots})) {
    points.push_back({report.data.labels[row], report.predictions[row]});
  }
  plot.cloud(points, Role::kAccent, "rows");
  const std::array<Point, 2> diagonal = {{{scale.low, scale.low}, {scale.high, scale.high}}};
  plot.dashes(diagonal, "predicted as it is");
  return cell("Predicted against actual",
              report.data.n_rows > kDots
                  ? fmt::format("{} of the rows; on the line are those that are right.", count_text(kDots))
                  : "Every row; on the line are those that are right.",
              plot.svg());
}

std::string residual_figure(const std::vector<double>& residuals) {
  constexpr std::size_t kColumns = 48;
  // The farthest thousandths would leave the rest without room: they are in the outer columns.
  const double reach = std::max(std::abs(quantile(residuals, 0.005)), std::abs(quantile(residuals, 0.995)));
  const Scale x = linear_scale(-reach, reach, Unit::kNumber, 4);
  std::vector<double> edges, counts(kColumns, 0);
  for (std::size_t i = 0; i <= kColumns; ++i) edges.push_back(x.value_at(static_cast<double>(i) / kColumns));
  for (const double residual : residuals) {
    ++counts[std::min(kColumns - 1, static_cast<std::size_t>(x.place(residual) * kColumns))];
  }
  Plot plot({.title = "Residuals",
             .description = "How many rows are off by how much",
             .x = {"predicted minus actual", x},
             .y = {"rows", linear_scale(0, 1.05 * std::ranges::max(counts), Unit::kNumber, 4)}});
  plot.columns(edges, counts, Role::kAccent, "rows");
  plot.vertical(0, "right");
  return cell("How far off", "To the right: predicted too high.", plot.svg());
}

/// Residuals of rows of similar prediction.
std::string spread_figure(const ModelReport& report) {
  const std::size_t n_bins = std::clamp<std::size_t>(report.data.n_rows / 20, 1, 20);
  std::vector<std::pair<float, float>> rows;
  for (std::size_t row = 0; row < report.data.n_rows; ++row) {
    rows.emplace_back(report.predictions[row], report.predictions[row] - report.data.labels[row]);
  }
  std::ranges::sort(rows);
  std::vector<Point> low, middle, high;
  for (std::size_t bin = 0; bin < n_bins; ++bin) {
    const std::size_t first = bin * rows.size() / n_bins, last = (bin + 1) * rows.size() / n_bins;
    std::vector<double> residuals;
    for (std::size_t i = first; i < last; ++i) residuals.push_back(rows[i].second);
    std::ranges::sort(residuals);
    const double x = rows[(first + last) / 2].first;
    low.push_back({x, quantile(residuals, 0.1)});
    middle.push_back({x, quantile(residuals, 0.5)});
    high.push_back({x, quantile(residuals, 0.9)});
  }
  const double reach =
      std::max(-std::ranges::min(low, {}, &Point::y).y, std::ranges::max(high, {}, &Point::y).y);
  const Scale x = linear_scale(low.front().x, low.back().x, Unit::kNumber, 4);
  Plot plot({.title = "Residuals by prediction",
             .description = "Median and middle 80 % of the residuals of rows of similar prediction",
             .x = {"predicted", x},
             .y = {"predicted minus actual", linear_scale(-reach, reach, Unit::kNumber, 4)}});
  plot.band(low, high, "middle 80 % of the rows");
  const std::array<Point, 2> zero = {{{x.low, 0}, {x.high, 0}}};
  plot.dashes(zero, "right");
  plot.line(middle, Role::kAccent, "median");
  plot.label(middle[middle.size() / 2], "median", Role::kAccent, Side::kAbove);
  plot.label(high[high.size() * 3 / 4], "80 % of the rows", Role::kMuted, Side::kAbove);
  return cell("Where it is off", "A median away from zero: predictions of that size lean to one side.",
              plot.svg());
}

}  // namespace

std::string numbers_header(const ModelReport& report) {
  const MetricLine& mae = metric(report, "mae");
  std::vector<double> sizes = sorted_residuals(report);
  for (double& residual : sizes) residual = std::abs(residual);
  std::ranges::sort(sizes);
  std::string html = fmt::format(
      "<header>\n<p class=\"kicker\">Coppice report: <code>{}</code> on <code>{}</code></p>\n"
      "<h1>Predicts {}, off by {} on average.</h1>\n<p class=\"lede\">Over {} rows, half of the predictions "
      "are "
      "off by less than {}, nine of ten by less than {}.</p>\n",
      escape(report.model_path), escape(fmt::format("{}", fmt::join(report.data_paths, ", "))),
      escape(label_name(report)), escape(short_number(mae.value)), count_text(report.data.n_rows),
      escape(short_number(quantile(sizes, 0.5))), escape(short_number(quantile(sizes, 0.9))));
  std::vector<KeyNumber> numbers;
  for (const MetricLine& line : report.evaluation.metrics) {
    numbers.push_back({line.title, number_html(line.value, short_number(line.value)), interval_note(line)});
  }
  return html + key_numbers(numbers) + "</header>\n";
}

std::string residual_section(const ModelReport& report) {
  return section(
      "How far the predictions are off", "",
      grid(actual_figure(report) + residual_figure(sorted_residuals(report)) + spread_figure(report)));
}

}  // namespace coppice::cli
