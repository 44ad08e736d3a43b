// From a model to an engine: checks, flat nodes, slots.
#include "scoring/check_model.h"
#include "scoring/columns.h"
#include "scoring/engine.h"

#include <algorithm>

namespace coppice::scoring {
namespace {

int depth_of(const Tree& tree) {
  std::vector<int> level(tree.nodes.size(), 0);
  int depth = 0;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Tree::Node& node = tree.nodes[i];
    depth = std::max(depth, level[i]);
    if (node.is_leaf()) continue;
    level[node.left] = std::max(level[node.left], level[i] + 1);
    level[node.right] = std::max(level[node.right], level[i] + 1);
  }
  return depth;
}

// Appends a tree's flat nodes.
void flatten_tree(const Tree& tree, ColumnBuilder& columns, Engine& engine) {
  const auto root = static_cast<std::uint32_t>(engine.nodes.size());
  engine.roots.push_back(root);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Tree::Node& node = tree.nodes[i];
    engine.weights.push_back(node.weight);
    if (node.is_leaf()) {
      engine.nodes.push_back({.left = static_cast<std::uint32_t>(root + i)});
      continue;
    }
    const CodeTest test = columns.add(tree, node);
    if (test.is_set) {
      engine.set_of_node.resize(root + i + 1);
      engine.set_of_node.back() = static_cast<std::uint32_t>(engine.sets.size());
      engine.sets.push_back(test.set);
    }
    engine.nodes.push_back({.left = root + static_cast<std::uint32_t>(node.left),
                            .column = test.column,
                            .threshold = test.threshold,
                            .is_set = test.is_set});
  }
}

// Puts a flat node, reached by the decisions in `path`, and all below it, into slots.
void fill_slots(Engine& engine, std::uint32_t index, int level, std::size_t path, std::span<float> leaves) {
  const FlatNode node = engine.nodes[index];
  if (node.left == index) {
    const std::size_t step = std::size_t{1} << level;
    for (std::size_t leaf = path; leaf < kSlots; leaf += step) leaves[leaf] = engine.weights[index];
    return;
  }
  const auto slot = static_cast<std::uint8_t>((std::size_t{1} << level) + path);
  if (node.is_set) {
    engine.slot_set_tests.push_back({.set = engine.set_of_node[index], .column = node.column, .slot = slot});
  } else {
    engine.slot_tests.push_back({.column = node.column, .threshold = node.threshold, .slot = slot});
  }
  fill_slots(engine, node.left, level + 1, path, leaves);
  fill_slots(engine, node.left + 1, level + 1, path + (std::size_t{1} << level), leaves);
}

// Lanes that no node has compare column 0 with 255: never greater.
void fill_slot_vectors(Engine& engine) {
  engine.slots = Buffer<std::uint8_t>(engine.small_trees.size() * 2 * kSlots, 0);
  std::size_t test = 0;
  for (std::size_t s = 0; s < engine.small_trees.size(); ++s) {
    std::uint8_t* columns = engine.slots.data() + s * 2 * kSlots;
    std::uint8_t* thresholds = columns + kSlots;
    std::fill_n(thresholds, kSlots, std::uint8_t{255});
    for (; test < engine.small_trees[s].tests_end; ++test) {
      const SlotTest& t = engine.slot_tests[test];
      columns[slot_lane(t.slot)] = static_cast<std::uint8_t>(t.column);
      thresholds[slot_lane(t.slot)] = t.threshold;
    }
  }
}

/// Consecutive trees that are all small, or all not. Returns the number of small trees with their padding.
std::size_t find_runs(std::span<const int> depths, std::vector<TreeRun>& runs) {
  std::size_t n_small = 0;
  for (std::uint32_t first = 0, last = 0; first < depths.size(); first = last) {
    const bool is_small = depths[first] <= kSmallDepth;
    while (last < depths.size() && (depths[last] <= kSmallDepth) == is_small) ++last;
    runs.push_back({first, last, static_cast<std::uint32_t>(n_small), is_small});
    if (is_small) n_small += padded_to_group(last - first);
  }
  return n_small;
}

void build_small_trees(std::span<const int> depths, Engine& engine) {
  const std::size_t n_small = find_runs(depths, engine.runs);
  engine.leaves = Buffer<float>(n_small * kSlots, -0.0F);
  engine.small_trees.reserve(n_small);
  const auto add = [&](int depth) {
    const SmallTree before = engine.small_trees.empty() ? SmallTree{} : engine.small_trees.back();
    const auto part = [](const auto& test) { return slot_part(test.slot); };
    std::ranges::sort(engine.slot_tests.begin() + before.tests_end, engine.slot_tests.end(), {}, part);
    std::ranges::sort(engine.slot_set_tests.begin() + before.set_tests_end, engine.slot_set_tests.end(), {},
                      part);
    engine.small_trees.push_back({.tests_end = static_cast<std::uint32_t>(engine.slot_tests.size()),
                                  .set_tests_end = static_cast<std::uint32_t>(engine.slot_set_tests.size()),
                                  .depth = depth});
  };
  for (const TreeRun& run : engine.runs) {
    if (!run.is_small) continue;
    for (std::uint32_t t = run.first; t < run.last; ++t) {
      fill_slots(engine, engine.roots[t], 0, 0,
                 {engine.leaves.data() + engine.small_trees.size() * kSlots, kSlots});
      add(depths[t]);
    }
    while (engine.small_trees.size() % kTreeGroup != 0) add(0);
  }
  if (engine.n_columns <= kMaxSlotColumns) fill_slot_vectors(engine);
}

std::size_t rows_that_fit(std::size_t n_columns) {
  std::size_t rows = kBlockRows;
  while (rows >= kTileRows && rows * n_columns > kScratchBytes) rows /= 2;
  return rows >= kTileRows ? rows : 1;
}

}  // namespace

Engine build_engine(const Model& model) {
  check_model(model);
  Engine engine;
  ColumnBuilder columns(model);
  std::vector<int> depths;
  for (const Tree& tree : model.trees) {
    flatten_tree(tree, columns, engine);
    depths.push_back(depth_of(tree));
  }
  if (columns.fits()) {
    if (!engine.sets.empty()) engine.set_of_node.resize(engine.nodes.size());
    columns.finish(engine);
    engine.block_rows = rows_that_fit(engine.n_columns);
    build_small_trees(depths, engine);
  } else {
    engine = Engine();
    engine.float_trees = model.trees;
  }
  engine.n_features = model.schema.features.size();
  engine.n_trees = model.trees.size();
  engine.base_margin = base_margin(model.objective, model.base_score);
  engine.objective = model.objective;
  engine.kernels = &chosen_kernels();
  return engine;
}

}  // namespace coppice::scoring
