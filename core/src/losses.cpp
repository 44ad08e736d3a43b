#include "losses.h"

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>

#include <algorithm>
#include <array>

namespace coppice {
namespace {

/// Losses of the rows of one block.
using Losses = std::array<double, detail::kSumBlock>;

[[gnu::always_inline]] inline void log_losses(std::span<const float> margins, std::span<const float> labels,
                                              Losses& losses) {
  for (std::size_t i = 0; i < margins.size(); ++i) losses[i] = detail::clipped_margin(margins[i]);
  for (std::size_t i = 0; i < margins.size(); ++i)
    losses[i] = detail::log_loss_of_clipped(losses[i], labels[i]);
}

// The loops above in wider registers where there are some: 285,000 rows in every round are worth it.
// Their operations, and so the bits, are the same.
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
    losses[i] = detail::loss_of_prediction(kind, predictions[i], labels[i]);
  }
}

}  // namespace

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
  return sum / detail::sum_weights(weights, margins.size());
}

}  // namespace coppice
