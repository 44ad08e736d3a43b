// What a row adds to a metric, and metrics from what rows have added up to: one definition for core and for
// sessions that add up where the margins are.
#pragma once

#include <coppice/confusion.h>
#include <coppice/detail/host_device.h>
#include <coppice/detail/math.h>
#include <coppice/metric.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice::detail {

/// Who counts as positive, for every metric of classes.
constexpr bool is_positive(double label) noexcept { return label > 0.5; }

// ---------------------------------------------------------------------------------------------------------
// Predictions and losses. Clamps are apart from the arithmetic, in loops of their own, as exp_double asks
// for.

/// -margin, where XGBoost stops: at 88.7, short of overflow; exp(-104) is 0 in float32.
constexpr float negated_margin(float margin) noexcept { return std::clamp(-margin, -104.0F, 88.7F); }
/// The sigmoid of a margin, from its negated_margin().
constexpr float sigmoid_of_negated(float x) noexcept {
  return 1.0F / (1.0F + static_cast<float>(exp_double(x)));
}
/// margins_to_predictions() for one margin.
constexpr float prediction_of(Objective objective, float margin) noexcept {
  return objective == Objective::kBinaryLogistic ? sigmoid_of_negated(negated_margin(margin)) : margin;
}

/// A margin that is kept where its prediction is in [1e-16, 1 - 1e-16].
constexpr double clipped_margin(double margin) noexcept {
  constexpr double kLimit = 36.841361487904734;
  return std::clamp(margin, -kLimit, kLimit);
}
/// -(y log p + (1 - y) log(1 - p)) from the clipped margin z = log(p / (1 - p)), as
/// max(z, 0) - y z + log(1 + exp(-|z|)).
COPPICE_HOST_DEVICE inline double log_loss_of_clipped(double z, double label) noexcept {
  const double size = std::abs(z);
  return 0.5 * (z + size) - label * z + log1p_double(exp_double(-size));
}

/// What a prediction costs.
COPPICE_HOST_DEVICE inline double loss_of_prediction(Metric::Kind kind, double prediction,
                                                     double label) noexcept {
  if (kind == Metric::Kind::kLogloss) {
    const double p = std::clamp(prediction, 1e-16, 1 - 1e-16);
    return -(label * log_double(p) + (1 - label) * log_double(1 - p));
  }
  if (kind == Metric::Kind::kMae) return std::abs(prediction - label);
  return (prediction - label) * (prediction - label);
}

/// What a margin costs, unweighted.
COPPICE_HOST_DEVICE inline double loss_of_margin(Metric::Kind kind, Objective objective, float margin,
                                                 float label) noexcept {
  if (kind == Metric::Kind::kLogloss && objective == Objective::kBinaryLogistic)
    return log_loss_of_clipped(clipped_margin(margin), label);
  return loss_of_prediction(kind, prediction_of(objective, margin), label);
}

/// Is it a mean over rows of what predictions cost (or follows from one)? logloss, brier, rmse, mae, r2.
[[nodiscard]] bool is_loss(Metric::Kind kind) noexcept;

/// Sum of weights; n when there are none.
[[nodiscard]] double sum_weights(std::span<const float> weights, std::size_t n);

/// A loss metric from the weighted mean of loss_of_margin over the rows.
[[nodiscard]] double loss_metric(Metric::Kind kind, double mean, std::span<const float> labels,
                                 std::span<const float> weights);

// ---------------------------------------------------------------------------------------------------------
// Thresholds and ranks

/// A metric that has a threshold, from the confusion there.
[[nodiscard]] double threshold_metric(const Metric& metric, const Confusion& confusion, const Costs& costs);

/// Is it worked out from rows in the order of their margins?
[[nodiscard]] bool is_of_ranking(Metric::Kind kind) noexcept;

/// Does it look at amounts (where the price of a miss is not fixed)?
[[nodiscard]] bool has_amounts(Metric::Kind kind) noexcept;

}  // namespace coppice::detail
