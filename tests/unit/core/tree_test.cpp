#include <coppice/tree.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace coppice {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// x0 < 1.5 ? (x1 in {1, 4} ? leaf 4 : leaf 3) : leaf 2, missing x0 to the left, missing x1 to the right.
Tree make_tree() {
  Tree tree;
  tree.nodes.resize(5);
  tree.nodes[0] = {.left = 1, .right = 2, .feature = 0, .threshold = 1.5F, .default_left = true};
  tree.nodes[1] = {.left = 3,
                   .right = 4,
                   .feature = 1,
                   .is_categorical = true,
                   .categories_begin = 0,
                   .categories_size = 2};
  tree.categories = {1, 4};
  return tree;
}

TEST(Tree, CountsLeavesAndDepth) {
  EXPECT_EQ(make_tree().n_leaves(), 3);
  EXPECT_EQ(make_tree().depth(), 2);
  Tree leaf;
  leaf.nodes.resize(1);
  EXPECT_EQ(leaf.n_leaves(), 1);
  EXPECT_EQ(leaf.depth(), 0);
}

TEST(GoesLeft, ComparesStrictlyAndSendsMissingByDefault) {
  Tree tree = make_tree();
  Tree::Node& root = tree.nodes[0];
  EXPECT_TRUE(goes_left(tree, root, std::nextafter(1.5F, 0.0F)));
  EXPECT_FALSE(goes_left(tree, root, 1.5F));
  EXPECT_TRUE(goes_left(tree, root, kNan));
  root.default_left = false;
  EXPECT_FALSE(goes_left(tree, root, kNan));
}

TEST(GoesLeft, LowestThresholdLetsOnlyMissingGoLeft) {
  Tree tree = make_tree();
  tree.nodes[0].threshold = std::numeric_limits<float>::lowest();
  EXPECT_FALSE(goes_left(tree, tree.nodes[0], std::numeric_limits<float>::lowest()));
  EXPECT_TRUE(goes_left(tree, tree.nodes[0], kNan));
}

TEST(GoesLeft, ListedCodesGoRight) {
  const Tree tree = make_tree();
  const Tree::Node& node = tree.nodes[1];
  EXPECT_TRUE(goes_left(tree, node, 0));
  EXPECT_FALSE(goes_left(tree, node, 1));
  EXPECT_TRUE(goes_left(tree, node, 3));
  EXPECT_FALSE(goes_left(tree, node, 4));
  EXPECT_FALSE(goes_left(tree, node, kNan));
}

TEST(GoesLeft, TakesWhatIsNoCodeAsXGBoostDoes) {
  Tree tree = make_tree();
  tree.categories = {0, 4};
  const Tree::Node& node = tree.nodes[1];
  EXPECT_FALSE(goes_left(tree, node, 4.9F)) << "fractions are cut off";
  EXPECT_FALSE(goes_left(tree, node, -0.0F)) << "negative zero is code 0";
  EXPECT_TRUE(goes_left(tree, node, -0.5F)) << "negative, although it would be cut off to code 0";
  EXPECT_TRUE(goes_left(tree, node, 1e30F));
  EXPECT_TRUE(goes_left(tree, node, std::numeric_limits<float>::infinity()));
}

TEST(GoesLeft, EmptySetLetsOnlyMissingGoRight) {
  Tree tree = make_tree();
  tree.nodes[1].categories_size = 0;
  EXPECT_TRUE(goes_left(tree, tree.nodes[1], 1));
  EXPECT_FALSE(goes_left(tree, tree.nodes[1], kNan));
}

TEST(LeafOf, FollowsTheSplits) {
  const Tree tree = make_tree();
  EXPECT_EQ(leaf_of(tree, std::array{2.0F, 1.0F}), 2);
  EXPECT_EQ(leaf_of(tree, std::array{1.0F, 1.0F}), 4);
  EXPECT_EQ(leaf_of(tree, std::array{1.0F, 2.0F}), 3);
  EXPECT_EQ(leaf_of(tree, std::array{kNan, kNan}), 4);
}

}  // namespace
}  // namespace coppice
