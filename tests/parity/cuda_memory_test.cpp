// What a run on the device needs is known beforehand, is what it takes, and what would make it fit is said.
#include <coppice/error.h>
#include <coppice/train.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cuda/backend.h"
#include "cuda/device.h"
#include "cuda/plan.h"
#include "cuda/sorting.h"
#include "executor.h"
#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice::kernels::cuda {
namespace {

using testing::HasSubstr;

/// 1,000 rows, two blocks of them, and 33 features, two groups.
struct Table {
  Dataset data;
  BinnedMatrix bins;
  BinnedMatrix routed;  ///< the same as an evaluation set

  Table() {
    reference::TablePlan plan;
    plan.n_rows = 1000;
    plan.columns.resize(33);
    data = reference::random_table(plan, 1);
    const reference::NaiveBackend naive;
    const Cuts cuts = naive.make_cuts(data, {});
    bins = naive.bin(data, cuts, true);
    routed = naive.bin(data, cuts, false);
  }
};

std::string message_of(const SessionData& data, const Parameters& parameters, std::size_t free_bytes) {
  try {
    check_memory(data, parameters, free_bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), "kernels.memory");
    return error.what();
  }
  return {};
}

TEST(MemoryPlan, SizesOfTheLargestTree) {
  const Table table;
  Parameters parameters;
  parameters.max_depth = 4;
  TreeSizes sizes = tree_sizes(table.bins, parameters);
  EXPECT_EQ(sizes.leaves, 16U);
  EXPECT_EQ(sizes.nodes, 31U);
  EXPECT_EQ(sizes.slots, 8U);       // splits at depths 0 to 2 make one each, and the root has one
  EXPECT_EQ(sizes.max_bins, 256U);  // 255 of values, one of missing
  EXPECT_EQ(sizes.slot_words, 2 * 256U * 32);
  EXPECT_EQ(sizes.octets, 5U);
  parameters.max_leaves = 5;
  EXPECT_EQ(tree_sizes(table.bins, parameters).nodes, 9U);
  parameters.max_leaves = 0;
  parameters.max_depth = 24;  // not more leaves than rows
  EXPECT_EQ(tree_sizes(table.bins, parameters).leaves, 1000U);
}

TEST(MemoryPlan, BytesOfATable) {
  const Table table;
  const BinnedMatrix* evaluation[] = {&table.routed};
  const SessionData data{&table.bins, table.data.labels, {}, evaluation};
  const MemoryPlan plan = plan_memory(data, {});
  // Bins: 1,024 rows of 33 columns, and of 32 + 16 bytes in records. A row: label, margin, gradient, leaf; a
  // block: two maxima.
  EXPECT_EQ(plan.table, 1024U * (33 + 48) + 1000 * 16 + 2 * 8);
  EXPECT_EQ(plan.kept_rows, 1000U * 2 * (4 + 8));
  EXPECT_EQ(plan.evaluation, 1024U * 33 + 1000 * 4);
}

/// A run's allocations add up to its plan: everything that a session allocates is in it, and nothing else but
/// the room for working rows.
TEST(MemoryPlan, IsWhatASessionTakes) {
  cuda_executor::settings() = {};
  const Table table;
  const BinnedMatrix* evaluation[] = {&table.routed};
  const std::vector<float> weights(table.data.n_rows, 2), amounts(table.data.n_rows, 3);
  std::vector<std::uint32_t> numbers(table.data.n_rows);
  for (std::size_t row = 0; row < numbers.size(); ++row) numbers[row] = static_cast<std::uint32_t>(row % 7);
  for (const bool has_weights : {false, true}) {
    SessionData data{&table.bins, table.data.labels, {}, evaluation};
    if (has_weights) data.weights = weights;
    const std::vector<Metric> metrics = {metric_from_string("auc"), metric_from_string("amount_recall"),
                                         metric_from_string("logloss"), metric_from_string("error"),
                                         metric_from_string("card_precision@k=5")};
    const WatchedRows watched[] = {{-1, {data.labels, data.weights, amounts, numbers, numbers}},
                                   {0, {.labels = data.labels, .groups = numbers, .days = numbers}}};
    data.metrics = metrics;
    data.watched = watched;
    use_device(0);
    const std::size_t free_before = device_memory().free;
    const auto session = open_session(data, {});
    const MemoryPlan plan = plan_memory(data, {});
    EXPECT_EQ(session->device_bytes(), plan.total());
    EXPECT_EQ(free_before - device_memory().free, plan.total() - plan.working);
  }
}

/// At most a quarter of the rows, with weights, and a tree of their own; and room to sort their numbers.
TEST(MemoryPlan, BytesOfWorkingRows) {
  const Table table;
  const SessionData data{&table.bins, table.data.labels, {}, {}};
  Parameters parameters;
  parameters.max_depth = 4;
  const MemoryPlan plan = plan_memory(data, parameters);
  EXPECT_EQ(plan.working, 512U * (33 + 48) + 250 * 20 + 2 * 4 + 250 * 2 * (4 + 8) + plan.tree +
                              sort_scratch_bytes<std::uint32_t>(250));
  parameters.working_rounds = 1;
  EXPECT_EQ(plan_memory(data, parameters).working, 0U);
  parameters.working_rounds = 16;
  parameters.sampling_noise = 0;
  EXPECT_EQ(plan_memory(data, parameters).working, 0U);
}

