// Working rows on the CPU: drawn by sweep A, gathered into a table of their own.
#include <algorithm>
#include <vector>

#include "binned_layout.h"
#include "cpu/session.h"

namespace coppice::kernels::cpu {

std::unique_ptr<TrainingSession> Session::open_working(int round) {
  const PhaseTimer timer(seconds_.gradient);
  prepare_draw();
  if (threshold_ == 0) return nullptr;
  const Draw draw = detail::make_working_draw(parameters_.objective, threshold_, bounds_.mean_weight,
                                              parameters_.seed, round);
  (void)sweep(draw, true, detail::sweep_exponents(parameters_.objective, bounds_, draw));
  std::size_t n = 0;
  for (const std::size_t kept : tile_kept_) n += kept;
  if (n == 0 || n > bins_.n_rows / detail::kRowsPerWorkingRow) return nullptr;
  auto session = std::make_unique<WorkingSession>(gather_rows(draw, n), parameters_, team_, kernels_);
  session->set_sampling_threshold(threshold_);
  return session;
}

detail::WorkingRows Session::gather_rows(const Draw& draw, std::size_t n) const {
  Buffer<std::uint32_t> rows(n);
  for (std::size_t tile = 0, to = 0; tile < tile_kept_.size(); to += tile_kept_[tile++])
    std::copy_n(kept_rows_.data() + tiles_.begin_row(tile), tile_kept_[tile], rows.data() + to);
  detail::WorkingRows working{allocate_bins(bins_.cuts, n, true), Buffer<float>(n), Buffer<float>(n),
                              Buffer<float>(n)};
  team_->for_each(working.bins.n_blocks(), [&](std::size_t block, int /*thread*/) {
    constexpr std::size_t kAhead = 32;
    gather_block(bins_, rows, block, working.bins);
    for (std::size_t i = block * kBlockRows; i < std::min(n, (block + 1) * kBlockRows); ++i) {
      const std::size_t row = rows[i];
      if (i + kAhead < n) {
        __builtin_prefetch(&gradients_[rows[i + kAhead]]);
        __builtin_prefetch(&margins_[rows[i + kAhead]]);
      }
      const float weight = weights_.empty() ? 1.0F : weights_[row];
      const float gradient = gradients_[row];
      const bool is_logistic = parameters_.objective == Objective::kBinaryLogistic;
      const float hessian =
          is_logistic ? detail::LogisticLoss::hessian(gradient) : detail::SquaredLoss::hessian(gradient);
      const float a = detail::importance(gradient * weight, hessian * weight, draw.floor, draw.threshold);
      working.labels[i] =
          is_logistic ? static_cast<float>(label_bits_[row / 16] >> (row % 16) & 1) : labels_[row];
      working.weights[i] = weight * detail::repeat(draw, a);
      working.margins[i] = margins_[row];
    }
  });
  return working;
}

}  // namespace coppice::kernels::cpu
