// What must hold for trained models whatever the data: seeded tables, the CPU backend.
#include <coppice/detail/grow_tree.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reference/random_problem.h"

namespace coppice {
namespace {

using reference::ColumnKind;
using reference::ColumnPlan;
using reference::RandomProblem;
using reference::TablePlan;

const Backend& backend() {
  static const std::unique_ptr<Backend> made = kernels::make_cpu_backend(2);
  return *made;
}

std::vector<float> row_of(const Dataset& data, std::size_t row) {
  std::vector<float> values;
  for (const Buffer<float>& column : data.columns) values.push_back(column[row]);
  return values;
}

/// Margins by walking the trees with raw values.
std::vector<float> walked_margins(const Model& model, const Dataset& data) {
  std::vector<float> margins;
  for (std::size_t row = 0; row < data.n_rows; ++row)
    margins.push_back(predict_margin(model, row_of(data, row)));
  return margins;
}

/// A random problem without column sampling, which draws by feature number.
RandomProblem problem_of_seed(std::uint64_t seed) {
  RandomProblem problem = reference::random_problem(seed);
  problem.parameters.colsample_bytree = 1;
  problem.parameters.colsample_bylevel = 1;
  problem.parameters.colsample_bynode = 1;
  return problem;
}

/// Columns whose cuts are exact, because they have few values.
std::vector<ColumnPlan> few_valued_columns(std::size_t n) {
  return std::vector<ColumnPlan>(n, {.kind = ColumnKind::kHeavyTies, .n_values = 60, .missing_share = 0.05});
}

constexpr std::uint64_t kSeeds = 25;

// ---------------------------------------------------------------------------------------------------------

TEST(TrainingProperty, ThreadsDoNotMatter) {
  TablePlan plan;
  plan.n_rows = 20'000;
  plan.positive_share = 0.1;
  plan.columns.assign(36, {.kind = ColumnKind::kContinuous, .missing_share = 0.02});
  plan.columns.resize(40, {.kind = ColumnKind::kCategorical, .n_values = 100});
  const Dataset data = reference::random_table(plan, 1);
  Parameters parameters;
  parameters.num_round = 5;
  parameters.max_depth = 8;
  parameters.subsample = 0.9;
  const Model expected = train(*kernels::make_cpu_backend(1), parameters, data);
  EXPECT_GT(expected.trees.back().n_leaves(), 50);
  for (const int threads : {2, 3, 7, 16})
    EXPECT_EQ(first_difference(expected, train(*kernels::make_cpu_backend(threads), parameters, data)), "")
        << threads;
}

/// A row n times is a row of weight n, up to fixed point: gradients are rounded to a unit of 2^-21 of the
/// largest in their block, so a leaf weight moves by about 2^-21 / (mean hessian), at most 1e-5 here, and
/// five rounds of rate 0.3 by at most 1.5e-5. (Splits whose gains differ by less than the rounding could
/// change places; here none do.)
TEST(TrainingProperty, DuplicatesAreWeights) {
  TablePlan plan;
  plan.n_rows = 800;
  plan.columns = few_valued_columns(5);
  Dataset weighted = reference::random_table(plan, 2);
  weighted.weights = Buffer<float>(plan.n_rows);
  std::vector<std::size_t> sources;
  for (std::size_t row = 0; row < plan.n_rows; ++row) {
    weighted.weights[row] = static_cast<float>(1 + row % 3);
    sources.insert(sources.end(), 1 + row % 3, row);
  }
  Dataset repeated = weighted;
  repeated.n_rows = sources.size();
  repeated.weights = {};
  repeated.labels = Buffer<float>(sources.size());
  for (Buffer<float>& column : repeated.columns) column = Buffer<float>(sources.size());
  for (std::size_t i = 0; i < sources.size(); ++i) {
    repeated.labels[i] = weighted.labels[sources[i]];
    for (std::size_t f = 0; f < repeated.n_features(); ++f)
      repeated.columns[f][i] = weighted.columns[f][sources[i]];
  }
  Parameters parameters;
  parameters.num_round = 5;
  parameters.max_depth = 4;
  parameters.sampling_noise = 0;
  const Model a = train(backend(), parameters, weighted);
  const Model b = train(backend(), parameters, repeated);
  ASSERT_EQ(a.cuts, b.cuts);
  for (std::size_t row = 0; row < plan.n_rows; ++row)
    ASSERT_NEAR(predict_margin(a, row_of(weighted, row)), predict_margin(b, row_of(weighted, row)), 1.5e-5)
        << row;
}

/// Ties aside: large leaves of continuous features leave none.
TEST(TrainingProperty, PermutedFeaturesPermuteTheModel) {
  TablePlan plan;
  plan.n_rows = 4000;
  plan.columns.assign(12, {.kind = ColumnKind::kContinuous, .missing_share = 0.1});
  const Dataset data = reference::random_table(plan, 3);
  Dataset permuted = data;
  const auto place_of = [](std::size_t f) { return (5 * f + 3) % 12; };
  for (std::size_t f = 0; f < 12; ++f) {
    permuted.columns[place_of(f)] = data.columns[f];
    permuted.schema.features[place_of(f)] = data.schema.features[f];
  }
  Parameters parameters;
  parameters.num_round = 6;
  parameters.max_depth = 3;
  parameters.min_child_weight = 20;
  std::vector<Tree> trees = train(backend(), parameters, data).trees;
  for (Tree& tree : trees)
    for (Tree::Node& node : tree.nodes)
      if (!node.is_leaf()) node.feature = static_cast<std::int32_t>(place_of(node.feature));
  EXPECT_GT(trees[0].n_leaves(), 4);
  EXPECT_EQ(train(backend(), parameters, permuted).trees, trees);
}

TEST(TrainingProperty, MonotoneTransformationsChangeNoPrediction) {
  TablePlan plan;
  plan.n_rows = 1000;
  plan.columns = few_valued_columns(6);
  const Dataset data = reference::random_table(plan, 4);
  Dataset transformed = data;
  for (float& x : transformed.columns[0]) x = x * x * x - 40;
  for (float& x : transformed.columns[1]) x = std::exp(x);
  for (float& x : transformed.columns[2]) x = 1000 * x;
  Parameters parameters;
  parameters.num_round = 5;
  const Model a = train(backend(), parameters, data);
  const Model b = train(backend(), parameters, transformed);
  EXPECT_NE(a.trees, b.trees);  // other thresholds
  EXPECT_EQ(walked_margins(a, data), walked_margins(b, transformed));
}

/// Covers are float32 of exact sums, so parent and children differ by at most their three roundings.
TEST(TrainingProperty, ChildrenCoverTheirParent) {
  constexpr float kUlp = std::numeric_limits<float>::epsilon();
  int n_inner = 0;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomProblem problem = problem_of_seed(2000 + seed);
    for (const Tree& tree : train(backend(), problem.parameters, problem.data).trees)
      for (const Tree::Node& node : tree.nodes) {
        if (node.is_leaf()) continue;
        ++n_inner;
        const float children = tree.nodes[node.left].cover + tree.nodes[node.right].cover;
        ASSERT_NEAR(node.cover, children, kUlp * node.cover) << seed;
      }
  }
  EXPECT_GT(n_inner, 1000);
}

TEST(TrainingProperty, AConstantColumnChangesNothing) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const RandomProblem problem = problem_of_seed(3000 + seed);
    const std::vector<Tree> expected = train(backend(), problem.parameters, problem.data).trees;
    Dataset wider = problem.data;
    wider.columns.emplace_back(problem.data.n_rows, 7.0F);
    wider.schema.features.push_back({.name = "constant", .kind = FeatureKind::kNumeric, .categories = {}});
    ASSERT_EQ(train(backend(), problem.parameters, wider).trees, expected) << seed;
    // In front, it shifts the numbers of the others.
    std::rotate(wider.columns.begin(), wider.columns.end() - 1, wider.columns.end());
    std::rotate(wider.schema.features.begin(), wider.schema.features.end() - 1, wider.schema.features.end());
    std::vector<Tree> shifted = train(backend(), problem.parameters, wider).trees;
    for (Tree& tree : shifted)
      for (Tree::Node& node : tree.nodes) node.feature -= node.is_leaf() ? 0 : 1;
    ASSERT_EQ(shifted, expected) << seed;
  }
}

