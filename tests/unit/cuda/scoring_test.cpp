// Margins from the device are those of predict_margin, bit for bit.
#include <coppice/model.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <limits>
#include <vector>

#include "cuda/backend.h"
#include "cuda_runtime.h"
#include "reference/random_problem.h"

namespace coppice::kernels {
namespace {

using reference::Random;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr int kCategories = 40;

/// A tree of up to n_splits splits, each of a leaf that there was.
Tree random_tree(int n_features, int n_splits, Random& random) {
  Tree tree;
  tree.nodes.resize(1);
  for (int s = 0; s < n_splits; ++s) {
    const auto at = static_cast<std::size_t>(random.below(static_cast<int>(tree.nodes.size())));
    if (!tree.nodes[at].is_leaf()) continue;
    Tree::Node node;
    node.left = static_cast<std::int32_t>(tree.nodes.size());
    node.right = node.left + 1;
    node.feature = random.below(n_features);
    node.threshold = static_cast<float>(random.normal());
    node.default_left = random.chance(0.5);
    node.is_categorical = random.chance(0.3);
    node.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
    for (int c = 0; node.is_categorical && c < kCategories; ++c)
      if (random.chance(0.4)) tree.categories.push_back(c);
    node.categories_size = static_cast<std::uint32_t>(tree.categories.size()) - node.categories_begin;
    tree.nodes[at] = node;
    tree.nodes.resize(tree.nodes.size() + 2);
  }
  for (Tree::Node& node : tree.nodes) node.weight = static_cast<float>(random.normal());
  return tree;
}

float random_value(Random& random) {
  if (random.chance(0.1)) return kMissing;
  if (random.chance(0.4)) return static_cast<float>(random.below(kCategories + 5));
  return static_cast<float>(random.normal());
}

TEST(DeviceScoring, GivesTheBitsOfPredictMargin) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    cuda_executor::settings() = {.seed = seed};
    const int n_features = 1 + random.below(12);
    Model model;
    model.objective = seed % 2 == 0 ? Objective::kBinaryLogistic : Objective::kSquaredError;
    model.base_score = 0.3F;
    for (int t = 0; t < static_cast<int>(seed); ++t)  // seed 0: a model without trees
      model.trees.push_back(random_tree(n_features, random.below(60), random));
    Dataset data;
    data.n_rows = static_cast<std::size_t>(random.below(700));
    for (int f = 0; f < n_features; ++f)
      for (float& value : data.columns.emplace_back(data.n_rows)) value = random_value(random);
    std::vector<float> margins(data.n_rows);
    cuda::predict_margins(0, model, data, margins);
    std::vector<float> row(static_cast<std::size_t>(n_features));
    for (std::size_t i = 0; i < data.n_rows; ++i) {
      for (std::size_t f = 0; f < row.size(); ++f) row[f] = data.columns[f][i];
      ASSERT_EQ(std::bit_cast<std::uint32_t>(margins[i]),
                std::bit_cast<std::uint32_t>(predict_margin(model, row)))
          << "seed " << seed << ", row " << i;
    }
  }
  cuda_executor::settings() = {};
}

}  // namespace
}  // namespace coppice::kernels
