// What the threads of a warp or of a block do together.
#pragma once

#include <coppice/detail/numerics.h>

#include <cstdint>

#include "cuda/launch.h"

namespace coppice::kernels::cuda {

inline constexpr unsigned kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffU;

/// Adds to a sum that many threads add to.
__device__ inline void atomic_add(std::int64_t* sum, std::int64_t term) {
  atomicAdd(reinterpret_cast<unsigned long long*>(sum), static_cast<unsigned long long>(term));
}

/// Sum over the lanes below.
__device__ inline std::int64_t warp_exclusive_sum(std::int64_t value) {
  const unsigned lane = threadIdx.x % kWarp;
  std::int64_t sum = value;
  for (unsigned distance = 1; distance < kWarp; distance *= 2) {
    const std::int64_t below = __shfl_up_sync(kAllLanes, sum, distance);
    if (lane >= distance) sum += below;
  }
  return sum - value;
}

/// Sum over all lanes, in every lane.
__device__ inline std::int64_t warp_sum(std::int64_t value) {
  for (int distance = kWarp / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(kAllLanes, value, distance);
  return value;
}

/// Sum over the threads of a block below, and over all of them. `scratch` [33] is shared and free again when
/// the function returns.
struct BlockSum {
  std::int64_t before = 0;
  std::int64_t total = 0;
};
__device__ inline BlockSum block_exclusive_sum(std::int64_t value, std::int64_t* scratch) {
  const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp, n_warps = blockDim.x / kWarp;
  std::int64_t before = warp_exclusive_sum(value);
  if (lane == kWarp - 1) scratch[warp] = before + value;
  __syncthreads();
  std::int64_t total = 0;
  for (unsigned w = 0; w < n_warps; ++w) {
    if (w == warp) before += total;
    total += scratch[w];
  }
  __syncthreads();
  return {before, total};
}

/// Has every other block of the grid come by here before? Then all that they wrote is visible, and the
/// counter is back at 0. `scratch` is shared.
__device__ inline bool is_last_block(unsigned* counter, unsigned* scratch) {
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) {
    const bool is_last = atomicAdd(counter, 1U) == gridDim.x - 1;
    if (is_last) *counter = 0;
    *scratch = is_last ? 1 : 0;
    __threadfence();
  }
  __syncthreads();
  return *scratch != 0;
}

/// Index of the last of n ascending numbers that is at most x; the first is.
template <class Begin>
__device__ unsigned last_not_above(unsigned n, std::uint32_t x, const Begin& begin) {
  unsigned low = 0, high = n;
  while (high - low > 1) {
    const unsigned middle = low + (high - low) / 2;
    if (begin(middle) <= x)
      low = middle;
    else
      high = middle;
  }
  return low;
}

}  // namespace coppice::kernels::cuda
