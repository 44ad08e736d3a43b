#include <coppice/model.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace coppice {
namespace {

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

/// Two trees: a split of `amount`, then of `country`; and a lone leaf.
Model make_model() {
  Model model;
  model.objective = Objective::kSquaredError;
  model.base_score = 10;
  model.schema.features = {
      {.name = "amount"},
      {.name = "country", .kind = FeatureKind::kCategorical, .categories = {"A", "B", "C"}},
      {.name = "unused"}};
  Tree tree;
  tree.nodes.resize(5);
  tree.nodes[0] = {
      .left = 1, .right = 2, .feature = 0, .threshold = 1.5F, .gain = 8, .cover = 6, .default_left = true};
  tree.nodes[1] = {.weight = 1, .cover = 2};
  tree.nodes[2] = {.left = 3,
                   .right = 4,
                   .feature = 1,
                   .gain = 9.5F,
                   .cover = 4,
                   .is_categorical = true,
                   .categories_begin = 0,
                   .categories_size = 2};
  tree.nodes[3] = {.weight = 2, .cover = 3};
  tree.nodes[4] = {.weight = -4, .cover = 1};
  tree.categories = {1, 3};
  Tree leaf;
  leaf.nodes = {{.weight = 0.5F, .cover = 6}};
  model.trees = {tree, leaf};
  return model;
}

TEST(PredictMargin, AddsTheLeavesToTheBaseMargin) {
  const Model model = make_model();
  EXPECT_EQ(predict_margin(model, std::array{1.0F, 1.0F, 0.0F}), 11.5F);
  EXPECT_EQ(predict_margin(model, std::array{2.0F, 0.0F, 0.0F}), 12.5F);
  EXPECT_EQ(predict_margin(model, std::array{2.0F, 3.0F, 0.0F}), 6.5F);
  EXPECT_EQ(predict_margin(model, std::array{2.0F, kMissing, 0.0F}), 6.5F);
}

TEST(PredictMargin, AddsOneTreeAfterTheOtherInFloat32) {
  Model model = make_model();
  model.base_score = 16777216;  // 2^24, from where float32 counts in twos
  Tree leaf = model.trees[1];
  leaf.nodes[0].weight = 1;
  model.trees = {leaf, leaf, leaf};
  // 2^24 + 1 rounds to 2^24 (ties to even) three times; the sum of the leaves first would give 2^24 + 4.
  EXPECT_EQ(predict_margin(model, std::array{0.0F, 0.0F, 0.0F}), 16777216.0F);
}

TEST(PredictMargin, StartsAtTheLogitForBinaryLogistic) {
  Model model = make_model();
  model.objective = Objective::kBinaryLogistic;
  model.base_score = 0.5F;
  model.trees.resize(0);
  EXPECT_EQ(predict_margin(model, std::array{0.0F, 0.0F, 0.0F}), 0.0F);
}

TEST(Importance, SumsOverSplitsByFallingGain) {
  Model model = make_model();
  auto entries = importance(model);
  ASSERT_EQ(entries.size(), 2U) << "a feature that never splits has no entry";
  EXPECT_EQ(entries[0].feature, "country");
  EXPECT_EQ(entries[0].gain, 9.5);
  EXPECT_EQ(entries[0].cover, 4);
  EXPECT_EQ(entries[0].count, 1U);

  model.trees.push_back(model.trees[0]);
  model.trees.back().nodes[2].feature = 0;
  model.trees.back().nodes[2].gain = 1.5F;
  entries = importance(model);
  EXPECT_EQ(entries[0].feature, "amount");
  EXPECT_EQ(entries[0].gain, 8 + 8 + 1.5);
  EXPECT_EQ(entries[0].cover, 6 + 6 + 4);
  EXPECT_EQ(entries[0].count, 3U);
}

TEST(Importance, KeepsFeatureOrderInTies) {
  Model model = make_model();
  model.trees[0].nodes[2].gain = 8;
  EXPECT_EQ(importance(model)[0].feature, "amount");
}

TEST(DumpText, ShowsConditionsByName) {
  EXPECT_EQ(dump_text(make_model()),
            "tree 0:\n"
            "0:[amount<1.5] yes=1,no=2,missing=1,gain=8,cover=6\n"
            "\t1:leaf=1,cover=2\n"
            "\t2:[country in {B,<other>}] yes=4,no=3,missing=4,gain=9.5,cover=4\n"
            "\t\t3:leaf=2,cover=3\n"
            "\t\t4:leaf=-4,cover=1\n"
            "tree 1:\n"
            "0:leaf=0.5,cover=6\n");
}

TEST(DumpText, StaysLinearForAChain) {
  Model model = make_model();
  Tree chain;
  constexpr int kDepth = 20'000;
  for (int i = 0; i < kDepth; ++i) {
    if (i > 0) chain.nodes.emplace_back();
    chain.nodes.push_back({.left = 2 * i + 1, .right = 2 * i + 2, .feature = 0});
  }
  chain.nodes.resize(2 * kDepth + 1);
  model.trees = {chain};
  EXPECT_EQ(chain.depth(), kDepth);
  EXPECT_LT(dump_text(model).size(), chain.nodes.size() * 200);
}

TEST(FirstDifference, IsEmptyForEqualModels) {
  Model model = make_model();
  model.summary.sampling_thresholds = {kMissing};
  EXPECT_EQ(first_difference(model, model), "") << "NaN equals NaN here";
}

TEST(FirstDifference, SaysWhatWhereAndHow) {
  const Model model = make_model();
  Model other = make_model();
  other.trees[0].nodes[2].gain = 9.25F;
  EXPECT_EQ(first_difference(model, other), "tree 0, node 2: gain: 9.5 and 9.25");
  other.trees[0].nodes[0].default_left = false;
  EXPECT_EQ(first_difference(model, other), "tree 0, node 0: missing goes left: true and false");
  other.base_score = 11;
  EXPECT_EQ(first_difference(model, other), "base score: 10 and 11");
  other.schema.features[1].categories[2] = "D";
  EXPECT_EQ(first_difference(model, other), "categories of feature country[2]: C and D");
}

TEST(FirstDifference, LooksAtEveryPart) {
  const auto difference = [](auto change) {
    Model other = make_model();
    change(other);
    return first_difference(make_model(), other);
  };
  using testing::StartsWith;
  EXPECT_THAT(difference([](Model& m) { m.objective = Objective::kBinaryLogistic; }),
              StartsWith("objective: "));
  EXPECT_THAT(difference([](Model& m) { m.schema.label = "y"; }), StartsWith("label column: "));
  EXPECT_THAT(difference([](Model& m) { m.schema.has_header = false; }), StartsWith("header in the table: "));
  EXPECT_THAT(difference([](Model& m) { m.schema.features[0].kind = FeatureKind::kCategorical; }),
              "kind of feature amount: numeric and categorical");
  EXPECT_THAT(difference([](Model& m) { m.parameters.max_depth = 7; }), "parameter max_depth: 6 and 7");
  EXPECT_EQ(difference([](Model& m) { m.parameters.threads = 7; }), "") << "threads do not belong to a model";
  EXPECT_THAT(difference([](Model& m) { m.threshold = 0.2; }), "threshold: 0.5 and 0.2");
  EXPECT_THAT(difference([](Model& m) { m.cuts.values.push_back(1); }), "number of cuts: 0 and 1");
  EXPECT_THAT(difference([](Model& m) { m.trees.pop_back(); }), "number of trees: 2 and 1");
  EXPECT_THAT(difference([](Model& m) { m.trees[1].nodes[0].weight = -0.0F; }),
              "tree 1, node 0: weight: 0.5 and -0");
  EXPECT_THAT(difference([](Model& m) { m.trees[0].categories[0] = 2; }), "categories of tree 0[0]: 1 and 2");
  EXPECT_THAT(difference([](Model& m) { m.bin_counts = {{1}}; }), "number of binned features: 0 and 1");
  EXPECT_THAT(difference([](Model& m) { m.score_reference.cuts = {1}; }), "number of score cuts: 0 and 1");
  EXPECT_THAT(difference([](Model& m) { m.score_reference.counts = {1}; }),
              "number of score counts: 0 and 1");
  EXPECT_THAT(difference([](Model& m) { m.summary.best_round = 3; }), "best round: -1 and 3");
  EXPECT_THAT(difference([](Model& m) { m.summary.curves = {{.name = "a"}}; }),
              "number of metric curves: 0 and 1");
  EXPECT_THAT(difference([](Model& m) { m.summary.sampling_thresholds = {1}; }),
              "number of sampling thresholds: 0 and 1");
}

TEST(FirstDifference, TellsZerosApart) {
  Model a = make_model();
  Model b = make_model();
  a.trees[1].nodes[0].weight = 0.0F;
  b.trees[1].nodes[0].weight = -0.0F;
  EXPECT_EQ(first_difference(a, b), "tree 1, node 0: weight: 0 and -0");
}

TEST(Version, IsThreeNumbers) {
  EXPECT_THAT(std::string(version()), testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
}

}  // namespace
}  // namespace coppice
