#include "losses.h"

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/math.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace coppice {
namespace {

/// Losses of the rows of one block.
using Losses = std::array<double, detail::kSumBlock>;

/// -(y log p + (1 - y) log(1 - p)) from the margin z = log(p / (1 - p)), as
/// max(z, 0) - y z + log(1 + exp(-|z|)). z is kept where p is in [1e-16, 1 - 1e-16].
[[gnu::always_inline]] inline void log_losses(std::span<const float> margins, std::span<const float> labels,
                                              Losses& losses) {
  constexpr double kLimit = 36.841361487904734;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    losses[i] = std::clamp<double>(margins[i], -kLimit, kLimit);
  }
  for (std::size_t i = 0; i < margins.size(); ++i) {
    const double z = losses[i];
    const double size = std::abs(z);
    losses[i] = 0.5 * (z + size) - labels[i] * z + detail::log1p_double(detail::exp_double(-size));
  }
}

// The loop above in wider registers where there are some: 285,000 rows in every round are worth it. Its
// operations, and so the bits, are the same.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
[[gnu::target("avx512f,avx512dq,avx512vl,prefer-vector-width=512")]] void log_losses_avx512(
    std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  log_losses(margins, labels, losses);
}
[[gnu::target("avx2")]] void log_losses_avx2(std::span<const float> margins, std::span<const float> labels,
                                             Losses& losses) {
  log_losses(margins, labels, losses);
}
void log_losses_of_margins(std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  if (__builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0)
    log_losses_avx512(margins, labels, losses);
  else if (__builtin_cpu_supports("avx2") != 0)
    log_losses_avx2(margins, labels, losses);
  else
    log_losses(margins, labels, losses);
}
#else
void log_losses_of_margins(std::span<const float> margins, std::span<const float> labels, Losses& losses) {
  log_losses(margins, labels, losses);
}
#endif

/// What a prediction costs.
double loss_of_prediction(Metric::Kind kind, double prediction, double label) {
  switch (kind) {
    case Metric::Kind::kLogloss: {
      const double p = std::clamp(prediction, 1e-16, 1 - 1e-16);
      return -(label * detail::log_double(p) + (1 - label) * detail::log_double(1 - p));
    }
    case Metric::Kind::kMae:
      return std::abs(prediction - label);
    default:
      return (prediction - label) * (prediction - label);
  }
}

void block_losses(Metric::Kind kind, Objective objective, std::span<const float> margins,
                  std::span<const float> labels, Losses& losses) {
  if (kind == Metric::Kind::kLogloss && objective == Objective::kBinaryLogistic) {
    log_losses_of_margins(margins, labels, losses);
    return;
  }
  std::array<float, detail::kSumBlock> block;
  const std::span<float> predictions(block.data(), margins.size());
  std::ranges::copy(margins, predictions.begin());
  margins_to_predictions(objective, predictions);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    losses[i] = loss_of_prediction(kind, predictions[i], labels[i]);
  }
}

}  // namespace

double sum_weights(std::span<const float> weights, std::size_t n) {
  if (weights.empty()) return static_cast<double>(n);
  return detail::fixed_sum(n, [weights](std::size_t i) { return static_cast<double>(weights[i]); });
}

double mean_loss(Metric::Kind kind, Objective objective, std::span<const float> margins,
                 std::span<const float> labels, std::span<const float> weights) {
  const double sum = detail::fixed_block_sum(margins.size(), [&](std::size_t begin, std::size_t end) {
    Losses losses;
    block_losses(kind, objective, margins.subspan(begin, end - begin), labels.subspan(begin, end - begin),
                 losses);
    double block = 0;
    for (std::size_t i = begin; i < end; ++i) {
      block += losses[i - begin] * (weights.empty() ? 1.0F : weights[i]);
    }
    return block;
  });
  return sum / sum_weights(weights, margins.size());
}

}  // namespace coppice
