#include <coppice/bootstrap.h>
#include <coppice/detail/hash.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

namespace coppice {
namespace {

/// Shares of 2^32: a Poisson(1) count is the number of these that a uniform 32-bit draw reaches. Beyond 12
/// there is less than one draw.
constexpr std::array<std::uint32_t, 13> make_poisson_steps() {
  std::array<std::uint32_t, 13> steps = {};
  double share = 0.36787944117144233;  // exp(-1), the probability of 0
  double sum = 0;
  for (std::size_t count = 0; count < steps.size(); ++count) {
    sum += share;
    steps[count] = static_cast<std::uint32_t>(std::min(sum * 0x1p32, 0x1p32 - 1));
    share /= static_cast<double>(count + 1);
  }
  return steps;
}
constexpr auto kPoissonSteps = make_poisson_steps();

float poisson_count(std::uint32_t draw) {
  std::size_t count = 0;
  while (count < kPoissonSteps.size() && draw >= kPoissonSteps[count]) ++count;
  return static_cast<float>(count);
}

double percentile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

void bootstrap_weights(std::uint64_t seed, std::uint32_t replicate, std::span<const float> weights,
                       std::span<const std::uint32_t> groups, std::span<float> result) {
  const auto key = static_cast<std::uint32_t>(detail::draw_key(seed, detail::Purpose::kBootstrap, replicate));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::uint32_t unit = groups.empty() ? static_cast<std::uint32_t>(i) : groups[i];
    const float count = poisson_count(detail::row_draw(key, unit));
    result[i] = weights.empty() ? count : count * weights[i];
  }
}

Interval percentile_interval(std::vector<double> values) {
  std::erase_if(values, [](double value) { return std::isnan(value); });
  if (values.empty()) {
    constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
    return {kNaN, kNaN};
  }
  std::ranges::sort(values);
  return {percentile(values, 0.025), percentile(values, 0.975)};
}

}  // namespace coppice
