#include "scoring/engine.h"

#include <coppice/error.h>
#include <coppice/explainer.h>
#include <coppice/scorer.h>
#include <gmock/gmock.h>

#include <array>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>
#include <vector>

namespace {
std::atomic<std::size_t> g_allocations = 0;

void* allocate(std::size_t size, std::size_t alignment) {
  ++g_allocations;
  if (void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment))
    return memory;
  throw std::bad_alloc();
}
}  // namespace

// Every allocation of this program is counted. Not inlined: GCC would take the calls of free() for mistakes.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace coppice {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

Tree::Node inner(std::int32_t left, std::int32_t feature, float threshold, bool default_left) {
  Tree::Node node;
  node.left = left;
  node.right = left + 1;
  node.feature = feature;
  node.threshold = threshold;
  node.default_left = default_left;
  return node;
}

Tree::Node leaf(float weight) {
  Tree::Node node;
  node.weight = weight;
  return node;
}

// Squared error, so that a prediction is its margin; the base margin is 1.
Model model_of(std::vector<Tree> trees, std::size_t n_features) {
  Model model;
  model.schema.features.resize(n_features);
  model.objective = Objective::kSquaredError;
  model.base_score = 1;
  model.trees = std::move(trees);
  return model;
}

// x0 < 2 (missing left) ? (x1 < 0 (missing right) ? 10 : 20) : 40
Tree small_tree() {
  return {.nodes = {inner(1, 0, 2, true), inner(3, 1, 0, false), leaf(40), leaf(10), leaf(20)}};
}

// Code 1 or 3 goes right; missing goes right.
Tree categorical_tree() {
  Tree tree{.nodes = {inner(1, 0, 0, false), leaf(100), leaf(200)}, .categories = {1, 3}};
  tree.nodes[0].is_categorical = true;
  tree.nodes[0].categories_size = 2;
  return tree;
}

class ScorerTest : public testing::TestWithParam<scoring::Isa> {
 protected:
  void SetUp() override {
    if (!scoring::is_supported(GetParam())) GTEST_SKIP() << "this machine lacks the instruction set";
    scoring::force_isa(GetParam());
  }
  void TearDown() override { scoring::force_isa(std::nullopt); }
};

TEST_P(ScorerTest, SendsValuesToTheirSide) {
  const Scorer scorer(model_of({small_tree()}, 2));
  const auto score = [&](float x0, float x1) { return scorer.score(std::array{x0, x1}); };
  EXPECT_EQ(score(1, -1), 11);
  EXPECT_EQ(score(1, 1), 21);
  EXPECT_EQ(score(3, -1), 41);
  EXPECT_EQ(score(2, -1), 41) << "a value equal to the threshold goes right";
  EXPECT_EQ(score(std::nextafter(2.0F, 0.0F), -1), 11);
  EXPECT_EQ(score(1, -0.0F), 21) << "minus zero is not less than zero";
  EXPECT_EQ(score(kNaN, -1), 11) << "missing goes left at the root";
  EXPECT_EQ(score(kNaN, kNaN), 21) << "and right below it";
  EXPECT_EQ(score(kInfinity, 0), 41);
  EXPECT_EQ(score(-kInfinity, -kInfinity), 11);
}

TEST_P(ScorerTest, SendsCategoriesToTheirSide) {
  const Scorer scorer(model_of({categorical_tree()}, 1));
  const auto score = [&](float code) { return scorer.score(std::array{code}); };
  EXPECT_EQ(score(1), 201);
  EXPECT_EQ(score(3), 201);
  EXPECT_EQ(score(3.9F), 201) << "fractions are cut off";
  EXPECT_EQ(score(kNaN), 201) << "missing goes right here";
  for (const float other : {0.0F, -0.0F, 2.0F, 4.0F, 255.0F, -1.0F, -0.5F, 1e30F, kInfinity, -kInfinity}) {
    EXPECT_EQ(score(other), 101) << other;
  }
}

