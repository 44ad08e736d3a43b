// A kernel, and copies of it with one mistake each: the access checker and the executor find every one, and
// nothing in the kernel itself. This file is compiled with -fsanitize=thread for the checker.
#include <coppice/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "cuda/launch.h"

namespace coppice::kernels::cuda {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr unsigned kThreads = 64;
constexpr unsigned kValues = 200;

/// What a copy of the kernel does wrong.
enum class Mistake {
  kNone,
  kNoBarrierBeforeRead,  ///< warps read partial sums that others may not have written
  kBarrierInBranch,      ///< only the first warp gets to the barrier
  kPlainAdd,             ///< blocks add to the result without an atomic
  kReadsOneTooMany,      ///< <= for <
  kWritesOneTooFar,      ///< the last warp's sum stands behind the end of shared memory
  kReadsUnset,           ///< a partial sum that no warp has written
  kLeavesOutLane,        ///< the mask of a shuffle has a lane that does not come
  kReadsHostMemory,
};

/// Adds up values: lanes by shuffles, warps through shared memory, blocks by an atomic.
template <Mistake kMistake>
__global__ void sum_values(const int* values, unsigned n, int* result) {
  int* warp_sums = shared_memory<int>();
  int sum = 0;
  const unsigned step = gridDim.x * blockDim.x;
  const unsigned end = kMistake == Mistake::kReadsOneTooMany ? n + 1 : n;
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < end; i += step) sum += values[i];
  if (kMistake == Mistake::kLeavesOutLane && threadIdx.x == 7) return;
  for (int m = 16; m > 0; m /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, m);
  const unsigned warp = threadIdx.x / 32 + (kMistake == Mistake::kWritesOneTooFar ? 1 : 0);
  if (threadIdx.x % 32 == 0) warp_sums[warp] = sum;
  if (kMistake == Mistake::kBarrierInBranch) {
    if (threadIdx.x < 32) __syncthreads();
  } else if (kMistake != Mistake::kNoBarrierBeforeRead) {
    __syncthreads();
  }
  if (threadIdx.x != 0) return;
  const unsigned n_warps = blockDim.x / 32 + (kMistake == Mistake::kReadsUnset ? 1 : 0);
  int total = 0;
  for (unsigned w = 0; w < n_warps; ++w) total += warp_sums[w];
  if (kMistake == Mistake::kPlainAdd)
    *result += total;
  else
    atomicAdd(result, total);
}

struct Outcome {
  int sum = 0;
  std::string fault;
};

template <Mistake kMistake>
Outcome run(std::uint64_t seed) {
  cudaDeviceReset();
  cuda_executor::settings() = {.seed = seed};
  const Stream stream;
  std::vector<int> values(kValues);
  for (unsigned i = 0; i < kValues; ++i) values[i] = static_cast<int>(i * i % 17);
  const auto on_device = upload(stream, std::span<const int>(values));
  DeviceBuffer<int> result(1);
  fill_bytes(stream, result.data(), 0, 1);
  const std::size_t n_sums = kThreads / 32 + (kMistake == Mistake::kReadsUnset ? 1 : 0);
  launch<sum_values<kMistake>>(
      stream, {.grid = {3}, .block = {kThreads}, .shared_bytes = n_sums * sizeof(int)},
      kMistake == Mistake::kReadsHostMemory ? values.data() : on_device.data(), kValues, result.data());
  Outcome outcome;
  copy_to_host(stream, std::span(&outcome.sum, 1), result.data());
  try {
    stream.synchronize();
  } catch (const Error& error) {
    outcome.fault = error.what();
  }
  cudaDeviceReset();
  cuda_executor::settings() = {};
  return outcome;
}

/// The same for every schedule.
template <Mistake kMistake>
void expect_fault(const ::testing::Matcher<std::string>& text) {
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    EXPECT_THAT(run<kMistake>(seed).fault, AllOf(HasSubstr("sum_values"), text)) << "seed " << seed;
}

TEST(PlantedMistakes, ThereIsNoneInTheKernelItself) {
  int expected = 0;
  for (unsigned i = 0; i < kValues; ++i) expected += static_cast<int>(i * i % 17);
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const Outcome outcome = run<Mistake::kNone>(seed);
    EXPECT_THAT(outcome.fault, IsEmpty());
    EXPECT_EQ(outcome.sum, expected);
  }
}

TEST(PlantedMistakes, AMissingBarrierIsFound) {
  expect_fault<Mistake::kNoBarrierBeforeRead>(AllOf(
      HasSubstr("of 8 bytes of shared memory"), AnyOf(HasSubstr("races with"), HasSubstr("nobody wrote"))));
}

TEST(PlantedMistakes, ABarrierInABranchIsFound) {
  expect_fault<Mistake::kBarrierInBranch>(HasSubstr("not all threads get there"));
}

TEST(PlantedMistakes, ARaceBetweenBlocksIsFound) {
  expect_fault<Mistake::kPlainAdd>(
      AllOf(HasSubstr("at 0 of 4 bytes of device memory"), HasSubstr("races with")));
}

TEST(PlantedMistakes, AReadBeyondTheEndIsFound) {
  expect_fault<Mistake::kReadsOneTooMany>(HasSubstr("a read of 4 bytes outside device and shared memory"));
}

TEST(PlantedMistakes, AWriteBeyondTheEndIsFound) {
  expect_fault<Mistake::kWritesOneTooFar>(
      AnyOf(HasSubstr("a write of 4 bytes outside device and shared memory"), HasSubstr("nobody wrote")));
}

TEST(PlantedMistakes, AReadOfWhatNobodyWroteIsFound) {
  expect_fault<Mistake::kReadsUnset>(
      HasSubstr("a read of 4 bytes at 8 of 12 bytes of shared memory, which nobody wrote"));
}

TEST(PlantedMistakes, ALaneThatDoesNotComeIsFound) {
  expect_fault<Mistake::kLeavesOutLane>(HasSubstr("names lane 7, which has ended"));
}

TEST(PlantedMistakes, AReadOfHostMemoryIsFound) {
  expect_fault<Mistake::kReadsHostMemory>(HasSubstr("outside device and shared memory"));
}

}  // namespace
}  // namespace coppice::kernels::cuda
