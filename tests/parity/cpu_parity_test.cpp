// The CPU backend, by every instruction set of this machine and several numbers of threads, gives the bytes
// of the textbook trainer.
#include <coppice/detail/grow_tree.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice {
namespace {

using kernels::InstructionSet;
using reference::ColumnKind;
using reference::NaiveBackend;
using reference::Random;
using reference::RandomProblem;
using reference::TablePlan;
using reference::WeightKind;

struct NamedBackend {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/// Backends for every instruction set that this machine runs, with 1, 2, 3 and 7 threads.
const std::vector<NamedBackend>& cpu_backends() {
  static const std::vector<NamedBackend> backends = [] {
    std::vector<NamedBackend> made;
    for (const InstructionSet set :
         {InstructionSet::kScalar, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (set > kernels::best_instruction_set()) continue;
      for (const int threads : {1, 2, 3, 7})
        made.push_back({fmt::format("{}, {} threads", to_string(set), threads),
                        kernels::make_cpu_backend(threads, set)});
    }
    return made;
  }();
  return backends;
}

/// Size of a problem and its parameters that are not at their defaults.
std::string describe(const RandomProblem& problem) {
  std::string text = fmt::format("{} rows, {} features, {}", problem.data.n_rows, problem.data.n_features(),
                                 problem.data.weights.empty() ? "no weights" : "weights");
  for (const ParameterInfo& info : parameter_table()) {
    const std::string value = get_parameter(problem.parameters, info.name);
    if (value != info.default_text) text += fmt::format(", {}={}", info.name, value);
  }
  return text;
}

std::string bytes_of(const Model& model) { return io::write_model(model, io::ModelFormat::kUbjson); }

TrainOptions options_of(const RandomProblem& problem) {
  TrainOptions options;
  options.evaluate_training = true;
  if (problem.evaluation.n_rows > 0) options.evaluation = {{"validation", &problem.evaluation}};
  return options;
}

/// Are the bins in both layouts equal? Backends may keep spare bytes behind them.
bool equal_bins(const BinnedMatrix& a, const BinnedMatrix& b) {
  const std::size_t last = a.n_groups() - 1;
  const std::size_t n_records = a.group_offset(last) + a.n_padded_rows() * a.group_stride(last);
  return a.cuts == b.cuts && a.n_rows == b.n_rows &&
         std::equal(a.columns.data(), a.columns.data() + a.n_padded_rows() * a.n_features(),
                    b.columns.data()) &&
         std::equal(a.records.data(), a.records.data() + n_records, b.records.data());
}

/// Trains a problem with the textbook and with every CPU backend, and compares bins, models and model files.
void expect_parity(const RandomProblem& problem) {
  SCOPED_TRACE(describe(problem));
  const NaiveBackend naive;
  const TrainOptions options = options_of(problem);
  const TrainingData expected_data = prepare(naive, problem.parameters, problem.data);
  TrainReport expected_report;
  const Model expected = train(naive, problem.parameters, expected_data, options, &expected_report);
  const std::string expected_bytes = bytes_of(expected);
  for (const NamedBackend& cpu : cpu_backends()) {
    SCOPED_TRACE(cpu.name);
    const TrainingData data = prepare(*cpu.backend, problem.parameters, problem.data);
    ASSERT_TRUE(equal_bins(data.bins, expected_data.bins));
    TrainReport report;
    const Model model = train(*cpu.backend, problem.parameters, data, options, &report);
    ASSERT_EQ(first_difference(expected, model), "");
    ASSERT_TRUE(bytes_of(model) == expected_bytes);
    ASSERT_EQ(report.mean_kept_share, expected_report.mean_kept_share);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Everything at random

class RandomProblems : public testing::TestWithParam<int> {};

constexpr int kSeedsPerCase = 12;

TEST_P(RandomProblems, AreBitEqual) {
  for (int i = 0; i < kSeedsPerCase; ++i) {
    const int seed = GetParam() * kSeedsPerCase + i;
    SCOPED_TRACE(fmt::format("seed {}", seed));
    expect_parity(reference::random_problem(static_cast<std::uint64_t>(seed)));
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
    for (auto& column : plan.columns) column = reference::random_column_plan(random);
    RandomProblem problem;
    problem.data = reference::random_table(plan, n_rows);
    problem.parameters.num_round = 2;
    problem.parameters.max_depth = 4;
    expect_parity(problem);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(CpuParity, Sizes, testing::Values(1, 2, 15, 16, 17, 31, 32, 33, 64, 70));

// ---------------------------------------------------------------------------------------------------------
// Every parameter by itself

/// A table with columns of every kind.
TablePlan mixed_plan(Objective objective) {
  TablePlan plan;
  plan.objective = objective;
  plan.n_rows = 1100;
  plan.positive_share = 0.1;
  plan.columns = {{.kind = ColumnKind::kContinuous},
                  {.kind = ColumnKind::kContinuous, .missing_share = 0.3},
                  {.kind = ColumnKind::kHeavyTies, .n_values = 12},
                  {.kind = ColumnKind::kTwoValues, .missing_share = 0.1},
                  {.kind = ColumnKind::kSkewed},
                  {.kind = ColumnKind::kAllMissing},
                  {.kind = ColumnKind::kOneValue, .missing_share = 0.5},
                  {.kind = ColumnKind::kCategorical, .n_values = 2, .missing_share = 0.1},
                  {.kind = ColumnKind::kCategorical, .n_values = 40},
                  {.kind = ColumnKind::kCategorical, .n_values = 254, .missing_share = 0.2}};
  return plan;
}

using Setting = std::vector<std::pair<std::string, std::string>>;

class Settings : public testing::TestWithParam<Setting> {};

TEST_P(Settings, AreBitEqual) {
  for (const Objective objective : {Objective::kBinaryLogistic, Objective::kSquaredError}) {
    RandomProblem problem;
    problem.data = reference::random_table(mixed_plan(objective), 1);
    problem.parameters.objective = objective;
    problem.parameters.num_round = 3;
    for (const auto& [name, value] : GetParam()) set_parameter(problem.parameters, name, value);
    expect_parity(problem);
    if (HasFatalFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(
    CpuParity, Settings,
    testing::Values(
        Setting{}, Setting{{"max_depth", "1"}}, Setting{{"max_depth", "2"}}, Setting{{"max_depth", "3"}},
        Setting{{"max_depth", "9"}}, Setting{{"max_depth", "10"}, {"min_child_weight", "0"}},
        Setting{{"max_leaves", "2"}}, Setting{{"max_leaves", "13"}},
        Setting{{"max_depth", "0"}, {"max_leaves", "400"}, {"min_child_weight", "0"}},
        Setting{{"grow_policy", "lossguide"}}, Setting{{"grow_policy", "lossguide"}, {"max_leaves", "9"}},
        Setting{{"grow_policy", "lossguide"}, {"max_depth", "0"}, {"max_leaves", "300"}},
        Setting{{"gamma", "0.5"}}, Setting{{"gamma", "5"}}, Setting{{"lambda", "0"}},
        Setting{{"lambda", "0"}, {"min_child_weight", "0"}}, Setting{{"alpha", "1"}},
        Setting{{"min_child_weight", "0"}}, Setting{{"min_child_weight", "6"}},
        Setting{{"max_delta_step", "0"}}, Setting{{"max_delta_step", "0.3"}}, Setting{{"subsample", "0.8"}},
        Setting{{"subsample", "0.3"}, {"sampling_noise", "0"}}, Setting{{"colsample_bytree", "0.5"}},
        Setting{{"colsample_bylevel", "0.5"}}, Setting{{"colsample_bynode", "0.3"}},
        Setting{{"colsample_bynode", "0.5"}, {"grow_policy", "lossguide"}, {"max_leaves", "20"}},
        Setting{{"base_score", "0.2"}}, Setting{{"sampling_noise", "0"}}, Setting{{"sampling_noise", "1"}},
        Setting{{"sampling_noise", "0.001"}}, Setting{{"sampling_rows", "200"}}, Setting{{"max_bin", "2"}},
        Setting{{"max_bin", "16"}}, Setting{{"max_bin", "254"}}, Setting{{"max_cat_to_onehot", "255"}},
        Setting{{"max_cat_to_onehot", "0"}}, Setting{{"cat_smooth", "0"}, {"cat_l2", "0"}},
        Setting{{"max_cat_threshold", "1"}}, Setting{{"cut_sample_rows", "1000"}}, Setting{{"seed", "77"}},
        Setting{{"num_round", "15"}, {"screening", "0.3"}, {"screening_rows", "0"}},
        Setting{
            {"num_round", "12"}, {"screening", "0.1"}, {"screening_rows", "0"}, {"colsample_bytree", "0.6"}},
        Setting{
            {"num_round", "12"}, {"screening", "0.5"}, {"screening_rows", "0"}, {"grow_policy", "lossguide"}},
        Setting{{"learning_rate", "1"}}));

TEST(CpuParity, ScalePositiveWeight) {
  RandomProblem problem;
  problem.data = reference::random_table(mixed_plan(Objective::kBinaryLogistic), 1);
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
      problem.data = reference::random_table(plan, 2);
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
    problem.data = reference::random_table(plan, 4);
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
  const Dataset data = reference::random_table(mixed_plan(Objective::kBinaryLogistic), 3);
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

/// Every row is kept.
Tree grow_tree(TrainingSession& session, int round) {
  session.set_sampling_threshold(0);
  return detail::grow_tree(session, round);
}

/// A learning rate of 1024, which `train` would refuse, takes the margins far away from the labels, which are
/// all 1: residuals are -1, then 1023. The 64-bit sums have room for four times their bound, so the second
/// tree is right only if the first one, grown here or replayed, has raised it.
void expect_residual_bound_grows(const Backend& backend) {
  constexpr std::size_t kRows = 600;  // two blocks
  const Dataset data = make_dataset(std::vector<float>(kRows, 0), 1, std::vector<float>(kRows, 1));
  Parameters parameters;
  parameters.objective = Objective::kSquaredError;
  parameters.learning_rate = 1024;
  parameters.reg_lambda = 0;
  const BinnedMatrix bins = backend.bin(data, backend.make_cuts(data, {}), true);
  const auto session = backend.open({&bins, data.labels, {}, {}}, parameters);
  session->start(0);
  const Tree first = grow_tree(*session, 0);
  ASSERT_EQ(first.nodes.size(), 1U);
  EXPECT_EQ(first.nodes[0].weight, 1024);
  EXPECT_EQ(grow_tree(*session, 1).nodes[0].weight, -1023 * 1024);
  session->start(0);
  session->add_tree(first);
  EXPECT_EQ(grow_tree(*session, 1).nodes[0].weight, -1023 * 1024);
}

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
  for (const std::uint64_t seed : {1, 2, 3, 4, 5}) {
    RandomProblem problem = reference::random_problem(1000 + seed);
    Parameters& parameters = problem.parameters;
    SCOPED_TRACE(describe(problem));
    const TrainOptions options = options_of(problem);
    parameters.num_round = 7;
    const Model expected = train(NaiveBackend(), parameters, problem.data, options);
    parameters.num_round = 4;
    const Model first = train(NaiveBackend(), parameters, problem.data, options);
    parameters.num_round = 3;
    TrainOptions more = options;
    more.continue_from = &first;
    for (const NamedBackend& cpu : cpu_backends()) {
      SCOPED_TRACE(cpu.name);
      const Model model = train(*cpu.backend, parameters, problem.data, more);
      ASSERT_EQ(first_difference(expected, model), "");
      ASSERT_TRUE(bytes_of(model) == bytes_of(expected));
    }
  }
}

}  // namespace
}  // namespace coppice
