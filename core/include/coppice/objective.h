// What a model predicts, and how a margin (raw score) becomes a prediction.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace coppice {

enum class Objective : std::uint8_t { kBinaryLogistic, kSquaredError };

/// `binary:logistic` or `reg:squarederror`.
[[nodiscard]] constexpr std::string_view to_string(Objective objective) noexcept {
  return objective == Objective::kBinaryLogistic ? "binary:logistic" : "reg:squarederror";
}

/// Errors: core.objective.unknown names the ones that exist.
[[nodiscard]] Objective objective_from_string(std::string_view name);

/// base score (in prediction space) to margin: the logit for binary:logistic, itself otherwise.
/// The logit is XGBoost's, -log(1 / p - 1) in float32 with p kept in [1e-6, 1 - 1e-6], so that a model means
/// the same to both. Its log is the nearest float32 but for rare ties; XGBoost takes the C library's logf,
/// which in glibc is one unit in the last place away for about one p in two hundred.
[[nodiscard]] float base_margin(Objective objective, float base_score) noexcept;

/// Margins to predictions, in place: the sigmoid for binary:logistic, unchanged otherwise.
/// The sigmoid is XGBoost's, 1 / (1 + exp(-x)) in float32 with -x at most 88.7. Its exp is the nearest
/// float32 but for rare ties; XGBoost takes the C library's expf, which in glibc makes about one prediction
/// in four thousand differ by a unit or two in the last place.
void margins_to_predictions(Objective objective, std::span<float> margins) noexcept;

}  // namespace coppice
