// The CUDA backend gives the bytes of the textbook trainer. Its kernels run on the executor, in an order of
// blocks, warps and lanes that differs from problem to problem.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "cuda/backend.h"
#include "executor.h"
#include "parity/parity.h"

namespace coppice {
namespace {

using namespace reference;

const std::vector<NamedBackend>& cuda_backend() {
  static const std::vector<NamedBackend> backends = [] {
    std::vector<NamedBackend> made;
    made.push_back({"cuda", kernels::cuda::make_backend(0)});
    return made;
  }();
  return backends;
}

/// Runs kernels in another order from now on, on another number of processors, and with other values in
/// memory that nobody has written.
void shuffle_schedule(std::uint64_t seed) {
  cuda_executor::settings().seed = seed;
  cuda_executor::settings().processors = seed % 8 == 7 ? 3 : 1;
  cuda_executor::settings().fill = static_cast<unsigned char>(seed * 37);
}

void expect_parity(const RandomProblem& problem, std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  shuffle_schedule(seed);
  reference::expect_parity(problem, cuda_backend());
}

// ---------------------------------------------------------------------------------------------------------
// Everything at random

/// COPPICE_PARITY_PROBLEMS: how many random problems; the first ones of those of the CPU's test.
int n_problems() {
  const char* text = std::getenv("COPPICE_PARITY_PROBLEMS");
  return text != nullptr ? std::atoi(text) : 30;
}

class RandomProblems : public testing::TestWithParam<int> {};

constexpr int kShares = 6;

TEST_P(RandomProblems, AreBitEqual) {
  for (int seed = GetParam(); seed < n_problems(); seed += kShares) {
    expect_parity(random_problem(static_cast<std::uint64_t>(seed)), static_cast<std::uint64_t>(seed));
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CudaParity, RandomProblems, testing::Range(0, kShares));

// ---------------------------------------------------------------------------------------------------------
// Sizes at the edges of blocks, lanes, tiles and groups

TEST(CudaParity, SizesAtEdges) {
  std::uint64_t seed = 0;
  for (const auto& [n_rows, n_features] : std::vector<std::pair<std::size_t, std::size_t>>{{2, 1},
                                                                                           {16, 2},
                                                                                           {17, 4},
                                                                                           {511, 5},
                                                                                           {512, 8},
                                                                                           {513, 9},
                                                                                           {1023, 16},
                                                                                           {1024, 17},
                                                                                           {1025, 31},
                                                                                           {2048, 32},
                                                                                           {2049, 33},
                                                                                           {3000, 64},
                                                                                           {5000, 70}}) {
    Random random(++seed);
    TablePlan plan;
    plan.n_rows = n_rows;
    plan.columns.resize(n_features);
    for (auto& column : plan.columns) column = random_column_plan(random);
    RandomProblem problem;
    problem.data = random_table(plan, seed);
    problem.parameters.num_round = 2;
    problem.parameters.max_depth = 4;
    problem.parameters.sampling_noise = seed % 2 == 0 ? 0 : 0.1;
    expect_parity(problem, seed);
    if (HasFatalFailure()) return;
  }
}

/// More nodes than have sums in shared memory.
TEST(CudaParity, LargeTrees) {
  TablePlan plan;
  plan.objective = Objective::kSquaredError;
  plan.n_rows = 4000;
  plan.columns = {{.kind = ColumnKind::kContinuous}, {.kind = ColumnKind::kContinuous}};
  RandomProblem problem;
  problem.data = random_table(plan, 1);
  problem.evaluation = random_table(plan, 2);
  problem.parameters.objective = plan.objective;
  problem.parameters.num_round = 2;
  problem.parameters.max_depth = 16;
  problem.parameters.min_child_weight = 0;
  problem.parameters.reg_lambda = 0;
  problem.parameters.sampling_noise = 0;
  ASSERT_GT(train(NaiveBackend(), problem.parameters, problem.data).trees[0].nodes.size(), 2048U);
  expect_parity(problem, 1);
}

// ---------------------------------------------------------------------------------------------------------
// Every parameter by itself

class Settings : public testing::TestWithParam<Setting> {};

TEST_P(Settings, AreBitEqual) {
  for (const Objective objective : {Objective::kBinaryLogistic, Objective::kSquaredError}) {
    RandomProblem problem;
    problem.data = random_table(mixed_plan(objective), 1);
    problem.parameters.objective = objective;
    problem.parameters.num_round = 2;
    for (const auto& [name, value] : GetParam()) set_parameter(problem.parameters, name, value);
    expect_parity(problem, 11);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CudaParity, Settings, testing::ValuesIn(every_setting()));

/// Of one group of features and of two, leaf-wise, weighted and of another size; the CPU's test says that
/// these problems draw working rows.
TEST(CudaParity, WorkingRowsAreBitEqual) {
  for (const std::uint64_t seed : {0, 2, 4}) {
    expect_parity(rare_problem(seed), seed);
    if (HasFatalFailure()) return;
  }
  EXPECT_FALSE(rare_problem(4).data.weights.empty());
}

/// Here the bound of the residuals goes along with the rows.
TEST(CudaParity, WorkingRowsOfSquaredErrorAreBitEqual) {
  RandomProblem problem = rare_problem(0);
  problem.parameters.objective = Objective::kSquaredError;
  problem.parameters.sampling_noise = 1;
  problem.parameters.num_round = 7;
  expect_parity(problem, 1);
  const Model model = train(NaiveBackend(), problem.parameters, problem.data);
  problem.parameters.working_rounds = 1;
  EXPECT_NE(model.trees, train(NaiveBackend(), problem.parameters, problem.data).trees);
}

TEST(CudaParity, WeightsImbalanceAndUnits) {
  for (const WeightKind weights :
       {WeightKind::kNone, WeightKind::kRandom, WeightKind::kWithZeros, WeightKind::kHugeRange}) {
    for (const auto& [objective, scale] :
         std::vector<std::pair<Objective, double>>{{Objective::kBinaryLogistic, 0.5},
                                                   {Objective::kBinaryLogistic, 0.003},
                                                   {Objective::kSquaredError, 1e-20},
                                                   {Objective::kSquaredError, 1e6}}) {
      TablePlan plan = mixed_plan(objective);
      plan.weights = weights;
      plan.positive_share = plan.label_unit = scale;
      RandomProblem problem;
      problem.data = random_table(plan, 2);
      problem.parameters.objective = objective;
      problem.parameters.scale_pos_weight = 3;
      problem.parameters.num_round = 3;
      problem.parameters.max_depth = 4;
      expect_parity(problem, 12);
      if (HasFatalFailure()) return;
    }
  }
}

// ---------------------------------------------------------------------------------------------------------
// Ties

/// 512 rows of two two-valued columns in all four combinations; a row's label is 8 a + b. Gradients are whole
/// numbers and nodes have powers of two of rows, so all sums, scores and gains are exact.
Dataset four_cells(FeatureKind kind_of_first) {
  Dataset data;
  data.n_rows = 512;
  data.schema.label = "label";
  data.schema.features = {{.name = "a", .kind = kind_of_first, .categories = {}},
                          {.name = "b", .kind = FeatureKind::kNumeric, .categories = {}}};
  if (kind_of_first == FeatureKind::kCategorical) data.schema.features[0].categories = {"x", "y"};
  Buffer<float> a(512), b(512);
  data.labels = Buffer<float>(512);
  for (std::size_t row = 0; row < 512; ++row) {
    a[row] = row % 2 == 0 ? 0.0F : 1.0F;
    b[row] = row / 2 % 2 == 0 ? 0.0F : 1.0F;
    data.labels[row] = 8 * a[row] + b[row];
  }
  data.columns.push_back(std::move(a));
  data.columns.push_back(std::move(b));
  return data;
}

RandomProblem tied_problem(FeatureKind kind_of_first) {
  RandomProblem problem;
  problem.data = four_cells(kind_of_first);
  problem.parameters.objective = Objective::kSquaredError;
  problem.parameters.base_score = 0;
  problem.parameters.reg_lambda = 0;
  problem.parameters.sampling_noise = 0;
  problem.parameters.num_round = 1;
  return problem;
}

/// Both children of the root gain the same; there is room for one more leaf.
TEST(CudaParity, TiedNodesSplitInTheOrderOfTheirNumbers) {
  for (const GrowPolicy policy : {GrowPolicy::kDepthwise, GrowPolicy::kLossguide}) {
    RandomProblem problem = tied_problem(FeatureKind::kNumeric);
    problem.parameters.grow_policy = policy;
    const Model full = train(NaiveBackend(), problem.parameters, problem.data);
    ASSERT_EQ(full.trees[0].nodes[1].gain, full.trees[0].nodes[2].gain);
    problem.parameters.max_leaves = 3;
    for (std::uint64_t seed = 0; seed < 8; ++seed) expect_parity(problem, seed);
  }
}

/// One category against the other, of equal weight: the third, without rows, stays left.
TEST(CudaParity, EmptyCategoriesStayLeftWhenSidesAreEqual) {
  expect_parity(tied_problem(FeatureKind::kCategorical), 1);
}

// ---------------------------------------------------------------------------------------------------------
// Orders of work, added rounds, and what else a training asks of a session

TEST(CudaParity, DoesNotDependOnTheSchedule) {
  RandomProblem problem;
  problem.data = random_table(mixed_plan(Objective::kBinaryLogistic), 5);
  problem.parameters.num_round = 2;
  problem.parameters.max_depth = 5;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    expect_parity(problem, seed);
    if (HasFatalFailure()) return;
  }
}

TEST(CudaParity, RoundsAddedLaterAreBitEqual) {
  for (const std::uint64_t seed : {1, 2, 3}) {
    shuffle_schedule(seed);
    expect_parity_of_added_rounds(random_problem(1000 + seed), cuda_backend());
  }
}

/// The model that is continued has a larger tree than this training could grow.
TEST(CudaParity, LargerTreesAreReplayed) {
  shuffle_schedule(3);
  const Dataset data = random_table(mixed_plan(Objective::kBinaryLogistic), 6);
  Parameters parameters;
  parameters.num_round = 1;
  const Model first = train(NaiveBackend(), parameters, data);
  parameters.max_depth = 2;
  TrainOptions options;
  options.continue_from = &first;
  const Model expected = train(NaiveBackend(), parameters, data, options);
  EXPECT_EQ(first_difference(expected, train(*cuda_backend()[0].backend, parameters, data, options)), "");
}

/// A table with all columns that metrics look at.
Dataset table_with_side_columns(const TablePlan& plan, std::uint64_t seed) {
  Dataset data = random_table(plan, seed);
  data.side = {Buffer<float>(data.n_rows), Buffer<std::uint32_t>(data.n_rows),
               Buffer<std::uint32_t>(data.n_rows)};
  for (std::size_t row = 0; row < data.n_rows; ++row) {
    data.side.amounts[row] = 0.7F * static_cast<float>(row % 97);
    data.side.groups[row] = static_cast<std::uint32_t>(row % 250);
    data.side.days[row] = static_cast<std::uint32_t>(row / 300);
  }
  return data;
}

TEST(CudaParity, SeveralEvaluationSetsAndEarlyStopping) {
  shuffle_schedule(4);
  const TablePlan plan = mixed_plan(Objective::kBinaryLogistic);
  const Dataset data = table_with_side_columns(plan, 7), one = table_with_side_columns(plan, 8),
                two = table_with_side_columns(plan, 9);
  Parameters parameters;
  parameters.num_round = 12;
  parameters.max_depth = 4;
  parameters.learning_rate = 1;
  parameters.early_stopping_rounds = 2;
  // One of every way to work out a metric.
  parameters.eval_metric = {"card_precision@k=3", "ece", "auc", "ap", "min_cost", "logloss", "error@0.3"};
  parameters.cost_fp = 2;
  TrainOptions options;
  options.evaluation = {{"one", &one}, {"two", &two}};
  options.evaluate_training = true;
  for (const char* metric : {"one-logloss", "two-ap"}) {
    parameters.early_stopping_metric = metric;
    const Model expected = train(NaiveBackend(), parameters, data, options);
    ASSERT_LT(expected.trees.size(), 12U);
    const Model model = train(*cuda_backend()[0].backend, parameters, data, options);
    EXPECT_EQ(first_difference(expected, model), "");
    EXPECT_TRUE(bytes_of(model) == bytes_of(expected));  // with the curves of all metrics
  }
}

TEST(CudaParity, CurvesOfARegression) {
  shuffle_schedule(6);
  const TablePlan plan = mixed_plan(Objective::kSquaredError);
  const Dataset data = table_with_side_columns(plan, 10), other = table_with_side_columns(plan, 11);
  Parameters parameters;
  parameters.objective = Objective::kSquaredError;
  parameters.num_round = 4;
  parameters.max_depth = 3;
  parameters.eval_metric = {"ece", "r2", "card_precision@k=10", "auc", "f1@0.5"};
  TrainOptions options;
  options.evaluation = {{"other", &other}};
  options.evaluate_training = true;
  const Model expected = train(NaiveBackend(), parameters, data, options);
  for (const MetricCurve& curve : expected.summary.curves)
    EXPECT_NE(curve.values.front(), curve.values.back()) << curve.name;
  EXPECT_TRUE(bytes_of(train(*cuda_backend()[0].backend, parameters, data, options)) == bytes_of(expected));
}

TEST(CudaParity, ResidualBoundGrowsWithEveryTree) {
  shuffle_schedule(5);
  expect_residual_bound_grows(*cuda_backend()[0].backend);
}

}  // namespace
}  // namespace coppice