TEST(TrainingProperty, RoundsCanBeAddedLater) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    RandomProblem problem = reference::random_problem(4000 + seed);
    TrainOptions options;
    options.evaluate_training = true;
    options.evaluation = {{"validation", &problem.evaluation}};
    problem.parameters.num_round = 6;
    const Model expected = train(backend(), problem.parameters, problem.data, options);
    for (const int first_rounds : {0, 1, 5}) {
      problem.parameters.num_round = first_rounds;
      const Model first = train(backend(), problem.parameters, problem.data, options);
      TrainOptions more = options;
      more.continue_from = &first;
      problem.parameters.num_round = 6 - first_rounds;
      ASSERT_EQ(first_difference(expected, train(backend(), problem.parameters, problem.data, more)), "")
          << "seed " << seed << ", " << first_rounds << " rounds first";
    }
  }
}

/// Also in the middle of a stage: stages begin with rounds 6, 8, 10 and 13.
TEST(TrainingProperty, RoundsOnWorkingRowsCanBeAddedLater) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    RandomProblem problem = reference::rare_problem(seed);
    TrainOptions options;
    options.evaluation = {{"validation", &problem.evaluation}};
    const int n_rounds = problem.parameters.num_round;
    const Model expected = train(backend(), problem.parameters, problem.data, options);
    for (const int first_rounds : {6, 7, 10, 12, 15}) {
      problem.parameters.num_round = first_rounds;
      const Model first = train(backend(), problem.parameters, problem.data, options);
      TrainOptions more = options;
      more.continue_from = &first;
      problem.parameters.num_round = n_rounds - first_rounds;
      ASSERT_EQ(first_difference(expected, train(backend(), problem.parameters, problem.data, more)), "")
          << "seed " << seed << ", " << first_rounds << " rounds first";
    }
  }
}

