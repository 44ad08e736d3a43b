#include "scoring/check_model.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace coppice::scoring {
namespace {

void check_node(const Tree& tree, std::size_t tree_index, std::size_t i, std::size_t n_features) {
  const Tree::Node& node = tree.nodes[i];
  const auto n_nodes = static_cast<std::int64_t>(tree.nodes.size());
  if (node.left <= static_cast<std::int64_t>(i) || node.left + std::int64_t{1} >= n_nodes) {
    refuse(tree_index, i,
           fmt::format("left child {} is not among the later of the tree's {} nodes", node.left, n_nodes));
  }
  if (node.right != node.left + 1) {
    refuse(tree_index, i, fmt::format("right child {} is not next to left child {}", node.right, node.left));
  }
  if (node.feature < 0 || static_cast<std::size_t>(node.feature) >= n_features) {
    refuse(tree_index, i, fmt::format("feature {} is not one of the schema's {}", node.feature, n_features));
  }
  if (!node.is_categorical) return;
  if (std::uint64_t{node.categories_begin} + node.categories_size > tree.categories.size()) {
    refuse(tree_index, i, fmt::format("its categories end beyond the tree's {}", tree.categories.size()));
  }
  if (!std::ranges::is_sorted(tree.categories_of(node))) {
    refuse(tree_index, i, "its categories are not ascending");
  }
}

}  // namespace

void refuse(std::size_t tree, std::size_t node, const std::string& what) {
  throw Error(
      "core.scorer.model",
      fmt::format("tree {}, node {}: {}; the model is damaged, load or train it again", tree, node, what));
}

void check_model(const Model& model) {
  std::size_t n_nodes = 0;
  for (std::size_t t = 0; t < model.trees.size(); ++t) {
    const Tree& tree = model.trees[t];
    if (tree.nodes.empty()) refuse(t, 0, "the tree has no nodes");
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      if (!tree.nodes[i].is_leaf()) check_node(tree, t, i, model.schema.features.size());
    }
    n_nodes += tree.nodes.size();
    if (n_nodes > std::numeric_limits<std::uint32_t>::max()) refuse(t, 0, "more than 2^32 nodes in all");
  }
}

}  // namespace coppice::scoring
