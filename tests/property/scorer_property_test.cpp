// The scorer against the naive walk: random models and rows, every instruction set, bit for bit.
#include "scoring/engine.h"

#include <coppice/model.h>
#include <coppice/scorer.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace coppice {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

// What a random model looks like, and which ways of the engine it is meant to take.
struct Shape {
  std::string name;
  std::size_t n_features = 30;
  std::size_t n_trees = 20;
  int max_depth = 6;
  int min_depth = 0;              // every path is at least so long
  std::size_t pool = 40;          // thresholds that the nodes of a feature share; 0: all differ
  bool both_sides = true;         // missing goes left here and right there
  std::size_t n_categorical = 0;  // the first features
  std::int32_t n_codes = 20;      // category codes are below
  std::size_t max_listed = 8;     // categories at a node
  std::size_t max_rows = 1500;
  std::size_t min_columns = 0;
  std::size_t max_columns = 64;
  std::size_t block_rows = 512;
  bool on_floats = false;
};

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.name; }

class Generator {
 public:
  Generator(const Shape& shape, std::uint64_t seed) : shape_(shape), random_(seed) {
    pools_.resize(shape.n_features);
    for (std::vector<float>& pool : pools_) {
      while (pool.size() < shape.pool) pool.push_back(number());
    }
  }

  Model model() {
    Model model;
    model.schema.features.resize(shape_.n_features);
    for (std::size_t f = 0; f < shape_.n_categorical; ++f) {
      model.schema.features[f].kind = FeatureKind::kCategorical;
    }
    model.base_score = 0.3F;
    for (std::size_t t = 0; t < shape_.n_trees; ++t) model.trees.push_back(tree());
    return model;
  }

  // Values on, beside and far from thresholds; codes in and out of the lists.
  std::vector<float> rows(std::size_t n_rows) {
    std::vector<float> rows;
    for (std::size_t i = 0; i < n_rows * shape_.n_features; ++i) {
      const std::size_t f = i % shape_.n_features;
      rows.push_back(below(12) == 0 ? kNaN : f < shape_.n_categorical ? code() : value(f));
    }
    return rows;
  }

 private:
  std::size_t below(std::size_t n) { return random_() % n; }

  float number() {
    static constexpr float kSpecial[] = {0.0F,     -0.0F,      FLT_MAX,   -FLT_MAX,      FLT_TRUE_MIN,
                                         -FLT_MIN, -kInfinity, kInfinity, -FLT_TRUE_MIN, 1.0F};
    if (below(16) == 0) return kSpecial[below(std::size(kSpecial))];
    return static_cast<float>(static_cast<double>(random_() >> 40) / 4096.0 - 2048.0);
  }

  float value(std::size_t f) {
    const std::vector<float>& pool = pools_[f];
    if (pool.empty() || below(4) == 0) return number();
    const float threshold = pool[below(pool.size())];
    const std::size_t place = below(3);
    if (place == 0) return threshold;
    return std::nextafter(threshold, place == 1 ? kInfinity : -kInfinity);
  }

  float code() {
    static constexpr float kOdd[] = {-0.0F,       -0.5F,  -1.0F,      0.5F,      254.0F,
                                     255.0F,      256.5F, 65535.0F,   65536.0F,  16777215.0F,
                                     16777216.0F, 3e9F,   -kInfinity, kInfinity, FLT_MAX};
    if (below(8) == 0) return kOdd[below(std::size(kOdd))];
    return static_cast<float>(below(static_cast<std::size_t>(shape_.n_codes) + 2)) +
           (below(8) == 0 ? 0.75F : 0.0F);
  }

