// The part of the CUDA runtime that Coppice calls, for the executor. Put this folder first on the include
// path, and CUDA code compiles as ordinary C++.
//
// Stricter than a card: enqueued work runs when somebody waits for it, and not before, so host code that
// reads a result too early or changes a source too soon is wrong here every time. Device memory is a range of
// its own that copies are checked against, and the default stream does not exist.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <type_traits>

#include "access_checker.h"
#include "device_functions.h"
#include "executor.h"

/// Values as in CUDA.
enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorNoDevice = 100,
  cudaErrorInvalidDevice = 101,
  cudaErrorInvalidResourceHandle = 400,
  cudaErrorCooperativeLaunchTooLarge = 720,
  cudaErrorLaunchFailure = 719
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2 };
enum cudaDeviceAttr { cudaDevAttrMultiProcessorCount = 16 };
inline constexpr unsigned cudaStreamNonBlocking = 1;

using cudaStream_t = CUstream_st*;
struct CUevent_st;
using cudaEvent_t = CUevent_st*;

const char* cudaGetErrorString(cudaError_t status);
const char* cudaGetErrorName(cudaError_t status);
cudaError_t cudaGetLastError();

cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDevice(int* device);
cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device);
cudaError_t cudaDeviceReset();
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total);

cudaError_t cudaMalloc(void** memory, std::size_t n_bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMallocHost(void** memory, std::size_t n_bytes);
cudaError_t cudaFreeHost(void* memory);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream);
cudaError_t cudaMemsetAsync(void* to, int byte, std::size_t n_bytes, cudaStream_t stream);

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

cudaError_t cudaEventCreate(cudaEvent_t* event);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end);

template <class Kernel>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Kernel /*kernel*/, int /*threads*/,
                                                          std::size_t /*shared_bytes*/) {
  *blocks = 2;
  return cudaSuccess;
}

namespace cuda_executor {

inline cudaError_t enqueue_launch(cudaStream_t stream, const LaunchConfig& config, const KernelCall& call) {
  return static_cast<cudaError_t>(enqueue_launch_code(stream, config, call));
}
/// What stands for CUB's radix sort: keys by their lower n_bits, ascending, from one array to another.
/// What was in the first is lost.
template <class Key>
cudaError_t enqueue_sort(cudaStream_t stream, Key* from, Key* to, std::size_t n, int n_bits) {
  const Key mask = static_cast<Key>(~Key{0}) >> (8 * sizeof(Key) - static_cast<std::size_t>(n_bits));
  return static_cast<cudaError_t>(enqueue_work_code(stream, [=] {
    std::stable_sort(from, from + n, [=](Key a, Key b) { return (a & mask) < (b & mask); });
    std::copy(from, from + n, to);
    note_host_copy(to, from, n * sizeof(Key));
    std::memset(from, settings().fill, n * sizeof(Key));
  }));
}

}  // namespace cuda_executor