/// Bits of margins: 0 and -0 differ.
std::vector<std::uint32_t> bits_of(const std::vector<float>& margins) {
  std::vector<std::uint32_t> bits(margins.size());
  std::ranges::transform(margins, bits.begin(), std::bit_cast<std::uint32_t, float>);
  return bits;
}

/// Bits of the margins after working rows have grown trees: those of the model, for every row.
TEST(TrainingProperty, AllRowsTakeTheTreesOfWorkingRows) {
  const RandomProblem problem = reference::rare_problem(1);
  const TrainingData data = prepare(backend(), problem.parameters, problem.data);
  const auto session = backend().open({&data.bins, data.labels, data.weights, {}}, problem.parameters);
  Model model;
  model.base_score = 0.01F;
  session->start(base_margin(model.objective, model.base_score));
  session->set_sampling_threshold(std::numeric_limits<float>::quiet_NaN());
  for (int round = 0; round < 6; ++round) model.trees.push_back(detail::grow_tree(*session, round));
  const auto working = session->open_working(6);
  ASSERT_NE(working, nullptr);
  for (int round = 6; round < 9; ++round) {
    model.trees.push_back(detail::grow_tree(*working, round));
    session->add_tree(model.trees.back());
    EXPECT_GT(model.trees.back().n_leaves(), 1) << round;
    EXPECT_LT(working->n_kept(), problem.data.n_rows / 4);
  }
  std::vector<float> margins(problem.data.n_rows);
  session->read_margins(margins);
  EXPECT_EQ(bits_of(margins), bits_of(walked_margins(model, problem.data)));
}

