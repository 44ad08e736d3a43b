// Sweep A on the device: margins, gradients, the draw, and the totals that the tree's units follow from.
#pragma once

#include "cuda/rows.h"

namespace coppice::kernels::cuda {

class Stream;

/// What a sweep sums up (SweepExponents says more).
enum SweepSum : unsigned { kSquares, kBelow, kSquaresBelow, kKeptGradient, kKeptHessian, kSweepSums };

[[nodiscard]] COPPICE_HOST_DEVICE inline int exponent_of_sum(const engine::SweepExponents& exponents,
                                                             unsigned sum) noexcept {
  if (sum == kBelow) return exponents.importance;
  if (sum == kKeptGradient) return exponents.kept_gradient;
  return sum == kKeptHessian ? exponents.kept_hessian : exponents.squares;
}

/// 64-bit totals of a sweep, and how many rows it kept.
struct SweepTotals {
  std::int64_t sums[kSweepSums] = {};
  unsigned n_kept = 0;

  [[nodiscard]] COPPICE_HOST_DEVICE double sum(const engine::SweepExponents& exponents,
                                               SweepSum which) const noexcept {
    return engine::from_fixed(sums[which], exponent_of_sum(exponents, which));
  }
};

struct Sweep {
  RowsView rows;
  std::uint32_t n_rows = 0;
  engine::Draw draw;
  engine::SweepExponents exponents;
  bool draws = true;              ///< false: only sums; nothing is kept
  bool has_tree = false;          ///< margins take the weights of the last tree
  std::uint32_t* kept = nullptr;  ///< [n_rows] gets the numbers of kept rows, blocks in any order
  SweepTotals* totals = nullptr;  ///< added to
};

/// Enqueues a sweep over all rows.
void sweep(const Stream& stream, const Sweep& how, unsigned most_blocks);

}  // namespace coppice::kernels::cuda
