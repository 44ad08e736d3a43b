// Whole trainings with every access to memory checked: no races, no reads of what nobody wrote, nothing
// outside device memory, and the textbook trainer's model.
#include <coppice/train.h>

#include <gtest/gtest.h>

#include "access_checker.h"
#include "cuda/backend.h"
#include "cuda_runtime.h"
#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice {
namespace {

using namespace reference;

struct Case {
  std::size_t n_rows;
  std::size_t n_features;
  Objective objective;
  const char* parameter;
  const char* value;
};

class CheckedTraining : public ::testing::TestWithParam<Case> {};

TEST_P(CheckedTraining, IsCleanAndEqual) {
  const Case& c = GetParam();
  ASSERT_TRUE(cuda_executor::is_checking());
  cudaDeviceReset();
  cuda_executor::settings() = {.seed = c.n_rows, .processors = 2};
  Random random(c.n_rows);
  TablePlan plan;
  plan.n_rows = c.n_rows;
  plan.objective = c.objective;
  plan.columns.resize(c.n_features);
  for (ColumnPlan& column : plan.columns) column = random_column_plan(random);
  const Dataset data = random_table(plan, 1), evaluation = random_table(plan, 2);
  Parameters parameters;
  parameters.objective = c.objective;
  parameters.num_round = 2;
  parameters.max_depth = 3;
  parameters.min_child_weight = 0;
  set_parameter(parameters, c.parameter, c.value);
  TrainOptions options;
  options.evaluation = {{"validation", &evaluation}};
  const Model expected = train(NaiveBackend(), parameters, data, options);
  const Model model = train(*kernels::cuda::make_backend(0), parameters, data, options);
  EXPECT_EQ(first_difference(expected, model), "");
  cuda_executor::settings() = {};
}

INSTANTIATE_TEST_SUITE_P(Cases, CheckedTraining,
                         ::testing::Values(Case{700, 5, Objective::kBinaryLogistic, "sampling_noise", "0.1"},
                                           Case{1100, 3, Objective::kBinaryLogistic, "sampling_noise", "0"},
                                           Case{300, 33, Objective::kSquaredError, "subsample", "0.7"},
                                           Case{600, 4, Objective::kSquaredError, "grow_policy", "lossguide"},
                                           Case{513, 18, Objective::kBinaryLogistic, "colsample_bynode",
                                                "0.5"}));

/// Rows are gathered, for two stages, and trees added to all rows.
TEST(CheckedTraining, OnWorkingRows) {
  cudaDeviceReset();
  cuda_executor::settings() = {.seed = 5, .processors = 2};
  RandomProblem problem = rare_problem(0);
  problem.parameters.num_round = 8;
  problem.parameters.max_depth = 3;
  const Model expected = train(NaiveBackend(), problem.parameters, problem.data);
  const Model model = train(*kernels::cuda::make_backend(0), problem.parameters, problem.data);
  EXPECT_EQ(first_difference(expected, model), "");
  cuda_executor::settings() = {};
}

}  // namespace
}  // namespace coppice
