#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/rank_sums.h>
#include <coppice/metric.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

#include "card_precision.h"
#include "losses.h"
#include "pair_count.h"
#include "ranking.h"

namespace coppice {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

double calibration_error(std::span<const float> predictions, const EvaluationColumns& columns) {
  const Ranking ranking = Ranking::with_scores(predictions, columns);
  const detail::RankScale& scale = ranking.scale();
  detail::CalibrationBins ends, gaps = {};
  for (unsigned bin = 0; bin < ends.size(); ++bin) ends[bin] = detail::calibration_bin_end(scale, bin);
  unsigned bin = 0;
  ranking.for_each_tie([&](float /*score*/, const detail::RankSums& before, const detail::RankSums& above) {
    for (; bin < ends.size() && ends[bin] <= scale.weight(above); ++bin)
      gaps[bin] = detail::calibration_gap(scale, before, above, ends[bin]);
  });
  return detail::calibration_error(scale, gaps);
}

/// Weighted, of the labels.
double label_variance(std::span<const float> labels, std::span<const float> weights) {
  const auto weighted_mean = [&](auto term) {
    const double sum = detail::fixed_sum(
        labels.size(), [&](std::size_t i) { return (weights.empty() ? 1.0F : weights[i]) * term(i); });
    return sum / detail::sum_weights(weights, labels.size());
  };
  const double mean = weighted_mean([&](std::size_t i) { return static_cast<double>(labels[i]); });
  return weighted_mean([&](std::size_t i) { return (labels[i] - mean) * (labels[i] - mean); });
}

double ranking_value(const Metric& metric, const Ranking& ranking, const Costs& costs) {
  switch (metric.kind) {
    case Metric::Kind::kAuc:
      return ranking.folded(detail::PairFold{ranking.scale()});
    case Metric::Kind::kAveragePrecision:
      return ranking.folded(detail::PrecisionFold{ranking.scale()});
    default:
      return ranking.folded(detail::BestTieFold{ranking.scale(), metric, costs});
  }
}

/// Amounts are left out where no metric of ranks looks at them, for they cost time.
EvaluationColumns ranked_columns(std::span<const Metric> metrics, const EvaluationColumns& columns) {
  const bool needs_amounts = std::ranges::any_of(metrics, [](const Metric& metric) {
    return detail::is_of_ranking(metric.kind) && detail::has_amounts(metric.kind);
  });
  return {.labels = columns.labels,
          .weights = columns.weights,
          .amounts = needs_amounts ? columns.amounts : std::span<const float>()};
}

}  // namespace

namespace detail {

double threshold_metric(const Metric& metric, const Confusion& confusion, const Costs& costs) {
  switch (metric.kind) {
    case Metric::Kind::kCost:
      return confusion.cost(costs) / confusion.total();
    case Metric::Kind::kAmountRecall:
      return confusion.amount_recall();
    case Metric::Kind::kAccuracy:
      return confusion.accuracy();
    case Metric::Kind::kPrecision:
      return confusion.precision();
    case Metric::Kind::kRecall:
      return confusion.recall();
    case Metric::Kind::kF1:
      return confusion.f1();
    case Metric::Kind::kMcc:
      return confusion.mcc();
    case Metric::Kind::kBalancedAccuracy:
      return confusion.balanced_accuracy();
    default:
      return confusion.error();
  }
}

bool is_loss(Metric::Kind kind) noexcept {
  return kind == Metric::Kind::kLogloss || kind == Metric::Kind::kBrier || kind == Metric::Kind::kRmse ||
         kind == Metric::Kind::kMae || kind == Metric::Kind::kR2;
}

bool is_of_ranking(Metric::Kind kind) noexcept {
  switch (kind) {
    case Metric::Kind::kAuc:
    case Metric::Kind::kAveragePrecision:
    case Metric::Kind::kRecallAtFpr:
    case Metric::Kind::kPrecisionAtRecall:
    case Metric::Kind::kRecallAtPrecision:
    case Metric::Kind::kPrecisionAtCount:
    case Metric::Kind::kMinCost:
    case Metric::Kind::kAmountRecallAtFpr:
      return true;
    default:
      return false;
  }
}

bool has_amounts(Metric::Kind kind) noexcept {
  return kind == Metric::Kind::kCost || kind == Metric::Kind::kMinCost ||
         kind == Metric::Kind::kAmountRecall || kind == Metric::Kind::kAmountRecallAtFpr;
}

double sum_weights(std::span<const float> weights, std::size_t n) {
  if (weights.empty()) return static_cast<double>(n);
  return fixed_sum(n, [weights](std::size_t i) { return static_cast<double>(weights[i]); });
}

double loss_metric(Metric::Kind kind, double mean, std::span<const float> labels,
                   std::span<const float> weights) {
  if (kind == Metric::Kind::kRmse) return std::sqrt(mean);
  if (kind != Metric::Kind::kR2) return mean;
  const double variance = label_variance(labels, weights);
  return variance > 0 ? 1 - mean / variance : kNaN;
}

}  // namespace detail

double evaluate(const Metric& metric, Objective objective, std::span<const float> margins,
                const EvaluationColumns& columns, const Costs& costs) {
  return evaluate(std::span(&metric, 1), objective, margins, columns, costs).front();
}

std::vector<double> evaluate(std::span<const Metric> metrics, Objective objective,
                             std::span<const float> margins, const EvaluationColumns& columns,
                             const Costs& costs) {
  for (const Metric& metric : metrics) require_columns(metric, costs, given_columns(columns));
  const auto ranks = [](const Metric& metric) { return detail::is_of_ranking(metric.kind); };
  const bool ranks_once = std::ranges::count_if(metrics, ranks) == 1;
  std::optional<Ranking> ranking;
  std::optional<Buffer<float>> all_predictions;
  const auto predictions = [&]() -> std::span<const float> {
    if (!all_predictions) margins_to_predictions(objective, all_predictions.emplace(margins));
    return *all_predictions;
  };
  std::vector<double> values;
  for (const Metric& metric : metrics) {
    if (metric.kind == Metric::Kind::kAuc && ranks_once && columns.weights.empty()) {
      if (const auto value = auc_by_rare_class(margins, columns.labels)) {
        values.push_back(*value);
        continue;
      }
    }
    if (metric.kind == Metric::Kind::kCardPrecision) {
      values.push_back(card_precision(margins, columns, metric.argument));
    } else if (detail::is_of_ranking(metric.kind)) {
      if (!ranking) ranking.emplace(margins, ranked_columns(metrics, columns));
      values.push_back(ranking_value(metric, *ranking, costs));
    } else if (metric.has_threshold()) {
      const Confusion at = confusion(predictions(), columns, metric.argument);
      values.push_back(detail::threshold_metric(metric, at, costs));
    } else if (metric.kind == Metric::Kind::kCalibrationError) {
      values.push_back(calibration_error(predictions(), columns));
    } else {
      const double mean = mean_loss(metric.kind, objective, margins, columns.labels, columns.weights);
      values.push_back(detail::loss_metric(metric.kind, mean, columns.labels, columns.weights));
    }
  }
  return values;
}

}  // namespace coppice
