// Splits in terms of bins, and the order that decides between them.
#pragma once

#include <coppice/cuts.h>
#include <coppice/detail/numerics.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>

namespace coppice::detail {

/// A set of bins, one bit each.
using BinSet = std::array<std::uint64_t, 4>;

COPPICE_HOST_DEVICE inline bool contains(const BinSet& set, int bin) noexcept {
  return (set[bin >> 6] >> (bin & 63) & 1) != 0;
}
COPPICE_HOST_DEVICE inline void insert(BinSet& set, int bin) noexcept {
  set[bin >> 6] |= std::uint64_t{1} << (bin & 63);
}

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

  [[nodiscard]] COPPICE_HOST_DEVICE std::uint32_t feature() const noexcept { return key >> 9; }
  [[nodiscard]] COPPICE_HOST_DEVICE int bin() const noexcept { return static_cast<int>(key >> 1 & 0xff); }
  [[nodiscard]] COPPICE_HOST_DEVICE bool missing_right() const noexcept {
    return is_categorical ? contains(right_bins, 0) : (key & 1) != 0;
  }
  [[nodiscard]] COPPICE_HOST_DEVICE bool goes_right(int b) const noexcept {
    if (is_categorical) return contains(right_bins, b);
    return b == 0 ? missing_right() : b > bin();
  }
};

COPPICE_HOST_DEVICE inline std::uint32_t split_key(std::uint32_t feature, int bin, int side) noexcept {
  return feature << 9 | static_cast<std::uint32_t>(bin) << 1 | static_cast<std::uint32_t>(side);
}

COPPICE_HOST_DEVICE inline bool is_better(double score, std::uint32_t key, double than_score,
                                          std::uint32_t than_key) noexcept {
  return score > than_score || (score == than_score && key < than_key);
}
COPPICE_HOST_DEVICE inline bool is_better(double score, std::uint32_t key, const Split& than) noexcept {
  return is_better(score, key, than.score, than.key);
}

/// How categorical features are split.
struct CategoricalRule {
  int max_onehot = 4;      ///< up to this many codes: one against the rest
  double smooth = 10;      ///< added to the hessian in the order of categories
  double extra_l2 = 1;     ///< added to reg_lambda, many against many
  int max_threshold = 64;  ///< most categories on the right side
};

/// What the best of all partitions of K categories is expected to score above no split when the categories
/// mean nothing: ordering them by noise and cutting at the best place makes groups that differ by chance. For
/// category means with variances noise / h, cut in the middle of their order: noise * 2 / pi * ((sum sqrt
/// h)^2 / sum h - 1).
COPPICE_HOST_DEVICE inline double chance_score(double sum_of_roots, double sum, double noise) noexcept {
  constexpr double kTwoOverPi = 0.6366197723675814;
  return noise * kTwoOverPi * (sum_of_roots * sum_of_roots / sum - 1);
}
/// Both sums run over the categories in the order of their bins.
inline double chance_score(std::span<const double> hessians, double noise) noexcept {
  double roots = 0, sum = 0;
  for (const double h : hessians) {
    roots += std::sqrt(h);
    sum += h;
  }
  return chance_score(roots, sum, noise);
}

/// A categorical feature at one node.
struct CategoricalNode {
  std::uint32_t feature = 0;
  std::span<const Word> bins;
  Word total = 0;
  const SplitRule& rule;

  [[nodiscard]] COPPICE_HOST_DEVICE double gradient(Word w) const noexcept {
    return static_cast<double>(gradient_of(w)) * rule.gradient_unit;
  }
  [[nodiscard]] COPPICE_HOST_DEVICE double hessian(Word w) const noexcept {
    return static_cast<double>(hessian_of(w)) * rule.hessian_unit;
  }

  /// Score of the split that sends rows of sum `right` right; -1 when a side is too light.
  [[nodiscard]] COPPICE_HOST_DEVICE double score(Word right, double extra_l2, double chance) const noexcept {
    const double g = gradient(right), h = hessian(right);
    const double score = split_score(gradient(total) - g, hessian(total) - h, g, h, rule, extra_l2);
    if (score < 0) return -1;
    return score > chance ? score - chance : 0;
  }

