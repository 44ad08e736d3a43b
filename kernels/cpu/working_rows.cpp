// Working rows on the CPU: drawn by sweep A, gathered into a table of their own.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "cpu/session.h"
#include "cpu/transpose.h"

namespace coppice::kernels::cpu {
namespace {

/// Fills blocks of both layouts of `to` with rows of `from`.
class RowGatherer {
 public:
  RowGatherer(const BinnedMatrix& from, const Buffer<std::uint32_t>& rows, BinnedMatrix& to)
      : from_(from), rows_(rows), to_(to) {}

  void fill_block(std::size_t block) const {
    for (std::size_t group = 0; group < from_.n_groups(); ++group)
      for (std::size_t i = 0; i < kBlockRows; i += kSide) fill_records(block * kBlockRows + i, group);
  }

 private:
  static constexpr std::size_t kSide = 16;  ///< of the squares that are turned
  static constexpr std::size_t kAhead = 32;

  /// Sixteen records of a group, and their places in the columns.
  void fill_records(std::size_t first, std::size_t group) const {
    const std::size_t stride = from_.group_stride(group);
    const std::size_t n_features = from_.group_features(group);
    const std::uint8_t* source = from_.records.data() + from_.group_offset(group);
    std::uint8_t* target = to_.records.data() + to_.group_offset(group) + first * stride;
    std::uint8_t* columns = to_.columns.data() +
                            ((first / kBlockRows) * to_.n_features() + group * kGroupFeatures) * kBlockRows +
                            first % kBlockRows;
    for (std::size_t i = 0; i < kSide; ++i)
      if (first + i + kAhead < rows_.size()) __builtin_prefetch(source + rows_[first + i + kAhead] * stride);
    for (std::size_t f = 0; f < stride; f += kSide) {
      Bytes square[kSide] = {};  // padding rows have bin 0 everywhere
      for (std::size_t i = 0; i < kSide && first + i < rows_.size(); ++i)
        std::memcpy(&square[i], source + rows_[first + i] * stride + f, kSide);
      for (std::size_t i = 0; i < kSide; ++i) std::memcpy(target + i * stride + f, &square[i], kSide);
      transpose_square(square);
      for (std::size_t k = 0; k < kSide && f + k < n_features; ++k)
        std::memcpy(columns + (f + k) * kBlockRows, &square[k], kSide);
    }
  }

  const BinnedMatrix& from_;
  const Buffer<std::uint32_t>& rows_;
  BinnedMatrix& to_;
};

}  // namespace

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
    std::copy_n(kept_rows_.data() + tile * kTileRows, tile_kept_[tile], rows.data() + to);
  detail::WorkingRows working{make_matrix(bins_.cuts, n, true), Buffer<float>(n), Buffer<float>(n),
                              Buffer<float>(n)};
  const RowGatherer gatherer(bins_, rows, working.bins);
  team_->for_each(working.bins.n_blocks(), [&](std::size_t block, int /*thread*/) {
    gatherer.fill_block(block);
    for (std::size_t i = block * kBlockRows; i < std::min(n, (block + 1) * kBlockRows); ++i) {
      const std::size_t row = rows[i];
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