TEST_P(ScorerTest, AddsLeafWeightsInTreeOrder) {
  // (((1 + 2^24) + 1) + 1) - 2^24 is 0 in float32: 2^24 + 1 rounds to 2^24, three times. The ones first would
  // give 4.
  std::vector<Tree> trees;
  for (const float weight : {16777216.0F, 1.0F, 1.0F, -16777216.0F})
    trees.push_back({.nodes = {leaf(weight)}});
  const Scorer scorer(model_of(trees, 1));
  EXPECT_EQ(scorer.score(std::array{5.0F}), 0);
  std::vector<float> scores(70);
  scorer.score_rows(std::vector<float>(70, 5.0F), scores);
  EXPECT_THAT(scores, testing::Each(0.0F));
}

TEST_P(ScorerTest, ScoresRowsAndColumns) {
  const Scorer scorer(model_of({small_tree()}, 2));
  EXPECT_EQ(scorer.n_features(), 2U);
  EXPECT_EQ(scorer.n_trees(), 1U);
  std::vector<float> scores(3);
  scorer.score_rows(std::array{1.0F, -1.0F, 1.0F, 1.0F, 3.0F, 0.0F}, scores);
  EXPECT_THAT(scores, ElementsAre(11, 21, 41));

  const std::array x0{1.0F, 1.0F, 3.0F};
  const std::array x1{-1.0F, 1.0F, 0.0F};
  std::vector<float> later(2);
  scorer.score_columns(std::array{x0.data(), x1.data()}, 1, later);
  EXPECT_THAT(later, ElementsAre(21, 41));
}

TEST_P(ScorerTest, NamesLeaves) {
  const Scorer scorer(model_of({small_tree(), {.nodes = {leaf(5)}}, small_tree()}, 2));
  std::vector<std::int32_t> leaves(3);
  scorer.leaves(std::array{1.0F, 1.0F}, leaves);
  EXPECT_THAT(leaves, ElementsAre(4, 0, 4));
  scorer.leaves(std::array{2.0F, 1.0F}, leaves);
  EXPECT_THAT(leaves, ElementsAre(2, 0, 2));
}

TEST_P(ScorerTest, GivesProbabilitiesOrMargins) {
  Model model = model_of({small_tree()}, 2);
  model.objective = Objective::kBinaryLogistic;
  model.base_score = 0.5F;  // margin 0
  model.trees[0].nodes[3].weight = std::log(3.0F);
  const Scorer scorer(model);
  const std::array row{1.0F, -1.0F};
  EXPECT_EQ(scorer.score(row, Output::kMargin), std::log(3.0F));
  EXPECT_FLOAT_EQ(scorer.score(row), 0.75F);  // 1 / (1 + 1/3)
  float score = 0;
  scorer.score_rows(row, {&score, 1});
  EXPECT_FLOAT_EQ(score, 0.75F);
}

TEST_P(ScorerTest, DoesNotAllocate) {
  Model on_floats = model_of({small_tree(), categorical_tree()}, 2);
  on_floats.trees[1].categories[1] = scoring::kMaxCategoryCode;
  for (const Model& model : {model_of({small_tree(), categorical_tree()}, 2), on_floats}) {
    const Scorer scorer(model);
    const Explainer explainer(model);
    const std::vector<float> rows(2 * 700, 1.0F);
    const std::array columns{rows.data(), rows.data() + 700};
    std::vector<float> scores(700);
    std::vector<std::int32_t> leaves(2);
    std::vector<double> contributions(3);
    std::vector<Reason> reasons(2);
    const std::size_t before = g_allocations;
    static_cast<void>(scorer.score({rows.data(), 2}));
    scorer.score_rows(rows, scores);
    scorer.score_columns(columns, 0, scores);
    scorer.leaves({rows.data(), 2}, leaves);
    explainer.contributions({rows.data(), 2}, contributions);
    EXPECT_EQ(find_reasons(contributions, reasons), 2U);
    EXPECT_EQ(g_allocations, before);
  }
}

