#include <coppice/detail/grown_tree.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace coppice::detail {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// A rule in units of 1 with no penalties but lambda 1.
SplitRule unit_rule(double min_hessian = 1) {
  SplitRule rule;
  rule.min_hessian = min_hessian;
  return rule;
}

/// A numeric split of feature 0 after bin 1.
Split split_at(double score, Word left) {
  Split split;
  split.score = score;
  split.key = split_key(0, 1, 0);
  split.left = left;
  return split;
}

TEST(StepClamp, DependsOnTheObjectiveUnlessSet) {
  Parameters parameters;
  EXPECT_EQ(effective_max_delta_step(parameters), 5);
  parameters.objective = Objective::kSquaredError;
  EXPECT_EQ(effective_max_delta_step(parameters), 0);
  parameters.max_delta_step = 0.7;
  EXPECT_EQ(effective_max_delta_step(parameters), 0.7);
  parameters.objective = Objective::kBinaryLogistic;
  parameters.max_delta_step = 0;
  EXPECT_EQ(effective_max_delta_step(parameters), 0);
}

TEST(SplitRule, ChildrenWeighAtLeastOneUnit) {
  Parameters parameters;
  parameters.min_child_weight = 0;
  const SplitRule light = make_split_rule(parameters, 20, 10, 1);
  EXPECT_EQ(light.gradient_unit, 0x1p-20);
  EXPECT_EQ(light.hessian_unit, 0x1p-10);
  EXPECT_EQ(light.min_hessian, 0x1p-10);
  parameters.min_child_weight = 6;
  EXPECT_EQ(make_split_rule(parameters, 20, 10, 1).min_hessian, 6);
}

TEST(GrownTree, CanSplitLooksAtDepthLeavesAndWeight) {
  Parameters parameters;
  parameters.max_depth = 1;
  GrownTree tree(parameters, unit_rule(4), pack(0, 16));
  EXPECT_TRUE(tree.can_split(0));
  tree.set_split(0, split_at(5, pack(-3, 9)), 0);
  EXPECT_THAT(tree.expand(), ElementsAre(0));
  EXPECT_FALSE(tree.can_split(1));  // depth

  parameters.max_depth = 0;
  GrownTree deep(parameters, unit_rule(4), pack(0, 16));
  deep.set_split(0, split_at(5, pack(-3, 9)), 0);
  deep.expand();
  EXPECT_TRUE(deep.can_split(1));   // 9 >= 2 * 4
  EXPECT_FALSE(deep.can_split(2));  // 7

  parameters.max_leaves = 2;
  GrownTree full(parameters, unit_rule(4), pack(0, 16));
  full.set_split(0, split_at(5, pack(-3, 9)), 0);
  full.expand();
  EXPECT_FALSE(full.can_split(1));
}

TEST(GrownTree, SplitsOnlyWhatIsWorthwhile) {
  Parameters parameters;
  SplitRule rule = unit_rule();
  rule.gamma = 2;
  GrownTree tree(parameters, rule, pack(6, 8));  // score 36 / 9 = 4
  EXPECT_THAT(tree.expand(), IsEmpty());         // not evaluated
  tree.set_split(0, split_at(5.5, pack(0, 4)), 0);
  EXPECT_DOUBLE_EQ(tree.nodes()[0].gain, 1.5);
  EXPECT_THAT(tree.expand(), IsEmpty());
  tree.set_split(0, Split{}, 0);
  EXPECT_THAT(tree.expand(), IsEmpty());
  tree.set_split(0, split_at(6, pack(0, 4)), 0);
  EXPECT_THAT(tree.expand(), ElementsAre(0));
  EXPECT_THAT(tree.expand(), IsEmpty());
}

TEST(GrownTree, ChildrenShareTheParentsSum) {
  GrownTree tree({}, unit_rule(), pack(-2, 16));
  tree.set_split(0, split_at(50, pack(-9, 6)), 0);
  tree.expand();
  ASSERT_EQ(tree.nodes().size(), 3U);
  EXPECT_EQ(tree.nodes()[0].left, 1);
  EXPECT_EQ(tree.nodes()[1].sum, pack(-9, 6));
  EXPECT_EQ(tree.nodes()[2].sum, pack(7, 10));
  EXPECT_EQ(tree.nodes()[2].depth, 1);
  EXPECT_TRUE(tree.nodes()[0].split.missing_right());  // no missing rows, and the right side is heavier
}

/// A tree of four leaves of equal weight whose splits promise these gains above their own score.
GrownTree four_leaves(const Parameters& parameters, const std::vector<double>& gains) {
  GrownTree tree(parameters, unit_rule(), pack(0, 64));
  tree.set_split(0, split_at(1, pack(0, 32)), pack(0, 1));
  tree.expand();
  for (const int node : {1, 2}) tree.set_split(node, split_at(1, pack(0, 16)), pack(0, 1));
  while (tree.nodes().size() < 7) tree.expand();
  for (std::size_t i = 0; i < gains.size(); ++i)
    tree.set_split(static_cast<int>(3 + i), split_at(gains[i], pack(0, 8)), pack(0, 1));
  return tree;
}

