// A tree while it grows: splits in bins, decisions about which nodes to split, and its finish as a Tree.
#pragma once

#include <coppice/cuts.h>
#include <coppice/detail/split.h>
#include <coppice/parameters.h>
#include <coppice/tree.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::detail {

/// A node while the tree grows. Nodes are numbered in the order in which they are made: children are
/// neighbours, left first, and nodes that split in one step do so in the order of their numbers.
struct GrownNode {
  int left = -1;  ///< child number; the right child is left + 1; -1: a leaf
  int depth = 0;
  Word sum = 0;
  Split split;                 ///< valid once evaluated
  double gain = 0;             ///< of `split`
  bool is_splittable = false;  ///< evaluated and worthwhile
};

/// The effective step clamp: 5 for binary:logistic unless it is set.
inline double effective_max_delta_step(const Parameters& parameters) noexcept {
  return parameters.max_delta_step.value_or(parameters.objective == Objective::kBinaryLogistic ? 5.0 : 0.0);
}

/// The part of a tree's rule that the parameters say; min_hessian is min_child_weight so far.
inline SplitRule make_split_rule(const Parameters& parameters) noexcept {
  SplitRule rule;
  rule.reg_lambda = parameters.reg_lambda;
  rule.reg_alpha = parameters.reg_alpha;
  rule.min_hessian = parameters.min_child_weight;
  rule.gamma = parameters.gamma;
  return rule;
}

/// Completes it by what the tree's kept rows say. noise: SplitRule::noise.
COPPICE_HOST_DEVICE inline void set_units(int gradient_exponent, int hessian_exponent, double noise,
                                          SplitRule& rule) noexcept {
  rule.gradient_unit = exp2_double(-gradient_exponent);
  rule.hessian_unit = exp2_double(-hessian_exponent);
  rule.min_hessian = std::max(rule.min_hessian, rule.hessian_unit);
  rule.noise = noise;
}

inline SplitRule make_split_rule(const Parameters& parameters, int gradient_exponent, int hessian_exponent,
                                 double noise) noexcept {
  SplitRule rule = make_split_rule(parameters);
  set_units(gradient_exponent, hessian_exponent, noise, rule);
  return rule;
}

inline CategoricalRule make_categorical_rule(const Parameters& parameters) noexcept {
  return {parameters.max_cat_to_onehot, parameters.cat_smooth, parameters.cat_l2,
          parameters.max_cat_threshold};
}

/// What ends the growth of a tree.
struct GrowthLimits {
  int max_depth = 0;   ///< 0: no limit
  int max_leaves = 0;  ///< 0: no limit
  bool is_leaf_wise = false;
};

inline GrowthLimits make_growth_limits(const Parameters& parameters) noexcept {
  return {parameters.max_depth, parameters.max_leaves, parameters.grow_policy == GrowPolicy::kLossguide};
}

/// Is a node of a tree of n_leaves worth a histogram: shallow enough, leaves to spare, and heavy enough for
/// two children?
COPPICE_HOST_DEVICE inline bool can_split(const GrownNode& node, int n_leaves, const GrowthLimits& limits,
                                          const SplitRule& rule) noexcept {
  if (limits.max_depth > 0 && node.depth >= limits.max_depth) return false;
  if (limits.max_leaves > 0 && n_leaves >= limits.max_leaves) return false;
  return static_cast<double>(hessian_of(node.sum)) * rule.hessian_unit >= 2 * rule.min_hessian;
}

/// Takes the best split of a node. `missing`: the node's sum of bin 0 of the split's feature.
COPPICE_HOST_DEVICE inline void take_split(Split split, Word missing, const SplitRule& rule,
                                           GrownNode& node) noexcept {
  settle_missing(split, missing, node.sum);
  node.split = split;
  const double gradient = static_cast<double>(gradient_of(node.sum)) * rule.gradient_unit;
  const double hessian = static_cast<double>(hessian_of(node.sum)) * rule.hessian_unit;
  node.gain = split.score - node_score(gradient, hessian, rule);
  node.is_splittable = split.score >= 0 && is_worthwhile(split.score, node.gain, rule.gamma);
}

/// The order in which nodes are split when not all can be: higher gain, then lower number.
COPPICE_HOST_DEVICE inline bool splits_before(double gain, int node, double other_gain,
                                              int other_node) noexcept {
  return gain > other_gain || (gain == other_gain && node < other_node);
}

/// A growing tree and the rules of its growth.
class GrownTree {
 public:
  GrownTree(const Parameters& parameters, const SplitRule& rule, Word root)
      : rule_(rule), limits_(make_growth_limits(parameters)) {
    nodes_.push_back({.sum = root, .split = {}});
  }