  Tree tree() {
    Tree tree;
    tree.nodes.emplace_back();
    std::vector<int> level{0};
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      const bool may_split = level[i] < shape_.max_depth && tree.nodes.size() < kMaxNodes;
      if (!may_split || (level[i] >= shape_.min_depth && below(5) == 0)) {
        tree.nodes[i].weight = static_cast<float>(static_cast<double>(random_() >> 40) * 1e-9 - 0.005);
        continue;
      }
      split(tree, i);
      tree.nodes.resize(tree.nodes.size() + 2);
      level.insert(level.end(), 2, level[i] + 1);
    }
    return tree;
  }

  void split(Tree& tree, std::size_t i) {
    Tree::Node& node = tree.nodes[i];
    node.left = static_cast<std::int32_t>(tree.nodes.size());
    node.right = node.left + 1;
    const std::size_t f = below(shape_.n_features);
    node.feature = static_cast<std::int32_t>(f);
    node.default_left = shape_.both_sides ? below(2) == 0 : f % 2 == 0;
    if (f >= shape_.n_categorical) {
      if (pools_[f].size() < kMaxNodes && shape_.pool == 0) pools_[f].push_back(number());
      node.threshold = shape_.pool == 0 ? pools_[f].back() : pools_[f][below(pools_[f].size())];
      return;
    }
    node.is_categorical = true;
    std::vector<std::int32_t> codes;
    for (std::size_t c = 0; c < shape_.max_listed; ++c) {
      codes.push_back(static_cast<std::int32_t>(below(static_cast<std::size_t>(shape_.n_codes))));
    }
    std::ranges::sort(codes);
    codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
    node.categories_begin = static_cast<std::uint32_t>(tree.categories.size());
    node.categories_size = static_cast<std::uint32_t>(codes.size());
    tree.categories.insert(tree.categories.end(), codes.begin(), codes.end());
  }

  static constexpr std::size_t kMaxNodes = 1200;

  Shape shape_;
  std::mt19937_64 random_;
  std::vector<std::vector<float>> pools_;
};

std::vector<Shape> shapes() {
  return {
      {.name = "no_trees", .n_trees = 0},
      {.name = "lone_leaves", .n_trees = 70, .max_depth = 0},
      {.name = "stumps", .n_features = 3, .n_trees = 9, .max_depth = 1, .min_depth = 1},
      {.name = "one_feature", .n_features = 1, .n_trees = 65, .max_depth = 3},
      {.name = "full_depth_6", .n_trees = 100, .min_depth = 6, .min_columns = 60},
      {.name = "ragged_depth_5", .n_trees = 130, .max_depth = 5, .pool = 200, .both_sides = false},
      {.name = "deep", .n_trees = 11, .max_depth = 14},
      {.name = "small_and_deep", .n_trees = 90, .max_depth = 7, .pool = 10},
      {.name = "many_thresholds",  // more than 255 of a feature, so that it has several columns
       .n_features = 2,
       .n_trees = 60,
       .min_depth = 5,
       .pool = 0,
       .min_columns = 16},
      {.name = "columns_to_128",
       .n_features = 100,
       .n_trees = 90,
       .both_sides = false,
       .min_columns = 65,
       .max_columns = 128,
       .block_rows = 256},
      {.name = "columns_to_256",
       .n_features = 100,
       .n_trees = 90,
       .min_depth = 6,
       .min_columns = 129,
       .max_columns = 256,
       .block_rows = 128},
      {.name = "columns_to_512",
       .n_features = 200,
       .n_trees = 60,
       .min_depth = 6,
       .min_columns = 257,
       .max_columns = 512,
       .block_rows = 64},
      {.name = "thousands_of_features",
       .n_features = 3000,
       .n_trees = 60,
       .max_depth = 8,
       .max_rows = 65,
       .min_columns = 513,
       .max_columns = 6000,
       .block_rows = 1},
      {.name = "categories", .n_features = 20, .n_trees = 100, .max_depth = 6, .n_categorical = 10},
      {.name = "categories_only",
       .n_features = 4,
       .n_trees = 30,
       .max_depth = 9,
       .n_categorical = 4,
       .n_codes = 255,
       .max_listed = 60,
       .min_columns = 5,  // 255 named categories are one too many for a column
       .max_columns = 16},
      {.name = "categories_in_several_columns",
       .n_features = 4,
       .n_trees = 30,
       .n_categorical = 2,
       .n_codes = 3000,
       .max_listed = 60,
       .min_columns = 9,
       .max_columns = 128,
       .block_rows = 256},
      {.name = "categories_of_one_node_too_many",
       .n_features = 4,
       .n_trees = 5,
       .n_categorical = 2,
       .n_codes = 2000,
       .max_listed = 600,
       .max_columns = 0,
       .block_rows = 1,
       .on_floats = true},
      {.name = "category_codes_too_large",
       .n_features = 4,
       .n_trees = 5,
       .n_categorical = 2,
       .n_codes = 17000000,
       .max_columns = 0,
       .block_rows = 1,
       .on_floats = true},
      {.name = "columns_too_many",
       .n_features = 60000,
       .n_trees = 600,
       .max_depth = 10,
       .min_depth = 7,
       .max_rows = 2,
       .max_columns = 0,
       .block_rows = 1,
       .on_floats = true},
  };
}

