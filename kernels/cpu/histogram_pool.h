// Histograms that outlive a step, so that a sibling's can be had by subtraction.
#pragma once

#include <coppice/buffer.h>
#include <coppice/detail/numerics.h>

#include <cstddef>
#include <vector>

namespace coppice::kernels::cpu {

/// Equal pieces of memory, handed out by number and reused; never more than a budget.
class HistogramPool {
 public:
  /// n_words: length of one histogram.
  explicit HistogramPool(std::size_t n_words)
      : n_words_(n_words), limit_(kBudgetBytes / (n_words * sizeof(detail::Word)) + 1) {}

  /// Number of a free piece, -1 when the budget is used up.
  [[nodiscard]] int acquire() {
    if (free_.empty()) {
      if (pieces_.size() >= limit_) return -1;
      pieces_.emplace_back(n_words_);
      free_.push_back(static_cast<int>(pieces_.size()) - 1);
    }
    const int piece = free_.back();
    free_.pop_back();
    return piece;
  }
  void release(int piece) {
    if (piece >= 0) free_.push_back(piece);
  }
  [[nodiscard]] detail::Word* at(int piece) { return pieces_[static_cast<std::size_t>(piece)].data(); }

 private:
  static constexpr std::size_t kBudgetBytes = std::size_t{1} << 29;
  std::size_t n_words_;
  std::size_t limit_;
  std::vector<Buffer<detail::Word>> pieces_;
  std::vector<int> free_;
};

}  // namespace coppice::kernels::cpu
