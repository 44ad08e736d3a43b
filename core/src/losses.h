// Metrics that are means over rows of what a prediction costs.
#pragma once

#include <coppice/metric.h>

#include <span>

namespace coppice {

/// Weighted mean over rows of the loss behind logloss, brier, rmse, r2 (squares) and mae.
[[nodiscard]] double mean_loss(Metric::Kind kind, Objective objective, std::span<const float> margins,
                               std::span<const float> labels, std::span<const float> weights);

}  // namespace coppice