class ScorerProperty : public testing::TestWithParam<std::tuple<scoring::Isa, Shape>> {
 protected:
  void SetUp() override {
    if (!scoring::is_supported(isa())) GTEST_SKIP() << "this machine lacks the instruction set";
    scoring::force_isa(isa());
  }
  void TearDown() override { scoring::force_isa(std::nullopt); }

  [[nodiscard]] static scoring::Isa isa() { return std::get<0>(GetParam()); }
  [[nodiscard]] static const Shape& shape() { return std::get<1>(GetParam()); }
};

void expect_same_bits(std::span<const float> actual, std::span<const float> expected, const char* what) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(actual[i]), std::bit_cast<std::uint32_t>(expected[i]))
        << what << ", row " << i << " of " << actual.size() << ": " << actual[i] << " instead of "
        << expected[i];
  }
}

TEST_P(ScorerProperty, EqualsTheNaiveWalk) {
  Generator generator(shape(), 20240917);
  const Model model = generator.model();
  const std::size_t n_features = shape().n_features;
  const std::vector<float> rows = generator.rows(shape().max_rows);

  const scoring::Engine engine = scoring::build_engine(model);
  EXPECT_EQ(engine.kernels->isa, isa());
  EXPECT_GE(engine.n_columns, shape().min_columns);
  EXPECT_LE(engine.n_columns, shape().max_columns);
  EXPECT_EQ(engine.block_rows, shape().block_rows);
  EXPECT_EQ(!engine.float_trees.empty(), shape().on_floats);

  std::vector<float> margins;
  std::vector<std::vector<float>> columns(n_features);
  std::vector<const float*> column_pointers;
  for (std::size_t row = 0; row < shape().max_rows; ++row) {
    const std::span<const float> values(&rows[row * n_features], n_features);
    margins.push_back(predict_margin(model, values));
    for (std::size_t f = 0; f < n_features; ++f) columns[f].push_back(values[f]);
  }
  column_pointers.reserve(n_features);
  for (const std::vector<float>& column : columns) column_pointers.push_back(column.data());

  const Scorer scorer(model);
  for (std::size_t n_rows : {0, 1, 2, 15, 16, 17, 63, 64, 65, 127, 511, 512, 513, 1500}) {
    n_rows = std::min(n_rows, shape().max_rows);
    const std::span<const float> expected(margins.data(), n_rows);
    std::vector<float> scores(n_rows, -7);
    scorer.score_rows({rows.data(), n_rows * n_features}, scores, Output::kMargin);
    expect_same_bits(scores, expected, "score_rows");

    const std::size_t first = std::min<std::size_t>(3, n_rows);
    std::vector<float> later(n_rows - first, -7);
    scorer.score_columns(column_pointers, first, later, Output::kMargin);
    expect_same_bits(later, expected.subspan(first), "score_columns");
  }

  std::vector<std::int32_t> leaves(model.trees.size());
  for (std::size_t row = 0; row < std::min<std::size_t>(200, shape().max_rows); ++row) {
    const std::span<const float> values(&rows[row * n_features], n_features);
    const float margin = scorer.score(values, Output::kMargin);
    expect_same_bits({&margin, 1}, {&margins[row], 1}, "score");
    scorer.leaves(values, leaves);
    for (std::size_t t = 0; t < leaves.size(); ++t) ASSERT_EQ(leaves[t], leaf_of(model.trees[t], values));
  }

  std::vector<float> predictions(shape().max_rows);
  scorer.score_rows(rows, predictions);
  margins_to_predictions(model.objective, margins);
  expect_same_bits(predictions, margins, "predictions");
  const float prediction = scorer.score({rows.data(), n_features});
  expect_same_bits({&prediction, 1}, {margins.data(), 1}, "prediction");
}

std::string name_of(const testing::TestParamInfo<std::tuple<scoring::Isa, Shape>>& info) {
  static constexpr const char* kIsaNames[] = {"scalar", "avx2", "avx512"};
  return std::string(kIsaNames[static_cast<int>(std::get<0>(info.param))]) + "_" +
         std::get<1>(info.param).name;
}

INSTANTIATE_TEST_SUITE_P(Random, ScorerProperty,
                         testing::Combine(testing::Values(scoring::Isa::kScalar, scoring::Isa::kAvx2,
                                                          scoring::Isa::kAvx512),
                                          testing::ValuesIn(shapes())),
                         name_of);

}  // namespace
}  // namespace coppice
