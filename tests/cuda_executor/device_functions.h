// The device side of CUDA C++: qualifiers, built-in variables and functions, for the executor.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "executor.h"

#define __global__
#define __device__
#define __launch_bounds__(...)

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// ---------------------------------------------------------------------------------------------------------
// Barriers and fences.

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  cuda_executor::block_barrier(where);
}
inline void __threadfence() { cuda_executor::note_fence(); }

// ---------------------------------------------------------------------------------------------------------
// Warp operations.

namespace cuda_executor {

template <class T>
std::uint64_t to_word(T value) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(T));
  return word;
}
template <class T>
T from_word(std::uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof(T));
  return value;
}

template <class T>
T shuffle(unsigned mask, T value, int source_lane, std::source_location where) {
  return from_word<T>(warp_operation(WarpOperation::kShuffle, mask, to_word(value), source_lane, where));
}

/// The first lane of the calling one's group of `width` lanes.
inline int group_begin(int width) { return static_cast<int>(lane()) / width * width; }

}  // namespace cuda_executor

inline void __syncwarp(unsigned mask = 0xffffffffU,
                       std::source_location where = std::source_location::current()) {
  static_cast<void>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kSync, mask, 0, 0, where));
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source, int width = warpSize,
              std::source_location where = std::source_location::current()) {
  return cuda_executor::shuffle(mask, value, cuda_executor::group_begin(width) + (source & (width - 1)),
                                where);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                 std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(cuda_executor::lane());
  const int source = lane - static_cast<int>(delta);
  return cuda_executor::shuffle(mask, value, source >= cuda_executor::group_begin(width) ? source : lane,
                                where);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize,
                  std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(cuda_executor::lane());
  const int source = lane ^ lane_mask;
  return cuda_executor::shuffle(mask, value,
                                source < cuda_executor::group_begin(width) + width ? source : lane, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kBallot, mask,
                                                             predicate != 0 ? 1 : 0, 0, where));
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value,
                                  std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(
      cuda_executor::warp_operation(cuda_executor::WarpOperation::kMax, mask, value, 0, where));
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value,
                                  std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(
      cuda_executor::warp_operation(cuda_executor::WarpOperation::kMin, mask, value, 0, where));
}

// ---------------------------------------------------------------------------------------------------------
// Atomics. Only the types that CUDA has, and no floats: their sums depend on the order.

namespace cuda_executor {

template <class T>
inline constexpr bool kIsAtomic =
    std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>;

/// Not seen by the access checker as a plain read and write.
template <class T, class Change>
[[gnu::no_sanitize("thread")]] T atomic_change(T* address, const Change& change) {
  static_assert(kIsAtomic<T>);
  note_atomic(address, sizeof(T), false);
  const T old = *address;
  *address = change(old);
  return old;
}

template <class T>
[[gnu::no_sanitize("thread")]] T atomic_load(const T* address) {
  note_atomic(address, sizeof(T), true);
  return *address;
}

}  // namespace cuda_executor

template <class T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return cuda_executor::atomic_change(address, [&](T old) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(old) + static_cast<Unsigned>(value));
  });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  return cuda_executor::atomic_change(address, [&](T old) { return old == expected ? value : old; });
}

// ---------------------------------------------------------------------------------------------------------
// Bits.

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __ffs(int x) { return __builtin_ffs(x); }
