// Which features a tree, a level, a node may split on: screening by what features have brought, then column
// sampling.
#pragma once

#include <coppice/detail/hash.h>
#include <coppice/parameters.h>
#include <coppice/tree.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <vector>

namespace coppice::detail {

/// How many of n features a share keeps.
constexpr std::size_t sampled_size(std::size_t n, double share) noexcept {
  return share >= 1 ? n : std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(n)));
}

/// The sampled_size of `features` with the least hash under `key` (ties: lower number), ascending.
inline std::vector<std::uint32_t> sample_features(const std::vector<std::uint32_t>& features, double share,
                                                  std::uint64_t key) {
  if (share >= 1) return features;
  std::vector<std::uint32_t> chosen = features;
  std::sort(chosen.begin(), chosen.end(), [key](std::uint32_t a, std::uint32_t b) {
    const std::uint64_t ha = mix64(key + a), hb = mix64(key + b);
    return ha < hb || (ha == hb && a < b);
  });
  chosen.resize(sampled_size(features.size(), share));
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// What each feature has brought in the latest trees: the sum of the gains of the splits that use it.
class GainHistory {
 public:
  /// Trees that are remembered, and needed before screening begins.
  static constexpr std::size_t kTrees = 5;

  explicit GainHistory(std::size_t n_features) : n_features_(n_features) {}

  void add(const Tree& tree) {
    if (is_full()) trees_.erase(trees_.begin());
    TreeGains& of = trees_.emplace_back(TreeGains{std::vector<double>(n_features_), 0});
    for (const Tree::Node& node : tree.nodes) {
      if (node.is_leaf()) continue;
      of.gains[static_cast<std::size_t>(node.feature)] += static_cast<double>(node.gain);
      ++of.n_splits;
    }
  }

  [[nodiscard]] bool is_full() const noexcept { return trees_.size() == kTrees; }
  [[nodiscard]] std::size_t n_features() const noexcept { return n_features_; }

  /// Splits of the remembered trees.
  [[nodiscard]] std::size_t n_splits() const noexcept {
    std::size_t n = 0;
    for (const TreeGains& of : trees_) n += of.n_splits;
    return n;
  }

  /// Sums over the remembered trees, [n_features].
  [[nodiscard]] std::vector<double> totals() const {
    std::vector<double> totals(n_features_);
    for (const TreeGains& of : trees_)
      for (std::size_t f = 0; f < n_features_; ++f) totals[f] += of.gains[f];
    return totals;
  }

 private:
  /// What the splits of one tree brought.
  struct TreeGains {
    std::vector<double> gains;  ///< [feature]
    std::size_t n_splits;
  };

  std::size_t n_features_;
  std::vector<TreeGains> trees_;  ///< the oldest first
};

/// The fewest features that brought a share of the latest trees' gain together, most gain first (ties: lower
/// number).
inline std::vector<std::uint32_t> leading_features(const GainHistory& history, double share) {
  const std::vector<double> gains = history.totals();
  std::vector<std::uint32_t> features(gains.size());
  std::iota(features.begin(), features.end(), 0U);
  std::stable_sort(features.begin(), features.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return gains[a] > gains[b]; });
  const double wanted = std::accumulate(gains.begin(), gains.end(), 0.0) * share;
  std::size_t n = 0;
  for (double sum = 0; n < features.size() && sum < wanted; ++n) sum += gains[features[n]];
  features.resize(n);
  return features;
}

/// Share of the latest trees' gain that the features bring together which every tree looks at.
inline constexpr double kProvenGain = 0.95;

/// The features that a round looks at, ascending: the fewest that brought kProvenGain of the gain, and of the
/// others a hashed share. All while the history is short or few rows are kept.
inline std::vector<std::uint32_t> screened_features(const Parameters& parameters, const GainHistory& history,
                                                    std::size_t n_features, std::size_t n_kept, int round) {
  std::vector<std::uint32_t> all(n_features);
  std::iota(all.begin(), all.end(), 0U);
  if (parameters.screening >= 1 || !history.is_full() ||
      n_kept < static_cast<std::size_t>(parameters.screening_rows))
    return all;
  std::vector<std::uint32_t> chosen = leading_features(history, kProvenGain);
  std::sort(chosen.begin(), chosen.end());
  std::vector<std::uint32_t> others;
  std::set_difference(all.begin(), all.end(), chosen.begin(), chosen.end(), std::back_inserter(others));
  if (!others.empty())
    others =
        sample_features(others, parameters.screening,
                        draw_key(parameters.seed, Purpose::kScreening, static_cast<std::uint32_t>(round)));
  chosen.insert(chosen.end(), others.begin(), others.end());
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The features of one tree, and from them those of its levels and nodes.
class FeatureSampler {
 public:
  /// candidates: the features to draw from, ascending.
  FeatureSampler(const Parameters& parameters, const std::vector<std::uint32_t>& candidates, int round)
      : by_level_(parameters.colsample_bylevel),
        by_node_(parameters.colsample_bynode),
        seed_(parameters.seed),
        round_(static_cast<std::uint32_t>(round)) {
    tree_ = sample_features(candidates, parameters.colsample_bytree,
                            draw_key(seed_, Purpose::kTreeFeatures, round_));
  }

  /// Features of the whole tree, ascending.
  [[nodiscard]] const std::vector<std::uint32_t>& of_tree() const noexcept { return tree_; }

  /// Do all nodes share of_tree()?
  [[nodiscard]] bool is_uniform() const noexcept { return by_level_ >= 1 && by_node_ >= 1; }

  /// Features of one node (numbered as in the grown tree) at a depth, ascending.
  [[nodiscard]] std::vector<std::uint32_t> of_node(int depth, int node) const {
    const auto level =
        sample_features(tree_, by_level_,
                        draw_key(seed_, Purpose::kLevelFeatures, round_, static_cast<std::uint32_t>(depth)));
    return sample_features(level, by_node_,
                           draw_key(seed_, Purpose::kNodeFeatures, round_, static_cast<std::uint32_t>(node)));
  }

 private:
  double by_level_;
  double by_node_;
  std::uint64_t seed_;
  std::uint32_t round_;
  std::vector<std::uint32_t> tree_;
};

}  // namespace coppice::detail
