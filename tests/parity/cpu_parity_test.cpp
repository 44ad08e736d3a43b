// The CPU backend, by every instruction set of this machine and several numbers of threads, gives the bytes
// of the textbook trainer.
#include <coppice/kernels/backends.h>
#include <coppice/train.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "parity/parity.h"
#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice {
namespace {

using kernels::InstructionSet;
using namespace reference;

#ifdef __SANITIZE_THREAD__
// The other builds prove the bytes; this one is there for what threads do beside each other. One thread has
// none beside it, and the loops that threads share do not change with every problem.
constexpr std::array kThreads = {2, 7};
constexpr int kSeedsPerCase = 4;
#else
constexpr std::array kThreads = {1, 2, 3, 7};
constexpr int kSeedsPerCase = 12;
#endif

/// Backends for every instruction set that this machine runs, with each of kThreads.
const std::vector<NamedBackend>& cpu_backends() {
  static const std::vector<NamedBackend> backends = [] {
    std::vector<NamedBackend> made;
    for (const InstructionSet set :
         {InstructionSet::kScalar, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (set > kernels::best_instruction_set()) continue;
      for (const int threads : kThreads)
        made.push_back({fmt::format("{}, {} threads", to_string(set), threads),
                        kernels::make_cpu_backend(threads, set)});
    }
    return made;
  }();
  return backends;
}

void expect_parity(const RandomProblem& problem) { reference::expect_parity(problem, cpu_backends()); }

// ---------------------------------------------------------------------------------------------------------
// Everything at random

class RandomProblems : public testing::TestWithParam<int> {};

TEST_P(RandomProblems, AreBitEqual) {
  for (int i = 0; i < kSeedsPerCase; ++i) {
    const int seed = GetParam() * kSeedsPerCase + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    expect_parity(random_problem(static_cast<std::uint64_t>(seed)));
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CpuParity, RandomProblems, testing::Range(0, 12));

// ---------------------------------------------------------------------------------------------------------
// Every size at the edges of blocks, lanes and record groups

class Sizes : public testing::TestWithParam<std::size_t> {};

TEST_P(Sizes, AreBitEqual) {
  for (const std::size_t n_rows : {2, 15, 16, 17, 511, 512, 513, 1500}) {
    Random random(n_rows);
    TablePlan plan;
    plan.n_rows = n_rows;
    plan.columns.resize(GetParam());
    for (auto& column : plan.columns) column = random_column_plan(random);
    RandomProblem problem;
    problem.data = random_table(plan, n_rows);
    problem.parameters.num_round = 2;
    problem.parameters.max_depth = 4;
    expect_parity(problem);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CpuParity, Sizes, testing::Values(1, 2, 15, 16, 17, 31, 32, 33, 64, 70));

// ---------------------------------------------------------------------------------------------------------
// Every parameter by itself

class Settings : public testing::TestWithParam<Setting> {};

TEST_P(Settings, AreBitEqual) {
  for (const Objective objective : {Objective::kBinaryLogistic, Objective::kSquaredError}) {
    RandomProblem problem;
    problem.data = random_table(mixed_plan(objective), 1);
    problem.parameters.objective = objective;
    problem.parameters.num_round = 3;
    for (const auto& [name, value] : GetParam()) set_parameter(problem.parameters, name, value);
    expect_parity(problem);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CpuParity, Settings, testing::ValuesIn(every_setting()));

TEST(CpuParity, ScalePositiveWeight) {
  RandomProblem problem;
  problem.data = random_table(mixed_plan(Objective::kBinaryLogistic), 1);
  problem.parameters.num_round = 3;
  for (const double scale : {0.1, 30.0}) {
    problem.parameters.scale_pos_weight = scale;
    expect_parity(problem);
  }
}

TEST(CpuParity, WeightsImbalanceAndUnits) {
  for (const WeightKind weights :
       {WeightKind::kNone, WeightKind::kRandom, WeightKind::kWithZeros, WeightKind::kHugeRange}) {
    for (const auto& [objective, scale] :
         std::vector<std::pair<Objective, double>>{{Objective::kBinaryLogistic, 0.5},
                                                   {Objective::kBinaryLogistic, 0.05},
                                                   {Objective::kBinaryLogistic, 0.003},
                                                   {Objective::kSquaredError, 1e-20},
                                                   {Objective::kSquaredError, 1e-3},
                                                   {Objective::kSquaredError, 1e6}}) {
      TablePlan plan = mixed_plan(objective);
      plan.weights = weights;
      plan.positive_share = plan.label_unit = scale;
      RandomProblem problem;
      problem.data = random_table(plan, 2);
      problem.parameters.objective = objective;
      problem.parameters.num_round = 6;
      expect_parity(problem);
    }
  }
}

/// Enough rows and leaves for every way of working that a backend chooses by size.
TEST(CpuParity, LargerTables) {
  for (const double positive_share : {0.5, 0.01}) {
    TablePlan plan = mixed_plan(Objective::kBinaryLogistic);
    plan.n_rows = 20'000;
    plan.positive_share = positive_share;
    plan.columns.resize(40, {.kind = ColumnKind::kContinuous, .missing_share = 0.01});
    RandomProblem problem;
    problem.data = random_table(plan, 4);
    problem.parameters.num_round = 3;
    for (const int depth : {5, 12}) {
      problem.parameters.max_depth = depth;
      problem.parameters.min_child_weight = 0;
      expect_parity(problem);
    }
  }
}

TEST(CpuParity, WorkingRowsAreBitEqual) {
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    RandomProblem problem = reference::rare_problem(seed);
    expect_parity(problem);
    const Model model = train(NaiveBackend(), problem.parameters, problem.data);
    problem.parameters.working_rounds = 1;
    EXPECT_NE(model.trees, train(NaiveBackend(), problem.parameters, problem.data).trees);
  }
}

TEST(CpuParity, DescriptionOfTheDataIsEqual) {
  const Dataset data = random_table(mixed_plan(Objective::kBinaryLogistic), 3);
  Parameters parameters;
  parameters.num_round = 1;
  TrainOptions options;
  options.describe_data = true;
  const Model expected = train(NaiveBackend(), parameters, data, options);
  ASSERT_EQ(expected.bin_counts.size(), data.n_features());
  for (const NamedBackend& cpu : cpu_backends())
    EXPECT_EQ(first_difference(expected, train(*cpu.backend, parameters, data, options)), "") << cpu.name;
}

// ---------------------------------------------------------------------------------------------------------
// The bound of the residuals of squared error

TEST(ResidualBound, GrowsWithEveryTree) {
  expect_residual_bound_grows(NaiveBackend());
  for (const NamedBackend& cpu : cpu_backends()) {
    SCOPED_TRACE(cpu.name);
    expect_residual_bound_grows(*cpu.backend);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Adding rounds

TEST(CpuParity, RoundsAddedLaterAreBitEqual) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5})
    expect_parity_of_added_rounds(random_problem(1000 + seed), cpu_backends());
}

}  // namespace
}  // namespace coppice
