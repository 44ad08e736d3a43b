// When the device fails: an error that says where, nothing left behind, and the next training works.
#include <coppice/error.h>
#include <coppice/train.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "cuda/backend.h"
#include "cuda/launch.h"
#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice::kernels::cuda {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Faults : public ::testing::Test {
 protected:
  void SetUp() override {
    cudaDeviceReset();
    cuda_executor::settings() = {.processors = 1};
    cuda_executor::fail_call(0, cudaSuccess);
  }
  void TearDown() override {
    SetUp();
    cuda_executor::settings() = {};
  }
};

Dataset small_table() {
  reference::TablePlan plan;
  plan.n_rows = 60;
  plan.columns.resize(2);
  Dataset data = reference::random_table(plan, 1);
  data.side.groups = Buffer<std::uint32_t>(plan.n_rows);
  data.side.days = Buffer<std::uint32_t>(plan.n_rows);
  for (std::uint32_t row = 0; row < plan.n_rows; ++row) {
    data.side.groups[row] = row % 7;
    data.side.days[row] = row / 20;
  }
  return data;
}

Parameters small_training() {
  Parameters parameters;
  parameters.num_round = 1;
  parameters.max_depth = 2;
  parameters.min_child_weight = 0;
  parameters.eval_metric = {"auc", "ap", "recall@fpr=0.1", "ece", "card_precision@k=3", "logloss"};
  return parameters;
}

Model train_small(const Backend& backend, const Dataset& data) {
  TrainOptions options;
  options.evaluate_training = true;
  return train(backend, small_training(), data, options);
}

/// The error of a training; none if it succeeds.
std::string error_of_training(const Dataset& data, Model* model = nullptr) {
  try {
    Model trained = train_small(*cuda::make_backend(0), data);
    if (model != nullptr) *model = std::move(trained);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::size_t bytes_in_use() {
  const DeviceMemory memory = device_memory();
  return memory.total - memory.free;
}

TEST_F(Faults, EveryCallMayFailAndLeavesNothingBehind) {
  const Dataset data = small_table();
  const Model expected = train_small(reference::NaiveBackend(), data);
  int n_failures = 0;
  for (std::uint64_t call = 0;; ++call) {
    ASSERT_LT(call, 2000U) << "a training makes fewer calls";
    cuda_executor::fail_call(call, cudaErrorLaunchFailure);
    const std::string error = error_of_training(data);
    const bool made_fewer_calls = cuda_executor::awaits_failure();
    cuda_executor::fail_call(0, cudaSuccess);
    ASSERT_EQ(bytes_in_use(), 0U) << "after call " << call;
    if (made_fewer_calls) break;
    ++n_failures;
    // Looking for devices is tried again.
    EXPECT_THAT(error,
                AnyOf(IsEmpty(), HasSubstr("[kernels.cuda.call]"), HasSubstr("[kernels.device.missing]")));
    Model model;
    ASSERT_THAT(error_of_training(data, &model), IsEmpty()) << "after a failure of call " << call;
    ASSERT_EQ(first_difference(expected, model), "");
  }
  EXPECT_GT(n_failures, 20);
}

__global__ void fail_at_barrier() {
  if (threadIdx.x == 0) __syncthreads();
}

TEST_F(Faults, AFaultOfAKernelIsToldOnceAndTheDeviceWorksAgain) {
  {
    const Stream stream;
    launch<fail_at_barrier>(stream, {.grid = {1}, .block = {64}});
    try {
      stream.synchronize();
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.id(), "kernels.cuda.call");
      EXPECT_THAT(error.what(),
                  AllOf(HasSubstr("cudaStreamSynchronize: kernel"), HasSubstr("fail_at_barrier"),
                        HasSubstr("(cudaErrorLaunchFailure), at faults_test.cpp:")));
    }
    EXPECT_THROW(Stream(), Error);  // as on a card: nothing works any more
  }
  EXPECT_THAT(error_of_training(small_table()), IsEmpty());
}

TEST_F(Faults, AFullDeviceIsToldBeforeAnythingIsAllocated) {
  cuda_executor::settings().memory_bytes = 4096;
  EXPECT_THAT(error_of_training(small_table()), HasSubstr("[kernels.memory]"));
  EXPECT_EQ(bytes_in_use(), 0U);
}

TEST_F(Faults, ADeviceThatIsNotThereIsNamed) {
  EXPECT_THAT([] { static_cast<void>(make_backend(3)); },
              ::testing::Throws<Error>(::testing::Property(
                  &Error::what, HasSubstr("there is no device cuda:3: this machine has cuda:0"))));
}

}  // namespace
}  // namespace coppice::kernels::cuda