  /// Makes rows of sum `right` the right side of `best`, with no bins in it yet, if that is better.
  bool offer(Word right, int rank, int side, double extra_l2, double chance, Split& best) const noexcept {
    const double offered = score(right, extra_l2, chance);
    const std::uint32_t key = split_key(feature, rank, side);
    if (offered < 0 || !is_better(offered, key, best)) return false;
    best = {.score = offered, .key = key, .left = total - right, .is_categorical = true, .right_bins = {}};
    return true;
  }
};

/// Each value bin alone on the right.
inline bool find_one_against_rest(const CategoricalNode& node, Split& best) noexcept {
  bool improved = false;
  for (int b = 1; b < static_cast<int>(node.bins.size()); ++b) {
    if (node.bins[b] == 0 || !node.offer(node.bins[b], b, 0, 0, 0, best)) continue;
    insert(best.right_bins, b);
    improved = true;
  }
  return improved;
}

/// A category of less hessian says too little to be placed.
inline constexpr double kLeastCategoryHessian = 1;

/// The bins in order, every short prefix and suffix on the right.
inline bool find_partition(const CategoricalNode& node, const CategoricalRule& categorical,
                           Split& best) noexcept {
  std::array<std::uint8_t, 256> order;
  std::array<double, 256> rank, hessians;
  int n = 0;
  for (int b = 0; b < static_cast<int>(node.bins.size()); ++b) {
    const double h = node.hessian(node.bins[b]);
    if (!(h >= kLeastCategoryHessian)) continue;
    rank[b] = node.gradient(node.bins[b]) / (h + categorical.smooth);
    hessians[n] = h;
    order[n++] = static_cast<std::uint8_t>(b);
  }
  if (n < 2) return false;
  const double chance = chance_score({hessians.data(), static_cast<std::size_t>(n)}, node.rule.noise);
  std::sort(order.begin(), order.begin() + n, [&](std::uint8_t a, std::uint8_t b) {
    return rank[a] < rank[b] || (rank[a] == rank[b] && a < b);
  });
  bool improved = false;
  for (int side = 0; side < 2; ++side) {
    const auto at = [&](int i) { return order[side == 0 ? i : n - 1 - i]; };
    Word right = 0;
    for (int k = 1; k <= std::min(categorical.max_threshold, n / 2); ++k) {
      right += node.bins[at(k - 1)];
      if (!node.offer(right, k, side, categorical.extra_l2, chance, best)) continue;
      for (int i = 0; i < k; ++i) insert(best.right_bins, at(i));
      improved = true;
    }
  }
  return improved;
}

/// Best split of a categorical feature at one node.
/// One against the rest for few codes: each value bin with rows goes right alone. Otherwise the bins whose
/// hessian is at least kLeastCategoryHessian (missing may be one of them) are ordered by gradient / (hessian
/// + smooth), ties by bin, and every prefix and every suffix of at most max_threshold and at most half of
/// them is tried as the right side (Fisher 1958; for the Newton objective as in LightGBM). Their scores are
/// lowered by chance_score, but not below 0. Lighter bins stay left; bins without rows join the heavier side,
/// the left one when equal. Shapes : bins [n_bins] words; total is their sum. Cost: O(n_bins log n_bins).
inline void find_categorical_split(std::uint32_t feature, std::span<const Word> bins, Word total,
                                   const SplitRule& rule, const CategoricalRule& categorical,
                                   Split& best) noexcept {
  const CategoricalNode node{feature, bins, total, rule};
  const int n_codes = static_cast<int>(bins.size()) - 1;
  const bool improved = n_codes <= categorical.max_onehot ? find_one_against_rest(node, best)
                                                          : find_partition(node, categorical, best);
  if (!improved || hessian_of(total - best.left) <= hessian_of(best.left)) return;
  for (int b = 0; b <= n_codes; ++b)
    if (bins[b] == 0) insert(best.right_bins, b);
}

/// A numeric split of a node in which no row is missing the feature sends missing values to the heavier side,
/// the left one when equal. Call it once, on the node's final best split.
COPPICE_HOST_DEVICE inline void settle_missing(Split& split, Word missing, Word total) noexcept {
  if (split.score < 0 || split.is_categorical || missing != 0) return;
  if (hessian_of(total - split.left) > hessian_of(split.left)) split.key |= 1;
}

}  // namespace coppice::detail