/// Stages of working rows, with evaluation sets and trees that are added, in a device of just the plan's
/// size.
TEST(MemoryPlan, HoldsStagesOfWorkingRows) {
  cuda_executor::settings() = {};
  const reference::RandomProblem problem = reference::rare_problem(0);
  const TrainingData data = prepare(reference::NaiveBackend(), problem.parameters, problem.data);
  TrainOptions options;
  options.evaluation = {{"validation", &problem.evaluation}};
  const auto backend = make_backend(0);
  TrainReport report;
  const Model expected = train(*backend, problem.parameters, data, options, &report);
  const std::size_t used = device_memory().total - device_memory().free;
  cuda_executor::settings().memory_bytes = used + report.device_bytes;
  EXPECT_EQ(first_difference(expected, train(*backend, problem.parameters, data, options)), "");
  cuda_executor::settings().memory_bytes -= 1;
  EXPECT_THROW(static_cast<void>(train(*backend, problem.parameters, data, options)), Error);
  cuda_executor::settings() = {};
}

/// What is known of the watched rows; a double for each block of 1,024 rows and loss, six for an error; for
/// ranks twice eight bytes a row to sort, and three sums for each 512 rows; for cards 32 bytes a row, as many
/// to sort, and a byte a group. Amounts only where a metric looks at them.
TEST(MemoryPlan, BytesOfMetrics) {
  const Table table;
  const std::vector<float> labels(1000, 0), weights(1000, 1), amounts(1000, 1);
  const std::vector<std::uint32_t> groups(1000, 76);
  std::vector<Metric> metrics = {metric_from_string("logloss"), metric_from_string("error")};
  const WatchedRows watched{-1, {labels, weights, amounts, groups, groups}};
  SessionData data{&table.bins, labels, {}, {}, metrics, {&watched, 1}};
  EXPECT_EQ(plan_memory(data, {}).evaluation, 1000U * 8 + 7 * 8);
  metrics.push_back(metric_from_string("ap"));
  data.metrics = metrics;
  const std::size_t ranks = 2 * 1000 * 8 + sort_scratch_bytes<std::uint64_t>(1000) + 2 * 3 * 8;
  EXPECT_EQ(plan_memory(data, {}).evaluation, 1000U * 8 + 7 * 8 + ranks);
  metrics.push_back(metric_from_string("min_cost"));
  data.metrics = metrics;
  EXPECT_EQ(plan_memory(data, {}).evaluation, 1000U * 12 + 7 * 8 + ranks);
  metrics.push_back(metric_from_string("card_precision@k=5"));
  data.metrics = metrics;
  const std::size_t cards = 1000 * 32 + 4 + 2 * 1000 * 8 + sort_scratch_bytes<std::uint64_t>(1000) + 77;
  EXPECT_EQ(plan_memory(data, {}).evaluation, 1000U * 12 + 7 * 8 + ranks + cards);
}

TEST(MemoryPlan, ErrorNamesWhatWouldFit) {
  const Table table;
  const BinnedMatrix* evaluation[] = {&table.routed};
  SessionData data{&table.bins, table.data.labels, {}, evaluation};
  Parameters parameters;
  parameters.max_depth = 9;
  EXPECT_THAT(message_of(data, parameters, plan_memory(data, parameters).total() - 1),
              HasSubstr("working_rounds=1 would fit"));
  parameters.working_rounds = 1;
  const MemoryPlan plan = plan_memory(data, parameters);
  EXPECT_EQ(message_of(data, parameters, plan.total()), "");
  EXPECT_THAT(message_of(data, parameters, plan.total() - 1), HasSubstr("max_depth=8 would fit"));
  Parameters least = parameters;
  least.max_depth = 1;
  const std::size_t least_bytes = plan_memory(data, least).total();
  EXPECT_THAT(message_of(data, parameters, least_bytes), HasSubstr("max_depth=1 would fit"));
  EXPECT_THAT(message_of(data, least, least_bytes - 1), HasSubstr("without watched sets it would fit"));
  EXPECT_THAT(message_of(data, least, 1000), HasSubstr("train on fewer rows, or with device=cpu"));
  parameters.max_depth = 0;
  parameters.max_leaves = 256;
  EXPECT_THAT(message_of(data, parameters, plan_memory(data, parameters).total() - 1),
              HasSubstr("max_leaves=128 would fit"));
}

TEST(MemoryPlan, TrainingSaysSo) {
  const Table table;
  cuda_executor::settings() = {.memory_bytes = 1 << 20};
  try {
    static_cast<void>(make_backend(0)->open({&table.bins, table.data.labels, {}, {}}, {}));
    ADD_FAILURE() << "a training without memory";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), "kernels.memory");
    EXPECT_THAT(error.what(), HasSubstr("max_depth="));
  }
  cuda_executor::settings() = {};
}

}  // namespace
}  // namespace coppice::kernels::cuda