TEST(TrainingProperty, WorkingRowsAreNotDrawnWhereTheyDoNotPay) {
  const auto opens = [](double sampling_noise, double positive_share) {
    TablePlan plan;
    plan.n_rows = 2000;
    plan.positive_share = positive_share;
    plan.columns.resize(3);
    Parameters parameters;
    parameters.sampling_noise = sampling_noise;
    const TrainingData data = prepare(backend(), parameters, reference::random_table(plan, 1));
    const auto session = backend().open({&data.bins, data.labels, data.weights, {}}, parameters);
    session->start(base_margin(Objective::kBinaryLogistic, static_cast<float>(positive_share)));
    session->set_sampling_threshold(std::numeric_limits<float>::quiet_NaN());
    for (int round = 0; round < 6; ++round) (void)detail::grow_tree(*session, round);
    return session->open_working(6) != nullptr;
  };
  EXPECT_TRUE(opens(1, 0.005));
  EXPECT_FALSE(opens(0, 0.005));  // every row is kept
  EXPECT_FALSE(opens(1, 0.5));    // too many would be drawn
}

TEST(TrainingProperty, SavedModelsAreEqual) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    RandomProblem problem = reference::random_problem(5000 + seed);
    TrainOptions options;
    options.evaluation = {{"validation", &problem.evaluation}};
    options.describe_data = true;
    const Model model = train(backend(), problem.parameters, problem.data, options);
    TrainOptions more = options;
    more.continue_from = &model;
    const Model continued = train(backend(), problem.parameters, problem.data, more);
    for (const io::ModelFormat format : {io::ModelFormat::kJson, io::ModelFormat::kUbjson}) {
      const std::string bytes = io::write_model(model, format);
      const Model loaded = io::read_model(bytes, "model");
      ASSERT_EQ(first_difference(model, loaded), "") << seed;
      ASSERT_TRUE(io::write_model(loaded, format) == bytes) << seed;
      more.continue_from = &loaded;
      ASSERT_EQ(first_difference(continued, train(backend(), problem.parameters, problem.data, more)), "")
          << seed;
    }
  }
}

/// The margins that a training holds are those that its model predicts, for training rows and rows never
/// seen.
TEST(TrainingProperty, MarginsAreThoseOfTheModel) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    const RandomProblem problem = reference::random_problem(6000 + seed);
    const TrainingData data = prepare(backend(), problem.parameters, problem.data);
    const BinnedMatrix evaluation_bins = backend().bin(problem.evaluation, data.bins.cuts, false);
    const BinnedMatrix* const evaluation[] = {&evaluation_bins};
    Model model;
    model.objective = problem.parameters.objective;
    model.base_score = 0.25F;
    const auto session =
        backend().open({&data.bins, data.labels, data.weights, evaluation}, problem.parameters);
    session->start(base_margin(model.objective, model.base_score));
    session->set_sampling_threshold(std::numeric_limits<float>::quiet_NaN());
    for (int round = 0; round < 4; ++round) model.trees.push_back(detail::grow_tree(*session, round));
    std::vector<float> margins(data.bins.n_rows);
    session->read_margins(margins);
    ASSERT_EQ(bits_of(margins), bits_of(walked_margins(model, problem.data)));
    std::vector<float> evaluation_margins(evaluation_bins.n_rows);
    session->read_evaluation_margins(0, evaluation_margins);
    ASSERT_EQ(bits_of(evaluation_margins), bits_of(walked_margins(model, problem.evaluation)));

    session->start(base_margin(model.objective, model.base_score));
    for (const Tree& tree : model.trees) session->add_tree(tree);
    std::vector<float> replayed(data.bins.n_rows);
    session->read_margins(replayed);
    ASSERT_EQ(bits_of(replayed), bits_of(margins));
    session->read_evaluation_margins(0, evaluation_margins);
    ASSERT_EQ(bits_of(evaluation_margins), bits_of(walked_margins(model, problem.evaluation)));
  }
}

}  // namespace
}  // namespace coppice