TEST_P(ScorerTest, Moves) {
  Scorer scorer(model_of({small_tree()}, 2));
  Scorer moved = std::move(scorer);
  EXPECT_EQ(moved.score(std::array{3.0F, 0.0F}), 41);
  moved = Scorer(model_of({categorical_tree()}, 1));
  EXPECT_EQ(moved.score(std::array{1.0F}), 201);
}

std::string name_of(const testing::TestParamInfo<scoring::Isa>& info) {
  static constexpr std::array kNames{"scalar", "avx2", "avx512"};
  return kNames[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(Isa, ScorerTest,
                         testing::Values(scoring::Isa::kScalar, scoring::Isa::kAvx2, scoring::Isa::kAvx512),
                         name_of);

TEST(ScorerEngine, CountsAllocations) {
  const std::size_t before = g_allocations;
  EXPECT_THAT(std::vector<int>(10), Not(testing::IsEmpty()));
  EXPECT_GT(g_allocations, before);
}

TEST(ScorerEngine, GivesAFeatureAColumnForEachMissingSide) {
  Tree other = small_tree();
  other.nodes[0].default_left = false;
  const scoring::Engine engine = scoring::build_engine(model_of({small_tree(), other}, 2));
  EXPECT_EQ(engine.n_columns, 3U);  // x0 left, x0 right, x1 right
  EXPECT_EQ(engine.codings.size(), 2U);
  EXPECT_EQ(engine.block_rows, 512U);
}

TEST(ScorerEngine, SplitsAFeatureIntoColumnsOf255Thresholds) {
  std::vector<Tree> trees;
  trees.reserve(256);
  for (int i = 0; i < 256; ++i) {
    trees.push_back({.nodes = {inner(1, 0, static_cast<float>(i), true), leaf(0), leaf(1)}});
  }
  const scoring::Engine engine = scoring::build_engine(model_of(trees, 1));
  EXPECT_EQ(engine.n_columns, 2U);
  EXPECT_EQ(Scorer(model_of(trees, 1)).score(std::array{254.5F}), 1 + 255);
}

TEST(ScorerEngine, NaNAsThresholdSendsEveryNumberRight) {
  const Tree tree{.nodes = {inner(1, 0, kNaN, true), leaf(10), leaf(20)}};
  const Scorer scorer(model_of({tree}, 1));
  EXPECT_EQ(scorer.score(std::array{-kInfinity}), 21);
  EXPECT_EQ(scorer.score(std::array{kNaN}), 11);
}

void expect_refused(const Tree& tree, const std::string& message) {
  try {
    Scorer scorer(model_of({small_tree(), tree}, 2));
    FAIL() << "no error: " << message;
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), "core.scorer.model");
    EXPECT_THAT(error.what(), HasSubstr(message));
  }
}

TEST(ScorerEngine, RefusesDamagedTrees) {
  expect_refused({}, "tree 1, node 0: the tree has no nodes");
  Tree tree = small_tree();
  tree.nodes[1].feature = 2;
  expect_refused(tree, "tree 1, node 1: feature 2 is not one of the schema's 2");
  tree.nodes[1].feature = -1;
  expect_refused(tree, "feature -1");

  tree = small_tree();
  tree.nodes[1].left = 4;
  tree.nodes[1].right = 5;
  expect_refused(tree, "tree 1, node 1: left child 4 is not among the later of the tree's 5 nodes");
  tree.nodes[1].left = 1;
  tree.nodes[1].right = 2;
  expect_refused(tree, "left child 1");
  tree.nodes[1].left = std::numeric_limits<std::int32_t>::max();
  expect_refused(tree, "left child 2147483647");
  tree.nodes[1] = inner(3, 1, 0, true);
  tree.nodes[1].right = 2;
  expect_refused(tree, "right child 2 is not next to left child 3");

  tree = categorical_tree();
  tree.nodes[0].categories_begin = 1;
  expect_refused(tree, "its categories end beyond the tree's 2");
  tree.nodes[0].categories_begin = 0xFFFFFFFF;
  expect_refused(tree, "its categories end beyond the tree's 2");
  tree = categorical_tree();
  tree.categories = {3, 1};
  expect_refused(tree, "its categories are not ascending");
}

}  // namespace
}  // namespace coppice
