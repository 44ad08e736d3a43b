#include "model_tree_reader.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <span>
#include <utility>
#include <vector>

namespace coppice::io {
namespace {

using TreeField = Field<Document>;

constexpr std::int64_t kMaxNodes = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxCode = (1 << 24) - 1;  // XGBoost's codes are floats

struct Segment {
  std::int64_t begin = -1;
  std::int64_t size = 0;
};

/// The arrays of a tree as they stand in the file, all equally long and finite where it matters.
struct RawTree {
  std::vector<std::int64_t> left, right, feature, default_left, is_categorical;
  std::vector<float> condition, weight, gain, cover;
  std::vector<Segment> segments;  ///< by node
  std::vector<std::int32_t> categories;

  [[nodiscard]] std::size_t size() const noexcept { return left.size(); }
};

[[noreturn]] void fail_node(const TreeField& tree, std::int64_t node, std::string_view problem) {
  throw Error("io.model.tree", fmt::format("{}, node {}: {}", tree.place(), node, problem));
}

/// The category sets of the nodes. They must not overlap, so that checking them takes linear time.
void read_categories(const TreeField& tree, RawTree& raw) {
  const auto n_nodes = static_cast<std::int64_t>(raw.size());
  raw.segments.resize(raw.size());
  const auto categories = tree.find("categories");
  if (!categories) return;
  const auto codes = categories->integers(0, kMaxCode);
  const auto n_codes = static_cast<std::int64_t>(codes.size());
  raw.categories.assign(codes.begin(), codes.end());

  const auto nodes = tree.at("categories_nodes").integers(0, n_nodes - 1);
  const auto begins = tree.at("categories_segments").integers(0, n_codes);
  const auto sizes = tree.at("categories_sizes").integers(0, n_codes);
  if (begins.size() != nodes.size() || sizes.size() != nodes.size()) {
    tree.fail("categories_nodes, categories_segments and categories_sizes differ in length", "io.model.tree");
  }
  std::int64_t n_used = 0;
  for (std::size_t k = 0; k < nodes.size(); ++k) {
    Segment& segment = raw.segments[nodes[k]];
    if (segment.begin >= 0) fail_node(tree, nodes[k], "has two sets of categories");
    segment = {begins[k], sizes[k]};
    n_used += segment.size;
    if (segment.begin + segment.size > n_codes || n_used > n_codes) {
      fail_node(tree, nodes[k], fmt::format("its set of categories is outside the tree's {}", n_codes));
    }
    const auto set = std::span(codes).subspan(segment.begin, segment.size);
    if (std::ranges::adjacent_find(set, std::greater_equal{}) != set.end()) {
      fail_node(tree, nodes[k], "its categories do not ascend");
    }
  }
}

RawTree read_raw(const TreeField& tree) {
  const TreeField parameters = tree.at("tree_param");
  if (const auto size = parameters.find("size_leaf_vector");
      size && size->integer_in_text(0, kMaxNodes) > 1) {
    tree.fail("leaves hold vectors; Coppice reads models with one output", "io.model.unsupported");
  }
  const auto n_nodes = static_cast<std::size_t>(parameters.at("num_nodes").integer_in_text(1, kMaxNodes));
  const auto check_size = [&](std::string_view key, std::size_t size) {
    if (size == n_nodes) return;
    tree.fail(fmt::format("{} has {} entries for {} nodes", key, size, n_nodes), "io.model.tree");
  };
  const auto integers = [&](std::string_view key, std::int64_t lowest, std::int64_t highest) {
    auto values = tree.at(key).integers(lowest, highest);
    check_size(key, values.size());
    return values;
  };
  const auto floats = [&](std::string_view key) {
    auto values = tree.at(key).numbers();
    check_size(key, values.size());
    return values;
  };
  RawTree raw;
  raw.left = integers("left_children", -1, kMaxNodes);
  raw.right = integers("right_children", -1, kMaxNodes);
  raw.feature = integers("split_indices", 0, kMaxNodes);
  raw.default_left = integers("default_left", 0, 1);
  raw.is_categorical.resize(n_nodes, 0);
  if (tree.find("split_type")) raw.is_categorical = integers("split_type", 0, 1);
  raw.condition = floats("split_conditions");
  raw.weight = floats("base_weights");
  raw.gain = floats("loss_changes");
  raw.cover = floats("sum_hessian");
  read_categories(tree, raw);
  return raw;
}

void check_child(const TreeField& tree, std::int64_t node, std::string_view side, std::int64_t child,
                 std::size_t n_nodes, std::vector<bool>& is_reached) {
  if (child < 0 || child >= static_cast<std::int64_t>(n_nodes)) {
    fail_node(tree, node, fmt::format("{} child {} is out of range ({} nodes)", side, child, n_nodes));
  }
  if (is_reached[child]) {
    fail_node(tree, node, fmt::format("{} child {} has another parent or is its own ancestor", side, child));
  }
  is_reached[child] = true;
}

float finite(const TreeField& tree, std::int64_t node, std::string_view what, float value) {
  if (!std::isfinite(value)) fail_node(tree, node, fmt::format("the {} is not finite", what));
  return value;
}

Tree::Node make_leaf(const TreeField& tree, const RawTree& raw, std::int64_t index) {
  return {.weight = finite(tree, index, "leaf weight", raw.condition[index]),
          .cover = finite(tree, index, "cover", raw.cover[index])};
}

/// An inner node but for its children.
Tree::Node make_split(const TreeField& tree, const RawTree& raw, std::int64_t index,
                      std::int64_t n_features) {
  if (raw.feature[index] >= n_features) {
    fail_node(tree, index,
              fmt::format("feature {} is out of range ({} features)", raw.feature[index], n_features));
  }
  Tree::Node node{.feature = static_cast<std::int32_t>(raw.feature[index]),
                  .weight = finite(tree, index, "weight", raw.weight[index]),
                  .gain = finite(tree, index, "gain", raw.gain[index]),
                  .cover = finite(tree, index, "cover", raw.cover[index]),
                  .default_left = raw.default_left[index] != 0,
                  .is_categorical = raw.is_categorical[index] != 0};
  if (!node.is_categorical) {
    node.threshold = finite(tree, index, "threshold", raw.condition[index]);
    return node;
  }
  const Segment& segment = raw.segments[index];
  if (segment.begin < 0) fail_node(tree, index, "a categorical split without a set of categories");
  return node;
}

/// Gives the categorical nodes of a finished tree their sets, in node order.
void append_categories(const RawTree& raw, const std::vector<std::int64_t>& old_index,
                       const TreeContext& context, Tree& tree) {
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    Tree::Node& node = tree.nodes[i];
    if (!node.is_categorical) continue;
    const Segment& segment = raw.segments[old_index[i]];
    auto set = std::span(raw.categories).subspan(segment.begin, segment.size);
    const bool is_empty =
        !context.unused_codes.empty() && set.size() == 1 && set.front() == context.unused_codes[node.feature];
    if (is_empty) set = {};
    node.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
    node.categories_size = static_cast<std::uint32_t>(set.size());
    tree.categories.insert(tree.categories.end(), set.begin(), set.end());
  }
}

}  // namespace