  [[nodiscard]] const std::vector<GrownNode>& nodes() const noexcept { return nodes_; }
  [[nodiscard]] const SplitRule& rule() const noexcept { return rule_; }
  [[nodiscard]] int n_leaves() const noexcept { return (static_cast<int>(nodes_.size()) + 1) / 2; }

  [[nodiscard]] bool can_split(int node) const noexcept {
    return detail::can_split(nodes_[node], n_leaves(), limits_, rule_);
  }

  /// take_split of a node.
  void set_split(int node, const Split& split, Word missing) {
    take_split(split, missing, rule_, nodes_[node]);
    if (nodes_[node].is_splittable) open_.push_back(node);
  }

  /// Splits nodes and returns their numbers, ascending; none ends the tree. Depth-wise: all splittable nodes,
  /// or, when leaves run out, those of highest gain (ties: lower number). Leaf-wise: the one of highest gain.
  std::vector<int> expand() {
    std::size_t room = limits_.is_leaf_wise ? 1 : open_.size();
    if (limits_.max_leaves > 0)
      room = std::min(room, static_cast<std::size_t>(std::max(0, limits_.max_leaves - n_leaves())));
    room = std::min(room, open_.size());
    std::partial_sort(open_.begin(), open_.begin() + static_cast<std::ptrdiff_t>(room), open_.end(),
                      [&](int a, int b) { return splits_before(nodes_[a].gain, a, nodes_[b].gain, b); });
    std::vector<int> chosen(open_.begin(), open_.begin() + static_cast<std::ptrdiff_t>(room));
    std::sort(chosen.begin(), chosen.end());
    open_.erase(open_.begin(), open_.begin() + static_cast<std::ptrdiff_t>(room));
    if (!limits_.is_leaf_wise) open_.clear();
    for (const int i : chosen) {
      const int left = static_cast<int>(nodes_.size());
      const Word sum = nodes_[i].sum, left_sum = nodes_[i].split.left;
      const int depth = nodes_[i].depth + 1;
      nodes_[i].left = left;
      nodes_.push_back({.depth = depth, .sum = left_sum, .split = {}});
      nodes_.push_back({.depth = depth, .sum = sum - left_sum, .split = {}});
    }
    return chosen;
  }

 private:
  SplitRule rule_;
  GrowthLimits limits_;
  std::vector<GrownNode> nodes_;
  std::vector<int> open_;  ///< splittable and not split yet
};

/// Exact sums of the rows of one leaf, 64-bit fixed point.
struct LeafSum {
  std::int64_t gradient = 0;
  std::int64_t hessian = 0;
};

/// The finished tree: thresholds from cuts, weights and covers from the leaf sums.
/// Shapes: leaves [nodes.size()], entries of inner nodes are ignored.
inline Tree finish(std::span<const GrownNode> nodes, std::span<const LeafSum> leaves, int gradient_exponent,
                   int hessian_exponent, const Cuts& cuts, const Parameters& parameters) {
  Tree tree;
  tree.nodes.resize(nodes.size());
  std::vector<LeafSum> sums(leaves.begin(), leaves.end());
  const double clamp = effective_max_delta_step(parameters);
  for (int i = static_cast<int>(nodes.size()) - 1; i >= 0; --i) {
    const GrownNode& from = nodes[i];
    Tree::Node& to = tree.nodes[i];
    if (from.left >= 0) {
      sums[i].gradient = sums[from.left].gradient + sums[from.left + 1].gradient;
      sums[i].hessian = sums[from.left].hessian + sums[from.left + 1].hessian;
    }
    const double gradient = from_fixed(sums[i].gradient, gradient_exponent);
    const double hessian = from_fixed(sums[i].hessian, hessian_exponent);
    const double step = newton_step(gradient, hessian, parameters.reg_lambda, parameters.reg_alpha, clamp);
    to.cover = static_cast<float>(hessian);
    to.weight = static_cast<float>(from.left >= 0 ? step : step * parameters.learning_rate);
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const GrownNode& from = nodes[i];
    Tree::Node& to = tree.nodes[i];
    if (from.left < 0) continue;
    const Split& split = from.split;
    to.left = from.left;
    to.right = from.left + 1;
    to.feature = static_cast<std::int32_t>(split.feature());
    to.gain = static_cast<float>(from.gain);
    to.default_left = !split.missing_right();
    to.is_categorical = split.is_categorical;
    if (!split.is_categorical) {
      to.threshold = cuts.threshold_after(split.feature(), split.bin());
      continue;
    }
    to.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
    for (int b = 1; b < cuts.n_bins(split.feature()); ++b)
      if (contains(split.right_bins, b)) tree.categories.push_back(b - 1);
    to.categories_size = static_cast<std::uint32_t>(tree.categories.size()) - to.categories_begin;
  }
  return tree;
}

}  // namespace coppice::detail
