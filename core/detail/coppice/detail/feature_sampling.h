// Column sampling: which features a tree, a level, a node may split on.
#pragma once

#include <coppice/detail/hash.h>
#include <coppice/parameters.h>

#include <algorithm>
#include <cstdint>
#include <vector>

namespace coppice::detail {

/// The max(1, floor(share * n)) of `features` with the least hash under `key`, ascending. share 1 keeps all.
inline std::vector<std::uint32_t> sample_features(const std::vector<std::uint32_t>& features, double share,
                                                  std::uint64_t key) {
  if (share >= 1) return features;
  const auto n =
      std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(features.size())));
  std::vector<std::uint32_t> chosen = features;
  std::sort(chosen.begin(), chosen.end(), [key](std::uint32_t a, std::uint32_t b) {
    const std::uint64_t ha = mix64(key + a), hb = mix64(key + b);
    return ha < hb || (ha == hb && a < b);
  });
  chosen.resize(n);
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

/// The features of one tree, and from them those of its levels and nodes.
class FeatureSampler {
 public:
  FeatureSampler(const Parameters& parameters, std::size_t n_features, int round)
      : by_level_(parameters.colsample_bylevel),
        by_node_(parameters.colsample_bynode),
        seed_(parameters.seed),
        round_(static_cast<std::uint32_t>(round)) {
    std::vector<std::uint32_t> all(n_features);
    for (std::uint32_t f = 0; f < n_features; ++f) all[f] = f;
    tree_ =
        sample_features(all, parameters.colsample_bytree, draw_key(seed_, Purpose::kTreeFeatures, round_));
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
