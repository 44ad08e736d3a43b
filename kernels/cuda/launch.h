// Kernel launches, and the few device functions that CUDA C++ has no portable spelling for.
//
// Kernels are written once, in CUDA C++. nvcc compiles them for a card; g++ compiles them for the tests,
// where <cuda_runtime.h> is that of tests/cuda_executor and runs the threads of a block as fibers. This
// header is the only place where the two differ, and these rules keep kernels good for both:
// - dynamic shared memory only, through shared_memory(): no `__shared__` variables;
// - every lane that a mask names takes part in a warp operation, and exists; every thread of a block reaches
//   every barrier; nobody leaves a kernel before the last barrier or warp operation that names it;
// - blocks of one launch wait for each other only at grid_barrier(), in a cooperative launch;
// - no floating-point atomics: their sums would depend on the order.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <source_location>
#include <string_view>
#include <type_traits>

#include "cuda/device.h"

#if defined(__CUDACC__)
#include <cooperative_groups.h>
#else
#include <memory>
#include <tuple>
#include <utility>
#endif

namespace coppice::kernels::cuda {

/// Blocks, threads of a block, and bytes of shared memory of each block.
struct LaunchShape {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  /// All blocks are resident together and may meet at grid_barrier(); see most_cooperative_blocks().
  bool is_cooperative = false;
};

/// The name of a kernel, for messages.
template <auto kKernel>
[[nodiscard]] constexpr std::string_view kernel_name() noexcept {
  const std::string_view text = __PRETTY_FUNCTION__;
  const std::size_t equals = text.find("kKernel = ");
  if (equals == std::string_view::npos) return text;
  const std::string_view name = text.substr(equals + 10);
  return name.substr(0, name.find_first_of(";]"));
}

#if defined(__CUDACC__)

/// The shared memory of the block, aligned to 16 bytes.
template <class T>
__device__ T* shared_memory() {
  extern __shared__ uint4 bytes[];
  return reinterpret_cast<T*>(bytes);
}

/// A barrier for all threads of a cooperative launch. What they wrote before is visible to all behind it.
__device__ inline void grid_barrier() { cooperative_groups::this_grid().sync(); }

/// A value that other threads may change with atomics meanwhile: some value that it had.
template <class T>
__device__ T relaxed_load(const T* address) {
  return *static_cast<const volatile T*>(address);
}

namespace internal {

/// More shared memory than this has to be asked for, once for each kernel.
inline constexpr std::size_t kPlainSharedBytes = 48 << 10;

template <auto kKernel>
void allow_shared_bytes(std::size_t shared_bytes, std::source_location where) {
  if (shared_bytes <= kPlainSharedBytes) return;
  check(cudaFuncSetAttribute(kKernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes)),
        kernel_name<kKernel>(), where);
}

}  // namespace internal

/// Enqueues a kernel. Arguments are converted to its parameters. Errors: kernels.cuda.call; a fault while it
/// runs is reported by a later call.
template <auto kKernel, class... Arguments>
void launch(const Stream& stream, const LaunchShape& shape, const Arguments&... arguments) {
  const auto where = std::source_location::current();
  internal::allow_shared_bytes<kKernel>(shape.shared_bytes, where);
  cudaLaunchAttribute cooperative{};
  cooperative.id = cudaLaunchAttributeCooperative;
  cooperative.val.cooperative = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = shape.grid;
  config.blockDim = shape.block;
  config.dynamicSmemBytes = shape.shared_bytes;
  config.stream = stream.get();
  config.attrs = &cooperative;
  config.numAttrs = shape.is_cooperative ? 1 : 0;
  check(cudaLaunchKernelEx(&config, kKernel, arguments...), kernel_name<kKernel>(), where);
}

#else

template <class T>
T* shared_memory() {
  return reinterpret_cast<T*>(cuda_executor::shared_memory());
}

inline void grid_barrier(std::source_location where = std::source_location::current()) {
  cuda_executor::grid_barrier(where);
}

template <class T>
T relaxed_load(const T* address) {
  return cuda_executor::atomic_load(address);
}

namespace internal {

template <auto kKernel>
void allow_shared_bytes(std::size_t /*shared_bytes*/, std::source_location /*where*/) {}

/// A kernel with its arguments. Not checked: arguments are no device memory.
template <class... Parameters>
struct Call {
  void (*kernel)(Parameters...);
  std::tuple<Parameters...> arguments;

  [[gnu::no_sanitize("thread")]] static void run(const void* call) {
    const auto& self = *static_cast<const Call*>(call);
    self.run(std::index_sequence_for<Parameters...>());
  }
  template <std::size_t... kIndices>
  [[gnu::no_sanitize("thread")]] void run(std::index_sequence<kIndices...> /*indices*/) const {
    kernel(std::get<kIndices>(arguments)...);
  }
};

template <class... Parameters>
void launch_on_fibers(std::string_view name, void (*kernel)(Parameters...), const Stream& stream,
                      const LaunchShape& shape, std::type_identity_t<Parameters>... arguments) {
  const auto call = std::make_shared<const Call<Parameters...> >(Call<Parameters...>{kernel, {arguments...}});
  check(cuda_executor::enqueue_launch(
            stream.get(), {name, shape.grid, shape.block, shape.shared_bytes, shape.is_cooperative},
            {call, Call<Parameters...>::run}),
        name);
}

}  // namespace internal

template <auto kKernel, class... Arguments>
void launch(const Stream& stream, const LaunchShape& shape, const Arguments&... arguments) {
  internal::launch_on_fibers(kernel_name<kKernel>(), kKernel, stream, shape, arguments...);
}

#endif

/// The largest grid of a cooperative launch on the current device.
template <auto kKernel>
[[nodiscard]] unsigned most_cooperative_blocks(int block_threads, std::size_t shared_bytes) {
  const auto where = std::source_location::current();
  internal::allow_shared_bytes<kKernel>(shared_bytes, where);
  int per_processor = 0;
  check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&per_processor, kKernel, block_threads, shared_bytes),
        kernel_name<kKernel>(), where);
  return static_cast<unsigned>(per_processor) * current_device_processors();
}

}  // namespace coppice::kernels::cuda
