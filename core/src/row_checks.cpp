#include "row_checks.h"

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/row_bounds.h>
#include <coppice/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace coppice {
namespace {

/// Squares and sums of gradients have to stay finite in float32.
constexpr double kLargestGradient = 1e17;

}  // namespace

void check_labels(std::span<const float> labels, Objective objective) {
  const bool is_binary = objective == Objective::kBinaryLogistic;
  // Labels are usually right, and a loop without a way out takes many at a time.
  std::uint32_t some_are_wrong = 0;
  if (is_binary)
    for (const float y : labels) some_are_wrong |= std::uint32_t{y != 0.0F} & std::uint32_t{y != 1.0F};
  else
    some_are_wrong = std::uint32_t{!std::isfinite(detail::largest_magnitude(labels))};
  if (some_are_wrong == 0) return;
  const auto found = std::ranges::find_if(
      labels, [is_binary](float y) { return is_binary ? y != 0.0F && y != 1.0F : !std::isfinite(y); });
  throw Error("core.train.label", fmt::format("row {}: label {} is not {}", found - labels.begin(), *found,
                                              is_binary ? "0 or 1" : "finite"));
}

void check_weights(std::span<const float> weights) {
  for (std::size_t row = 0; row < weights.size(); ++row)
    if (!(weights[row] >= 0) || !std::isfinite(weights[row]))
      throw Error("core.train.weight",
                  fmt::format("row {}: weight {} is not a number >= 0", row, weights[row]));
}

LabelSums sum_labels(std::span<const float> labels, std::span<const float> weights) {
  const auto label = [&](std::size_t i) { return static_cast<double>(labels[i]); };
  const auto weighted = [&](std::size_t i) { return static_cast<double>(weights[i]) * label(i); };
  return {
      weights.empty() ? detail::fixed_sum(labels.size(), label) : detail::fixed_sum(labels.size(), weighted),
      detail::sum_weights(weights, labels.size())};
}

void check_sums(const LabelSums& sums, const Parameters& parameters, const TrainingData& data) {
  if (!(sums.weight > 0))
    throw Error("core.train.weight", "all weights are 0: there is nothing to learn from");
  const bool is_binary = parameters.objective == Objective::kBinaryLogistic;
  if (is_binary && !(sums.label > 0 && sums.label < sums.weight))
    throw Error("core.train.one_class",
                fmt::format("every label of column '{}' is {} (rows of weight 0 aside): a "
                            "binary model needs both classes",
                            data.schema.label, sums.label > 0 ? 1 : 0));
  const double residual =
      std::max(std::fabs(parameters.base_score.value_or(0)), detail::largest_magnitude(data.labels));
  double weight = std::max(1.0, detail::largest_magnitude(data.weights));
  if (is_binary) weight *= std::max(1.0, parameters.scale_pos_weight);
  if (residual * weight > kLargestGradient)
    throw Error("core.train.scale",
                fmt::format("labels (or base_score) up to {} with weights up to {} are too large for float32 "
                            "gradients: scale them down",
                            residual, weight));
}

}  // namespace coppice
