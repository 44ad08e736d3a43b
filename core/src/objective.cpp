#include <coppice/detail/metric_terms.h>
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
  for (float& x : margins) x = detail::negated_margin(x);
  for (float& x : margins) x = detail::sigmoid_of_negated(x);
}

}  // namespace coppice
