#include <coppice/detail/fixed_sum.h>
#include <coppice/metric.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

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
    above.positive += tie.positive;
    above.negative += tie.negative;
  });
  const double pairs = above.positive * above.negative;
  return pairs > 0 ? right / pairs : kNaN;
}

double average_precision(const Ranking& ranking) {
  Tie above;
  double sum = 0;
  ranking.for_each_tie([&](const Tie& tie) {
    above.positive += tie.positive;
    above.negative += tie.negative;
    if (tie.positive > 0) sum += tie.positive * (above.positive / (above.positive + above.negative));
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

double calibration_error(Objective objective, std::span<const float> margins, std::span<const float> labels,
                         std::span<const float> weights) {
  constexpr std::size_t kBins = 10;
  Buffer<float> predictions(margins);
  margins_to_predictions(objective, predictions);
  const Ranking ranking(predictions, labels, weights);
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

double r_squared(Objective objective, std::span<const float> margins, std::span<const float> labels,
                 std::span<const float> weights) {
  const auto weighted_mean = [&](auto term) {
    const double sum = detail::fixed_sum(
        labels.size(), [&](std::size_t i) { return (weights.empty() ? 1.0F : weights[i]) * term(i); });
    return sum / sum_weights(weights, labels.size());
  };
  const double mean = weighted_mean([&](std::size_t i) { return static_cast<double>(labels[i]); });
  const double variance =
      weighted_mean([&](std::size_t i) { return (labels[i] - mean) * (labels[i] - mean); });
  return variance > 0 ? 1 - mean_loss(Metric::Kind::kR2, objective, margins, labels, weights) / variance
                      : kNaN;
}

double ranking_value(const Metric& metric, const Ranking& ranking) {
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
    case Metric::Kind::kPrecisionAtCount:
      return precision_at_count(ranking, x);
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
      return true;
    default:
      return false;
  }
}

double threshold_value(const Metric& metric, const Confusion& confusion) {
  switch (metric.kind) {
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

Confusion confusion_of_margins(Objective objective, std::span<const float> margins,
                               std::span<const float> labels, std::span<const float> weights,
                               double threshold) {
  Buffer<float> predictions(margins);
  margins_to_predictions(objective, predictions);
  return confusion(predictions, labels, weights, threshold);
}

double loss_value(Metric::Kind kind, Objective objective, std::span<const float> margins,
                  std::span<const float> labels, std::span<const float> weights) {
  switch (kind) {
    case Metric::Kind::kCalibrationError:
      return calibration_error(objective, margins, labels, weights);
    case Metric::Kind::kR2:
      return r_squared(objective, margins, labels, weights);
    case Metric::Kind::kRmse:
      return std::sqrt(mean_loss(kind, objective, margins, labels, weights));
    default:
      return mean_loss(kind, objective, margins, labels, weights);
  }
}

}  // namespace

double evaluate(const Metric& metric, Objective objective, std::span<const float> margins,
                std::span<const float> labels, std::span<const float> weights) {
  return evaluate(std::span(&metric, 1), objective, margins, labels, weights).front();
}

std::vector<double> evaluate(std::span<const Metric> metrics, Objective objective,
                             std::span<const float> margins, std::span<const float> labels,
                             std::span<const float> weights) {
  const auto ranks = [](const Metric& metric) { return is_of_ranking(metric.kind); };
  const bool ranks_once = std::ranges::count_if(metrics, ranks) == 1;
  std::optional<Ranking> ranking;
  std::vector<double> values;
  for (const Metric& metric : metrics) {
    if (metric.kind == Metric::Kind::kAuc && ranks_once && weights.empty()) {
      if (const auto value = auc_by_rare_class(margins, labels)) {
        values.push_back(*value);
        continue;
      }
    }
    if (is_of_ranking(metric.kind)) {
      if (!ranking) ranking.emplace(margins, labels, weights);
      values.push_back(ranking_value(metric, *ranking));
    } else if (metric.has_threshold()) {
      values.push_back(threshold_value(
          metric, confusion_of_margins(objective, margins, labels, weights, metric.argument)));
    } else {
      values.push_back(loss_value(metric.kind, objective, margins, labels, weights));
    }
  }
  return values;
}

}  // namespace coppice
