// Splits in terms of bins, and the order that decides between them.
#pragma once

#include <coppice/cuts.h>
#include <coppice/detail/numerics.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace coppice::detail {

/// A set of bins, one bit each.
using BinSet = std::array<std::uint64_t, 4>;

inline bool contains(const BinSet& set, int bin) noexcept { return (set[bin >> 6] >> (bin & 63) & 1) != 0; }
inline void insert(BinSet& set, int bin) noexcept { set[bin >> 6] |= std::uint64_t{1} << (bin & 63); }

/// The best split of a node so far. Numeric: bins 1 .. bin go left, higher ones right, and missing (bin 0)
/// left unless `missing_right`. Categorical: the bins in `right_bins` go right, bin 0 among them or not.
struct Split {
  double score = -1;  ///< split_score; < 0: none found
  /// Place in the order of candidates: feature << 9 | bin << 1 | side. Among equal scores the least wins:
  /// lower feature, lower bin, missing left first. For a categorical feature `bin` is the number of bins on
  /// the right (many) or the bin (one against the rest).
  std::uint32_t key = 0;
  Word left = 0;  ///< sum of the rows that go left
  bool is_categorical = false;
  BinSet right_bins{};

  [[nodiscard]] std::uint32_t feature() const noexcept { return key >> 9; }
  [[nodiscard]] int bin() const noexcept { return static_cast<int>(key >> 1 & 0xff); }
  [[nodiscard]] bool missing_right() const noexcept {
    return is_categorical ? contains(right_bins, 0) : (key & 1) != 0;
  }
  [[nodiscard]] bool goes_right(int b) const noexcept {
    if (is_categorical) return contains(right_bins, b);
    return b == 0 ? missing_right() : b > bin();
  }
};

inline std::uint32_t split_key(std::uint32_t feature, int bin, int side) noexcept {
  return feature << 9 | static_cast<std::uint32_t>(bin) << 1 | static_cast<std::uint32_t>(side);
}

inline bool is_better(double score, std::uint32_t key, const Split& than) noexcept {
  return score > than.score || (score == than.score && key < than.key);
}

/// How categorical features are split.
struct CategoricalRule {
  int max_onehot = 4;      ///< up to this many codes: one against the rest
  double smooth = 10;      ///< added to the hessian in the order of categories
  double extra_l2 = 10;    ///< added to reg_lambda, many against many
  int max_threshold = 64;  ///< most categories on the right side
};

/// Best split of a categorical feature at one node.
/// One against the rest for few codes: each value bin with rows goes right alone. Otherwise the bins with
/// rows (missing is one of them) are ordered by gradient / (hessian + smooth), ties by bin, and every prefix
/// and every suffix of at most max_threshold and at most half of them is tried as the right side (Fisher
/// 1958; for the Newton objective as in LightGBM). Bins without rows join the heavier side, the left one when
/// equal. Shapes : bins [n_bins] words; total is their sum. Cost: O(n_bins log n_bins).
inline void find_categorical_split(std::uint32_t feature, std::span<const Word> bins, Word total,
                                   const SplitRule& rule, const CategoricalRule& categorical,
                                   Split& best) noexcept {
  const auto gradient = [&](Word w) { return static_cast<double>(gradient_of(w)) * rule.gradient_unit; };
  const auto hessian = [&](Word w) { return static_cast<double>(hessian_of(w)) * rule.hessian_unit; };
  const double total_gradient = gradient(total);
  const double total_hessian = hessian(total);
  const auto try_right = [&](Word right, int rank, int side, double extra_l2) {
    const double g = gradient(right);
    const double h = hessian(right);
    const double score = split_score(total_gradient - g, total_hessian - h, g, h, rule, extra_l2);
    const std::uint32_t key = split_key(feature, rank, side);
    if (score < 0 || !is_better(score, key, best)) return false;
    best.score = score;
    best.key = key;
    best.left = total - right;
    best.is_categorical = true;
    best.right_bins = {};
    return true;
  };
  std::array<std::uint8_t, 256> order;
  int n_present = 0;
  for (int b = 0; b < static_cast<int>(bins.size()); ++b)
    if (bins[b] != 0) order[n_present++] = static_cast<std::uint8_t>(b);
  if (n_present < 2) return;
  bool improved = false;
  if (static_cast<int>(bins.size()) - 1 <= categorical.max_onehot) {
    for (int i = 0; i < n_present; ++i) {
      if (order[i] == 0 || !try_right(bins[order[i]], order[i], 0, 0)) continue;
      insert(best.right_bins, order[i]);
      improved = true;
    }
  } else {
    std::array<double, 256> rank;
    for (int i = 0; i < n_present; ++i)
      rank[order[i]] = gradient(bins[order[i]]) / (hessian(bins[order[i]]) + categorical.smooth);
    std::sort(order.begin(), order.begin() + n_present, [&](std::uint8_t a, std::uint8_t b) {
      return rank[a] < rank[b] || (rank[a] == rank[b] && a < b);
    });
    const int limit = std::min(categorical.max_threshold, n_present / 2);
    for (int side = 0; side < 2; ++side) {
      Word right = 0;
      for (int k = 1; k <= limit; ++k) {
        right += bins[order[side == 0 ? k - 1 : n_present - k]];
        if (!try_right(right, k, side, categorical.extra_l2)) continue;
        for (int i = 0; i < k; ++i) insert(best.right_bins, order[side == 0 ? i : n_present - 1 - i]);
        improved = true;
      }
    }
  }
  if (!improved) return;
  const double left_hessian = hessian(best.left);
  if (total_hessian - left_hessian > left_hessian)
    for (int b = 0; b < static_cast<int>(bins.size()); ++b)
      if (bins[b] == 0) insert(best.right_bins, b);
}

/// A numeric split of a node in which no row is missing the feature sends missing values to the heavier side,
/// the left one when equal. Call it once, on the node's final best split.
inline void settle_missing(Split& split, Word missing, Word total) noexcept {
  if (split.score < 0 || split.is_categorical || missing != 0) return;
  if (hessian_of(total - split.left) > hessian_of(split.left)) split.key |= 1;
}

}  // namespace coppice::detail