TEST(GrownTree, DepthwiseSplitsAllInOrderOfNumber) {
  GrownTree tree = four_leaves({}, {1, 4, 2, 3});
  EXPECT_THAT(tree.expand(), ElementsAre(3, 4, 5, 6));
  EXPECT_EQ(tree.nodes()[3].left, 7);
  EXPECT_EQ(tree.nodes()[6].left, 13);
  EXPECT_EQ(tree.n_leaves(), 8);
}

TEST(GrownTree, DepthwiseTakesTheHighestGainsWhenLeavesRunOut) {
  Parameters parameters;
  parameters.max_leaves = 6;
  GrownTree tree = four_leaves(parameters, {1, 4, 2, 3});
  EXPECT_THAT(tree.expand(), ElementsAre(4, 6));
  EXPECT_THAT(tree.expand(), IsEmpty());
  GrownTree tied = four_leaves(parameters, {2, 2, 3, 2});
  EXPECT_THAT(tied.expand(), ElementsAre(3, 5));
}

TEST(GrownTree, LossguideTakesOneAtATime) {
  Parameters parameters;
  parameters.grow_policy = GrowPolicy::kLossguide;
  parameters.max_leaves = 7;
  GrownTree tree = four_leaves(parameters, {1, 4, 2, 4});
  EXPECT_THAT(tree.expand(), ElementsAre(4));  // ties: lower number
  EXPECT_THAT(tree.expand(), ElementsAre(6));
  EXPECT_THAT(tree.expand(), ElementsAre(5));
  EXPECT_THAT(tree.expand(), IsEmpty());  // seven leaves
  EXPECT_EQ(tree.n_leaves(), 7);
}

// ---------------------------------------------------------------------------------------------------------

/// One numeric feature with cuts 1.5 and 2.5, one categorical feature of three codes.
Cuts two_features() { return {.values = {1.5F, 2.5F}, .offsets = {0, 2, 2}, .n_codes = {0, 3}}; }

TEST(Finish, LoneLeaf) {
  Parameters parameters;
  parameters.learning_rate = 0.5;
  const std::vector<GrownNode> nodes(1);
  const std::vector<LeafSum> leaves = {{.gradient = -6 << 10, .hessian = 2 << 8}};
  const Tree tree = finish(nodes, leaves, 10, 8, two_features(), parameters);
  ASSERT_EQ(tree.nodes.size(), 1U);
  EXPECT_TRUE(tree.nodes[0].is_leaf());
  EXPECT_EQ(tree.nodes[0].weight, 1);  // 6 / (2 + 1) * 0.5
  EXPECT_EQ(tree.nodes[0].cover, 2);
}

TEST(Finish, WeightsAndCoversComeFromLeafSums) {
  Parameters parameters;
  parameters.learning_rate = 0.5;
  parameters.max_delta_step = 2.5;
  GrownTree grown({}, unit_rule(), pack(0, 64));
  grown.set_split(0, split_at(3, pack(0, 40)), 0);
  grown.expand();
  const std::vector<LeafSum> leaves = {{}, {.gradient = -6, .hessian = 2}, {.gradient = 12, .hessian = 3}};
  const Tree tree = finish(grown.nodes(), leaves, 0, 0, two_features(), parameters);
  ASSERT_EQ(tree.nodes.size(), 3U);
  const auto& root = tree.nodes[0];
  EXPECT_EQ(root.left, 1);
  EXPECT_EQ(root.right, 2);
  EXPECT_EQ(root.feature, 0);
  EXPECT_EQ(root.threshold, 1.5F);
  EXPECT_TRUE(root.default_left);
  EXPECT_EQ(root.gain, 3);
  EXPECT_EQ(root.cover, 5);
  EXPECT_EQ(root.weight, -1);               // -(6 / 6), not shrunk by the rate
  EXPECT_EQ(tree.nodes[1].weight, 1);       // 6 / 3 * 0.5
  EXPECT_EQ(tree.nodes[2].weight, -1.25F);  // 12 / 4 clamped to 2.5, * 0.5
}

TEST(Finish, OnlyMissingLeftAndCategories) {
  GrownTree grown({}, unit_rule(), pack(0, 64));
  Split missing_left = split_at(3, pack(0, 40));
  missing_left.key = split_key(0, 0, 0);
  grown.set_split(0, missing_left, pack(0, 40));
  grown.expand();
  Split categorical = split_at(3, pack(0, 20));
  categorical.key = split_key(1, 2, 1);
  categorical.is_categorical = true;
  for (const int bin : {0, 1, 3}) insert(categorical.right_bins, bin);
  grown.set_split(1, categorical, pack(0, 4));
  grown.expand();
  const Tree tree = finish(grown.nodes(), std::vector<LeafSum>(5), 0, 0, two_features(), {});
  EXPECT_EQ(tree.nodes[0].threshold, std::numeric_limits<float>::lowest());
  EXPECT_TRUE(tree.nodes[0].default_left);
  const auto& node = tree.nodes[1];
  EXPECT_TRUE(node.is_categorical);
  EXPECT_EQ(node.feature, 1);
  EXPECT_FALSE(node.default_left);
  EXPECT_THAT(tree.categories_of(node), ElementsAre(0, 2));  // bins less one
}

}  // namespace
}  // namespace coppice::detail