Tree read_tree(const TreeField& field, const TreeContext& context) {
  const RawTree raw = read_raw(field);
  Tree tree;
  tree.nodes.resize(1);
  std::vector<std::int64_t> old_index{0};  // by new node
  std::vector<bool> is_reached(raw.size(), false);
  is_reached[0] = true;

  // The nodes that have their place, but not yet their content. Taking the one with the lowest left child
  // first keeps the order of a tree that is in order.
  using Pending = std::pair<std::int64_t, std::int32_t>;  // left child in the file, new index
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending;
  pending.emplace(raw.left[0], 0);
  while (!pending.empty()) {
    const auto [left, new_index] = pending.top();
    pending.pop();
    const std::int64_t index = old_index[new_index];
    const std::int64_t right = raw.right[index];
    if (left == -1 && right == -1) {
      tree.nodes[new_index] = make_leaf(field, raw, index);
      continue;
    }
    check_child(field, index, "left", left, raw.size(), is_reached);
    check_child(field, index, "right", right, raw.size(), is_reached);
    Tree::Node& node = tree.nodes[new_index] = make_split(field, raw, index, context.n_features);
    node.left = static_cast<std::int32_t>(tree.nodes.size());
    node.right = node.left + 1;
    pending.emplace(raw.left[left], node.left);
    pending.emplace(raw.left[right], node.right);
    old_index.insert(old_index.end(), {left, right});
    tree.nodes.resize(old_index.size());
  }
  append_categories(raw, old_index, context, tree);
  return tree;
}

}  // namespace coppice::io
