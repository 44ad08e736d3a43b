#include <coppice/tree.h>

#include <algorithm>

namespace coppice {

int Tree::n_leaves() const noexcept { return static_cast<int>(std::ranges::count_if(nodes, &Node::is_leaf)); }

int Tree::depth() const noexcept {
  // Children stand after their parent, so one pass from the back sees every child before its parent.
  std::vector<int> height(nodes.size(), 0);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    const Node& node = nodes[i];
    if (!node.is_leaf()) height[i] = 1 + std::max(height[node.left], height[node.right]);
  }
  return height.empty() ? 0 : height.front();
}

bool goes_left(const Tree& tree, const Tree::Node& node, float value) noexcept {
  if (std::isnan(value)) return node.default_left;
  if (!node.is_categorical) return value < node.threshold;
  // XGBoost's rule: what cannot be a code is in no category set, so it goes left; fractions are cut off.
  constexpr float kCodeLimit = 1 << 24;
  if (value < 0 || value >= kCodeLimit) return true;
  return !std::ranges::binary_search(tree.categories_of(node), static_cast<std::int32_t>(value));
}

std::int32_t leaf_of(const Tree& tree, std::span<const float> row) noexcept {
  std::int32_t at = 0;
  while (!tree.nodes[at].is_leaf()) {
    const Tree::Node& node = tree.nodes[at];
    at = goes_left(tree, node, row[node.feature]) ? node.left : node.right;
  }
  return at;
}

}  // namespace coppice
