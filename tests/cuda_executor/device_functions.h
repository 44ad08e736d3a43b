// The device side of CUDA C++: qualifiers, built-in variables and functions, for the executor.
#pragma once

#include <algorithm>
#include <bit>
#include <cstring>
#include <type_traits>

#include "executor.h"

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __noinline__
#define __launch_bounds__(...)
#define __restrict__ __restrict

inline uint3 threadIdx, blockIdx;
inline dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;

// ---------------------------------------------------------------------------------------------------------
// Barriers, fences and votes.

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  cuda_executor::block_barrier(where);
}
inline int __syncthreads_or(int value, std::source_location where = std::source_location::current()) {
  return cuda_executor::block_vote(cuda_executor::Vote::kAny, value != 0, where);
}
inline int __syncthreads_and(int value, std::source_location where = std::source_location::current()) {
  return cuda_executor::block_vote(cuda_executor::Vote::kAll, value != 0, where);
}
inline int __syncthreads_count(int value, std::source_location where = std::source_location::current()) {
  return cuda_executor::block_vote(cuda_executor::Vote::kCount, value != 0, where);
}
inline void __threadfence() { cuda_executor::note_fence(); }
inline void __threadfence_block() {}

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
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize,
                   std::source_location where = std::source_location::current()) {
  const int lane = static_cast<int>(cuda_executor::lane());
  const int source = lane + static_cast<int>(delta);
  return cuda_executor::shuffle(mask, value,
                                source < cuda_executor::group_begin(width) + width ? source : lane, where);
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
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return static_cast<int>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kAny, mask,
                                                        predicate != 0 ? 1 : 0, 0, where));
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return static_cast<int>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kAll, mask,
                                                        predicate != 0 ? 1 : 0, 0, where));
}
template <class T>
unsigned __match_any_sync(unsigned mask, T value,
                          std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kMatch, mask,
                                                             cuda_executor::to_word(value), 0, where));
}
/// As CUDA has them: 32-bit integers only.
template <class T>
T __reduce_add_sync(unsigned mask, T value, std::source_location where = std::source_location::current()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  return static_cast<T>(cuda_executor::warp_operation(cuda_executor::WarpOperation::kAdd, mask,
                                                      cuda_executor::to_word(value), 0, where));
}
template <class T>
T __reduce_max_sync(unsigned mask, T value, std::source_location where = std::source_location::current()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  using cuda_executor::WarpOperation;
  return static_cast<T>(cuda_executor::warp_operation(
      std::is_signed_v<T> ? WarpOperation::kMaxSigned : WarpOperation::kMax, mask,
      static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 0, where));
}
template <class T>
T __reduce_min_sync(unsigned mask, T value, std::source_location where = std::source_location::current()) {
  static_assert(std::is_integral_v<T> && sizeof(T) == 4);
  using cuda_executor::WarpOperation;
  return static_cast<T>(cuda_executor::warp_operation(
      std::is_signed_v<T> ? WarpOperation::kMinSigned : WarpOperation::kMin, mask,
      static_cast<std::uint64_t>(static_cast<std::int64_t>(value)), 0, where));
}
inline unsigned __reduce_or_sync(unsigned mask, unsigned value,
                                 std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(
      cuda_executor::warp_operation(cuda_executor::WarpOperation::kOr, mask, value, 0, where));
}
inline unsigned __reduce_and_sync(unsigned mask, unsigned value,
                                  std::source_location where = std::source_location::current()) {
  return static_cast<unsigned>(
      cuda_executor::warp_operation(cuda_executor::WarpOperation::kAnd, mask, value, 0, where));
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
  static_assert(kIsAtomic<T> || std::is_same_v<T, long long>);
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
  static_assert(cuda_executor::kIsAtomic<T>);
  return cuda_executor::atomic_change(address, [&](T old) {
    using Unsigned = std::make_unsigned_t<T>;
    return static_cast<T>(static_cast<Unsigned>(old) + static_cast<Unsigned>(value));
  });
}
template <class T>
T atomicSub(T* address, std::type_identity_t<T> value) {
  static_assert(std::is_same_v<T, int> || std::is_same_v<T, unsigned>);
  return cuda_executor::atomic_change(address, [&](T old) {
    return static_cast<T>(static_cast<unsigned>(old) - static_cast<unsigned>(value));
  });
}
template <class T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  return cuda_executor::atomic_change(address, [&](T old) { return std::max(old, value); });
}
template <class T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  return cuda_executor::atomic_change(address, [&](T old) { return std::min(old, value); });
}
template <class T>
T atomicOr(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_executor::kIsAtomic<T>);
  return cuda_executor::atomic_change(address, [&](T old) { return old | value; });
}
template <class T>
T atomicAnd(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_executor::kIsAtomic<T>);
  return cuda_executor::atomic_change(address, [&](T old) { return old & value; });
}
template <class T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  static_assert(cuda_executor::kIsAtomic<T>);
  return cuda_executor::atomic_change(address, [&](T /*old*/) { return value; });
}
template <class T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  static_assert(cuda_executor::kIsAtomic<T>);
  return cuda_executor::atomic_change(address, [&](T old) { return old == expected ? value : old; });
}

// ---------------------------------------------------------------------------------------------------------
// Bits, and memory with hints.

inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }

template <class T>
T __ldg(const T* address) {
  return *address;
}
template <class T>
T __ldcs(const T* address) {
  return *address;
}
template <class T>
T __ldcg(const T* address) {
  return *address;
}
template <class T>
void __stcs(T* address, std::type_identity_t<T> value) {
  *address = value;
}
template <class T>
void __stcg(T* address, std::type_identity_t<T> value) {
  *address = value;
}

struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(8) int2 {
  int x, y;
};
struct alignas(16) int4 {
  int x, y, z, w;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(4) uchar4 {
  unsigned char x, y, z, w;
};
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w) { return {x, y, z, w}; }
inline int2 make_int2(int x, int y) { return {x, y}; }
inline int4 make_int4(int x, int y, int z, int w) { return {x, y, z, w}; }
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uchar4 make_uchar4(unsigned char x, unsigned char y, unsigned char z, unsigned char w) {
  return {x, y, z, w};
}
