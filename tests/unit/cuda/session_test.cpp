// What the host does for a tree.
#include <coppice/train.h>

#include <gtest/gtest.h>

#include "cuda/backend.h"
#include "executor.h"
#include "reference/random_problem.h"

namespace coppice::kernels::cuda {
namespace {

/// Of a training without watched sets.
cuda_executor::Counts counts_of(Parameters parameters, int n_rounds) {
  reference::TablePlan plan;
  plan.n_rows = 600;
  plan.columns.resize(3);
  parameters.num_round = n_rounds;
  const cuda_executor::Counts before = cuda_executor::counts();
  const Model model = train(*make_backend(0), parameters, reference::random_table(plan, 1));
  EXPECT_GT(model.trees.back().nodes.size(), 3U);
  const cuda_executor::Counts after = cuda_executor::counts();
  return {after.launches - before.launches, after.waits - before.waits};
}

/// However deep a tree is and however it grows: two sweeps, the growth, the sending of the tree, and one
/// wait.
TEST(Session, ATreeIsFourLaunchesAndOneWait) {
  Parameters parameters;
  parameters.working_rounds = 1;
  for (const GrowPolicy policy : {GrowPolicy::kDepthwise, GrowPolicy::kLossguide})
    for (const int depth : {2, 7}) {
      parameters.grow_policy = policy;
      parameters.max_depth = depth;
      const cuda_executor::Counts few = counts_of(parameters, 2), more = counts_of(parameters, 5);
      EXPECT_EQ(more.launches - few.launches, 3 * 4U);
      EXPECT_EQ(more.waits - few.waits, 3U);
    }
}

}  // namespace
}  // namespace coppice::kernels::cuda
