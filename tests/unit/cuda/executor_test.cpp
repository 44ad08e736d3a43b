// The executor keeps the meaning of CUDA's barriers, warp operations, shared memory and atomics, and finds
// what a card would leave undefined.
#include <coppice/error.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include "cuda/launch.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

/// Every test begins with a device that works and the settings as they come.
class Executor : public ::testing::Test {
 protected:
  void SetUp() override {
    cudaDeviceReset();
    cuda_executor::settings() = {};
  }
  void TearDown() override { SetUp(); }

  /// What waiting for the stream throws; empty: nothing.
  std::string error_of_waiting() const {
    try {
      stream_.synchronize();
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  /// The values of a device buffer.
  template <class T>
  std::vector<T> values_of(const DeviceBuffer<T>& buffer) const {
    std::vector<T> values(buffer.size());
    copy_to_host(stream_, std::span(values), buffer.data());
    stream_.synchronize();
    return values;
  }

  Stream stream_;
};

__global__ void count_bins(const unsigned* bins, unsigned n, int* counts) {
  int* shared = shared_memory<int>();
  for (unsigned i = threadIdx.x; i < 64; i += blockDim.x) shared[i] = 0;
  __syncthreads();
  for (unsigned i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&shared[bins[i]], 1);
  __syncthreads();
  for (unsigned i = threadIdx.x; i < 64; i += blockDim.x) atomicAdd(&counts[i], shared[i]);
}

TEST_F(Executor, CountsInSharedMemory) {
  std::vector<unsigned> bins(10000);
  for (unsigned i = 0; i < bins.size(); ++i) bins[i] = i * 7 % 50;
  const auto device_bins = upload(stream_, std::span<const unsigned>(bins));
  DeviceBuffer<int> counts(64);
  fill_bytes(stream_, counts.data(), 0, counts.size());
  launch<count_bins>(stream_, {.grid = {4}, .block = {96}, .shared_bytes = 64 * sizeof(int)},
                     device_bins.data(), 10000, counts.data());
  std::vector<int> expected(64);
  for (const unsigned bin : bins) ++expected[bin];
  EXPECT_EQ(values_of(counts), expected);
}

__global__ void lacks_a_thread(int* out) {
  if (threadIdx.x != 5) __syncthreads();
  out[threadIdx.x] = 1;
}

TEST_F(Executor, ABarrierThatAThreadDoesNotReachIsAFault) {
  DeviceBuffer<int> out(64);
  launch<lacks_a_thread>(stream_, {.grid = {1}, .block = {64}}, out.data());
  EXPECT_THAT(error_of_waiting(),
              AllOf(HasSubstr("lacks_a_thread"), HasSubstr("thread 5 of block 0 has ended"),
                    HasSubstr("waits at the barrier in executor_test.cpp")));
}

__global__ void sum_lanes(const int* in, int* out) {
  int sum = in[threadIdx.x];
  for (int m = 16; m > 0; m /= 2) sum += __shfl_xor_sync(0xffffffffU, sum, m);
  out[threadIdx.x] = sum + static_cast<int>(__popc(__ballot_sync(0xffffffffU, threadIdx.x % 32 < 8)));
}

TEST_F(Executor, AddsUpLanes) {
  std::vector<int> in(32);
  std::iota(in.begin(), in.end(), 1);
  const auto device_in = upload(stream_, std::span<const int>(in));
  DeviceBuffer<int> out(32);
  launch<sum_lanes>(stream_, {.grid = {1}, .block = {32}}, device_in.data(), out.data());
  EXPECT_THAT(values_of(out), Each(32 * 33 / 2 + 8));
}

__global__ void writes_beyond(int* out) { out[threadIdx.x + 1] = 1; }

TEST_F(Executor, AWriteBeyondDeviceMemoryIsAFault) {
  DeviceBuffer<int> out(64);
  launch<writes_beyond>(stream_, {.grid = {1}, .block = {64}}, out.data());
#if defined(__SANITIZE_ADDRESS__)
  EXPECT_DEATH(static_cast<void>(error_of_waiting()), "use-after-poison");
#else
  EXPECT_THAT(error_of_waiting(), AllOf(HasSubstr("writes_beyond"), HasSubstr("256 bytes of device memory")));
#endif
}

__global__ void write_number(int* to, int number) { *to = number; }

/// Not before: host code that reads too early is wrong.
TEST_F(Executor, PinnedMemoryIsWrittenWhenSomebodyWaits) {
  PinnedBuffer<int> pinned(1);
  *pinned.data() = 1;
  launch<write_number>(stream_, {.grid = {1}, .block = {1}}, pinned.data(), 2);
  EXPECT_EQ(*pinned.data(), 1);
  stream_.synchronize();
  EXPECT_EQ(*pinned.data(), 2);
}

__global__ void reverse_below(std::uint32_t* keys, std::uint32_t n) { keys[threadIdx.x] = n - threadIdx.x; }

/// By the lower bits only; equal ones stay as they are.
TEST_F(Executor, SortsByTheLowerBits) {
  DeviceBuffer<std::uint32_t> keys(4), spare(4);
  DeviceBuffer<unsigned char> scratch(sort_scratch_bytes<std::uint32_t>(4));
  launch<reverse_below>(stream_, {.grid = {1}, .block = {4}}, keys.data(), 6U);  // 6 5 4 3
  const std::uint32_t* sorted =
      sort_keys<std::uint32_t>(stream_, {keys.data(), spare.data(), 4, scratch.data(), scratch.size()}, 2);
  std::vector<std::uint32_t> values(4);
  copy_to_host(stream_, std::span(values), sorted);
  stream_.synchronize();
  EXPECT_EQ(values, (std::vector<std::uint32_t>{4, 5, 6, 3}));
}

}  // namespace
}  // namespace coppice::kernels::cuda
