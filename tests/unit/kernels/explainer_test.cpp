#include <coppice/error.h>
#include <coppice/explainer.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "../../reference/random_problem.h"

namespace coppice {
namespace {

using reference::Random;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

Tree::Node inner(std::int32_t left, std::int32_t feature, float threshold, float cover) {
  return {.left = left, .right = left + 1, .feature = feature, .threshold = threshold, .cover = cover};
}

Tree::Node leaf(float weight, float cover) { return {.weight = weight, .cover = cover}; }

// The rounding of a few sums of numbers below 100.
auto near(double value) { return testing::DoubleNear(value, 1e-13); }

// Squared error with base margin 1.
Model model_of(std::vector<Tree> trees, std::size_t n_features) {
  Model model;
  model.schema.features.resize(n_features);
  model.objective = Objective::kSquaredError;
  model.base_score = 1;
  model.trees = std::move(trees);
  return model;
}

std::vector<double> contributions_of(const Model& model, const std::vector<float>& row) {
  std::vector<double> contributions(row.size() + 1);
  Explainer(model).contributions(row, contributions);
  return contributions;
}

// x0 < 2 ? (x1 < 0 ? 10 : 20) : 40, seen by 1, 3 and 4 rows.
Tree small_tree() {
  return {.nodes = {inner(1, 0, 2, 8), inner(3, 1, 0, 4), leaf(40, 4), leaf(10, 1), leaf(20, 3)}};
}

TEST(Explainer, SharesTheMarginFairly) {
  // Nothing known: 1/2 40 + 1/2 (1/4 10 + 3/4 20) = 28.75. x0 = 1 alone: 17.5; x1 = -1 alone: 25; both: 10.
  // x0: half of (17.5 - 28.75) + (10 - 25); x1: half of (25 - 28.75) + (10 - 17.5).
  const Model model = model_of({small_tree()}, 3);
  EXPECT_THAT(contributions_of(model, {1, -1, 5}), ElementsAre(near(-13.125), near(-5.625), 0, near(29.75)));
  // x0 = 3 sends the row away from x1, which still matters: 40 known by x0; x1 = -1 alone 25.
  EXPECT_THAT(contributions_of(model, {3, -1, 5}),
              ElementsAre(near((40 - 28.75 + 40 - 25) / 2), near((25 - 28.75) / 2), 0, near(29.75)));
}

TEST(Explainer, GivesALoneLeafToTheBias) {
  EXPECT_THAT(contributions_of(model_of({{.nodes = {leaf(5, 0)}}}, 1), {7}), ElementsAre(0, 6));
  EXPECT_THAT(contributions_of(model_of({}, 1), {7}), ElementsAre(0, 1));
}

// The game itself: what the tree is worth when the features of a set are known.
double worth(const Tree& tree, std::size_t index, const std::vector<float>& row, unsigned known) {
  const Tree::Node& node = tree.nodes[index];
  if (node.is_leaf()) return node.weight;
  const auto side = [&](std::int32_t child) {
    return worth(tree, static_cast<std::size_t>(child), row, known);
  };
  if ((known >> node.feature & 1U) != 0) {
    return side(goes_left(tree, node, row[static_cast<std::size_t>(node.feature)]) ? node.left : node.right);
  }
  const double left = tree.nodes[node.left].cover;
  const double right = tree.nodes[node.right].cover;
  if (left + right == 0) return (side(node.left) + side(node.right)) / 2;
  return (left * side(node.left) + right * side(node.right)) / (left + right);
}

double factorial(int n) { return std::tgamma(n + 1.0); }

// Shapley's formula, over all sets of features.
std::vector<double> brute_force(const Model& model, const std::vector<float>& row) {
  const auto n = static_cast<int>(row.size());
  std::vector<double> worths(std::size_t{1} << n, base_margin(model.objective, model.base_score));
  for (unsigned set = 0; set < worths.size(); ++set) {
    for (const Tree& tree : model.trees) worths[set] += worth(tree, 0, row, set);
  }
  std::vector<double> contributions(row.size() + 1);
  for (int f = 0; f < n; ++f) {
    for (unsigned set = 0; set < worths.size(); ++set) {
      if ((set >> f & 1U) != 0) continue;
      const int size = std::popcount(set);
      contributions[static_cast<std::size_t>(f)] +=
          factorial(size) * factorial(n - size - 1) / factorial(n) * (worths[set | 1U << f] - worths[set]);
    }
  }
  contributions.back() = worths[0];
  return contributions;
}

// A tree of up to `depth` levels over every kind of split. Covers of 0 occur.
Tree random_tree(Random& random, int n_features, int depth) {
  Tree tree;
  tree.nodes.push_back({.cover = 100});
  std::vector<int> levels{0};
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    if (levels[i] == depth || (i > 0 && random.chance(0.1))) {
      tree.nodes[i].weight = static_cast<float>(random.normal());
      continue;
    }
    const float cover = tree.nodes[i].cover;
    const auto share = static_cast<float>(random.chance(0.1) ? random.below(2) : random.uniform());
    const auto left = static_cast<std::int32_t>(tree.nodes.size());
    Tree::Node node = inner(left, random.below(n_features), static_cast<float>(random.normal()), cover);
    node.default_left = random.chance(0.5);
    if (node.feature == 0) {  // the categorical one
      node.is_categorical = true;
      node.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
      for (int code = 0; code < 6; ++code) {
        if (random.chance(0.4)) tree.categories.push_back(code);
      }
      node.categories_size = static_cast<std::uint32_t>(tree.categories.size()) - node.categories_begin;
    }
    tree.nodes[i] = node;
    tree.nodes.push_back({.cover = cover * share});
    tree.nodes.push_back({.cover = cover - cover * share});
    levels.insert(levels.end(), 2, levels[i] + 1);
  }
  return tree;
}

std::vector<float> random_row(Random& random, int n_features) {
  std::vector<float> row{static_cast<float>(random.below(7))};
  for (int f = 1; f < n_features; ++f) row.push_back(static_cast<float>(random.normal()));
  for (float& value : row) value = random.chance(0.2) ? kNaN : value;
  return row;
}

TEST(Explainer, IsShapleysFormulaOnEveryKindOfTree) {
  Random random(1);
  for (int i = 0; i < 300; ++i) {
    const int n_features = 1 + random.below(12);
    const int depth = 1 + random.below(i % 10 == 0 ? 12 : 7);
    const Model model =
        model_of({random_tree(random, n_features, depth), random_tree(random, n_features, depth)},
                 static_cast<std::size_t>(n_features));
    const auto row = random_row(random, n_features);
    const auto expected = brute_force(model, row);
    const auto found = contributions_of(model, row);
    for (std::size_t f = 0; f < expected.size(); ++f) {
      // Some hundred roundings of terms below 10.
      ASSERT_NEAR(found[f], expected[f], 1e-13) << "model " << i << ", feature " << f;
    }
  }
}

// A row of ones takes the right side of every node of the chain. Without covers each node halves the rows;
// only the last leaf counts.
Model chain(std::size_t depth) {
  Tree tree{.nodes = {leaf(0, 0)}};
  for (std::size_t d = 0; d < depth; ++d) {
    const auto left = static_cast<std::int32_t>(tree.nodes.size());
    tree.nodes.back() = inner(left, static_cast<std::int32_t>(d), 0.5F, 0);
    tree.nodes.insert(tree.nodes.end(), {leaf(0, 0), leaf(1, 0)});
  }
  return model_of({tree}, depth);
}

TEST(Explainer, SharesALongPathEvenly) {
  for (const std::size_t depth : {1U, 8U, 9U, 40U, 300U, 512U}) {
    const auto found = contributions_of(chain(depth), std::vector<float>(depth, 1.0F));
    const double share = (1 - std::ldexp(1.0, -static_cast<int>(depth))) / static_cast<double>(depth);
    for (std::size_t f = 0; f < depth; ++f) ASSERT_NEAR(found[f], share, 1e-13) << depth << " features";
    EXPECT_EQ(found.back(), 1 + std::ldexp(1.0, -static_cast<int>(depth)));
  }
}

TEST(Explainer, SumsToTheMargin) {
  Random random(2);
  std::vector<Tree> trees;
  for (int t = 0; t < 200; ++t) trees.push_back(random_tree(random, 30, 10));
  const Model model = model_of(trees, 30);
  const Explainer explainer(model);
  EXPECT_EQ(explainer.n_features(), 30U);
  for (int i = 0; i < 20; ++i) {
    const auto row = random_row(random, 30);
    std::vector<double> contributions(31);
    explainer.contributions(row, contributions);
    double margin = base_margin(model.objective, model.base_score);
    double size = margin;
    for (const Tree& tree : trees) {
      margin += tree.nodes[leaf_of(tree, row)].weight;
      float largest = 0;
      for (const Tree::Node& node : tree.nodes) largest = std::max(largest, std::abs(node.weight));
      size += largest;
    }
    double sum = 0;
    for (const double contribution : contributions) sum += contribution;
    EXPECT_NEAR(sum, margin, 1e-13 * size);  // the header's promise
  }
}

TEST(Explainer, ExplainsManyRowsAlike) {
  const Model model = model_of({small_tree()}, 3);
  const Explainer explainer(model);
  std::vector<double> dirty(4, 1e9);
  explainer.contributions(std::array{1.0F, -1.0F, 5.0F}, dirty);
  EXPECT_EQ(dirty, contributions_of(model, {1, -1, 5})) << "what stood in the result does not matter";
}

std::string error_of(const Model& model) {
  try {
    const Explainer explainer(model);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(Explainer, RefusesWhatItCannotExplain) {
  EXPECT_THAT(error_of(model_of({small_tree()}, 1)),
              HasSubstr("[core.scorer.model] tree 0, node 1: feature 1"));
  Tree negative = small_tree();
  negative.nodes[3].cover = -1;
  EXPECT_THAT(error_of(model_of({small_tree(), negative}, 2)),
              HasSubstr("[core.scorer.model] tree 1, node 3: its cover is negative"));
  EXPECT_THAT(error_of(chain(Explainer::kMaxDepth + 1)), HasSubstr("[core.explainer.depth] tree 0"));
}

TEST(FindReasons, ArrangesByStrength) {
  const std::vector<double> contributions{0.5, -2, 0, 2, 0.1, 100};  // the last is the bias
  std::array<Reason, 3> reasons;
  EXPECT_EQ(find_reasons(contributions, reasons), 3U);
  EXPECT_THAT(reasons, ElementsAre(Reason{1, -2}, Reason{3, 2}, Reason{0, 0.5}));
  std::array<Reason, 6> all;
  EXPECT_EQ(find_reasons(contributions, all), 4U) << "what contributes nothing is no reason";
  EXPECT_EQ(all[3], (Reason{4, 0.1}));
  EXPECT_EQ(find_reasons(contributions, {}), 0U);
}

}  // namespace
}  // namespace coppice
