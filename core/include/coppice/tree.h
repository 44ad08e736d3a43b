// One regression tree, as it is stored, dumped and walked.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// A decision tree. Node 0 is the root; children stand after their parent; the two children of a node are
/// neighbours, left first.
struct Tree {
  /// An inner node sends a row left when `value < threshold` (float32, strict), or, for a categorical
  /// feature, when its code is *not* among the node's categories; a missing value follows `default_left`.
  struct Node {
    std::int32_t left = -1;     ///< child index, -1 for a leaf
    std::int32_t right = -1;    ///< child index, -1 for a leaf
    std::int32_t feature = -1;  ///< -1 for a leaf
    float threshold = 0;        ///< inner, numeric
    float weight =
        0;            ///< leaf: what a margin gains (learning rate included); inner: the unshrunk Newton step
    float gain = 0;   ///< inner: loss reduction
    float cover = 0;  ///< sum of hessians of the training rows that reach the node
    bool default_left = false;
    bool is_categorical = false;
    std::uint32_t categories_begin = 0;  ///< first code in `Tree::categories`
    std::uint32_t categories_size = 0;

    [[nodiscard]] bool is_leaf() const noexcept { return left < 0; }
    bool operator==(const Node&) const = default;
  };

  std::vector<Node> nodes;
  /// Codes that go right, ascending within each node; the nodes' sets stand one after the other, in node
  /// order. A set is empty when only *missing* goes right.
  std::vector<std::int32_t> categories;

  bool operator==(const Tree&) const = default;

  [[nodiscard]] std::span<const std::int32_t> categories_of(const Node& node) const noexcept {
    return std::span(categories).subspan(node.categories_begin, node.categories_size);
  }
  [[nodiscard]] int n_leaves() const noexcept;
  [[nodiscard]] int depth() const noexcept;  ///< 0 for a lone leaf
};

/// Does an inner node send this value left? NaN is missing. Cost: O(1), O(log categories) if categorical.
[[nodiscard]] bool goes_left(const Tree& tree, const Tree::Node& node, float value) noexcept;

/// Index of the leaf that a row falls into. row [n_features], NaN is missing. Cost: O(depth).
[[nodiscard]] std::int32_t leaf_of(const Tree& tree, std::span<const float> row) noexcept;

}  // namespace coppice
