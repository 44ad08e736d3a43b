#include <coppice/detail/math.h>
#include <coppice/error.h>
#include <coppice/objective.h>
#include <fmt/format.h>

#include <algorithm>

namespace coppice {

Objective objective_from_string(std::string_view name) {
  for (const Objective objective : {Objective::kBinaryLogistic, Objective::kSquaredError}) {
    if (name == to_string(objective)) return objective;
  }
  throw Error("core.objective.unknown",
              fmt::format("unknown objective '{}'; there are {} and {}", name,
                          to_string(Objective::kBinaryLogistic), to_string(Objective::kSquaredError)));
}

float base_margin(Objective objective, float base_score) noexcept {
  if (objective != Objective::kBinaryLogistic) return base_score;
  const float odds_against = 1.0F / std::clamp(base_score, 1e-6F, 1.0F - 1e-6F) - 1.0F;
  return -static_cast<float>(detail::log_double(odds_against));
}

void margins_to_predictions(Objective objective, std::span<float> margins) noexcept {
  if (objective != Objective::kBinaryLogistic) return;
  // XGBoost stops at 88.7, short of overflow; exp(-104) is 0 in float32.
  for (float& x : margins) x = std::clamp(-x, -104.0F, 88.7F);
  for (float& x : margins) x = 1.0F / (1.0F + static_cast<float>(detail::exp_double(x)));
}

}  // namespace coppice
