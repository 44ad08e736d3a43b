// The model that is timed: 100 full trees of depth 6 over 30 features.
#pragma once

#include <coppice/model.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace coppice::bench {

inline constexpr std::size_t kFeatures = 30;
inline constexpr std::size_t kTrees = 100;
inline constexpr int kDepth = 6;
inline constexpr std::size_t kThresholds = 250;  // of a feature

/// Between -1 and 1.
inline float number(std::mt19937_64& random) {
  return static_cast<float>(static_cast<double>(random() >> 40) * 0x1p-23 - 1.0);
}

inline Tree full_tree(std::mt19937_64& random, const std::vector<std::vector<float>>& thresholds) {
  Tree tree;
  const std::size_t n_inner = (std::size_t{1} << kDepth) - 1;
  tree.nodes.resize(2 * n_inner + 1);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    Tree::Node& node = tree.nodes[i];
    node.weight = 0.01F * number(random);
    if (i >= n_inner) continue;
    const std::size_t f = random() % kFeatures;
    node.feature = static_cast<std::int32_t>(f);
    node.threshold = thresholds[f][random() % kThresholds];
    node.default_left = f % 2 == 0;
    node.left = static_cast<std::int32_t>(2 * i + 1);
    node.right = node.left + 1;
  }
  return tree;
}

inline Model make_model(std::mt19937_64& random) {
  std::vector<std::vector<float>> thresholds(kFeatures);
  for (std::vector<float>& of_feature : thresholds) {
    while (of_feature.size() < kThresholds) of_feature.push_back(number(random));
  }
  Model model;
  for (std::size_t f = 0; f < kFeatures; ++f) {
    model.schema.features.emplace_back().name.append("V").append(std::to_string(f));
  }
  while (model.trees.size() < kTrees) model.trees.push_back(full_tree(random, thresholds));
  return model;
}

}  // namespace coppice::bench
