#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/metric.h>

#include <algorithm>
#include <array>
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

double area_under_curve(const Ranking& ranking) {
  Tie above;
  double right = 0;
  ranking.for_each_tie([&](const Tie& tie) {
    right += tie.negative * (above.positive + 0.5 * tie.positive);
    above += tie;
  });
  const double pairs = above.positive * above.negative;
  return pairs > 0 ? right / pairs : kNaN;
}

double average_precision(const Ranking& ranking) {
  Tie above;
  double sum = 0;
  ranking.for_each_tie([&](const Tie& tie) {
    above += tie;
    if (tie.positive > 0) sum += detail::precision_step(tie.positive, above.positive, above.negative);
  });
  return above.positive > 0 && above.negative > 0 ? sum / above.positive : kNaN;
}

/// Greatest value of a threshold that is good enough; 0 when none is.
template <class IsGood, class Value>
double best_threshold_value(const Ranking& ranking, IsGood is_good, Value value) {
  const Tie all = ranking.total();
  if (!(all.positive > 0 && all.negative > 0)) return kNaN;
  double best = 0;
  ranking.for_each_threshold([&](float, const Confusion& confusion) {
    if (is_good(confusion)) best = std::max(best, value(confusion));
  });
  return best;
}

double precision_at_count(const Ranking& ranking, double count) {
  double taken = 0, positive = 0;
  ranking.for_each_tie([&](const Tie& tie) {
    const double weight = std::min(tie.weight(), count - taken);
    if (!(weight > 0)) return;
    positive += tie.positive * (weight / tie.weight());
    taken += weight;
  });
  return positive / taken;
}

/// Of the best threshold, or of none; per unit of weight.
double least_cost(const Ranking& ranking, const Costs& costs) {
  const Tie all = ranking.total();
  double least = Confusion{.false_negative = all.positive, .missed_amount = all.amount}.cost(costs);
  ranking.for_each_threshold(
      [&](float, const Confusion& confusion) { least = std::min(least, confusion.cost(costs)); });
  return least / all.weight();
}

double calibration_error(std::span<const float> predictions, const EvaluationColumns& columns) {
  constexpr std::size_t kBins = 10;
  const Ranking ranking(predictions, {.labels = columns.labels, .weights = columns.weights});
  const double all = ranking.total().weight();
  // Bin b holds the weight from all * b / 10 to all * (b + 1) / 10; its gap is the sum of prediction - label.
  std::array<double, kBins> gaps = {};
  double begin = 0;
  std::size_t bin = 0;
  ranking.for_each_tie([&](const Tie& tie) {
    const double end = begin + tie.weight();
    const double gap = tie.score - tie.positive / tie.weight();
    while (begin < end) {
      const double bin_end =
          bin + 1 < kBins ? all * static_cast<double>(bin + 1) / kBins : std::numeric_limits<double>::max();
      const double cut = std::clamp(bin_end, begin, end);
      gaps[bin] += (cut - begin) * gap;
      begin = cut;
      if (begin < end) ++bin;
    }
  });
  double sum = 0;
  for (const double gap : gaps) sum += std::abs(gap);
  return sum / all;
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
  const double x = metric.argument;
  switch (metric.kind) {
    case Metric::Kind::kAveragePrecision:
      return average_precision(ranking);
    case Metric::Kind::kRecallAtFpr:
      return best_threshold_value(
          ranking, [x](const Confusion& c) { return c.false_positive_rate() <= x; },
          [](const Confusion& c) { return c.recall(); });
    case Metric::Kind::kPrecisionAtRecall:
      return best_threshold_value(
          ranking, [x](const Confusion& c) { return c.recall() >= x && c.alerts() > 0; },
          [](const Confusion& c) { return c.precision(); });
    case Metric::Kind::kRecallAtPrecision:
      return best_threshold_value(
          ranking, [x](const Confusion& c) { return c.precision() >= x; },
          [](const Confusion& c) { return c.recall(); });
    case Metric::Kind::kAmountRecallAtFpr:
      if (!(ranking.total().amount > 0)) return kNaN;
      return best_threshold_value(
          ranking, [x](const Confusion& c) { return c.false_positive_rate() <= x; },
          [](const Confusion& c) { return c.amount_recall(); });
    case Metric::Kind::kPrecisionAtCount:
      return precision_at_count(ranking, x);
    case Metric::Kind::kMinCost:
      return least_cost(ranking, costs);
    default:
      return area_under_curve(ranking);
  }
}

bool is_of_ranking(Metric::Kind kind) {
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

/// Amounts are left out where no metric of ranks looks at them, for they cost time.
EvaluationColumns ranked_columns(std::span<const Metric> metrics, const EvaluationColumns& columns) {
  const bool needs_amounts = std::ranges::any_of(metrics, [](const Metric& metric) {
    return metric.kind == Metric::Kind::kMinCost || metric.kind == Metric::Kind::kAmountRecallAtFpr;
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
  const auto ranks = [](const Metric& metric) { return is_of_ranking(metric.kind); };
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
    } else if (is_of_ranking(metric.kind)) {
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
