// Runs CUDA kernels on the CPU: the threads of a block as fibers, in an order shuffled by a seed.
//
// Barriers, warp operations, shared memory and atomics keep their meaning. What CUDA leaves undefined is a
// fault here, with the kernel's name and the place: a barrier that not all threads reach, a warp operation
// that a named lane does not join, a write beyond an allocation. Speed is no concern, logic is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};

struct CUstream_st;

namespace cuda_executor {

/// How kernels run from now on.
struct Settings {
  /// Blocks, warps and lanes run in an order that depends on this.
  std::uint64_t seed = 0;
  /// What fresh device and shared memory is filled with. A program whose results depend on it reads what
  /// nobody wrote.
  unsigned char fill = 0xcd;
  /// Multiprocessors of the device, each with room for two blocks: what bounds a cooperative launch.
  int processors = 3;
  /// Bytes of device memory.
  std::size_t memory_bytes = std::size_t{4} << 30;
};
[[nodiscard]] Settings& settings() noexcept;

/// The text of the first fault since the device was last reset; empty: none.
[[nodiscard]] const std::string& fault();

/// The call of the runtime after `calls` more ones fails with `status` (a cudaError_t); 0: none any more.
void fail_call(std::uint64_t calls, int status);
/// Has that call not come yet?
[[nodiscard]] bool awaits_failure() noexcept;

/// Kernels launched, and waits of the host for a stream, since the program started.
struct Counts {
  std::uint64_t launches = 0;
  std::uint64_t waits = 0;
};
[[nodiscard]] Counts& counts() noexcept;

// ---------------------------------------------------------------------------------------------------------
// What the device functions in <cuda_runtime.h> and launch.h are made of.

struct LaunchConfig {
  std::string_view kernel;
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes = 0;
  bool is_cooperative = false;
};

/// A kernel and its arguments: each thread calls run(arguments.get()).
struct KernelCall {
  std::shared_ptr<const void> arguments;
  void (*run)(const void* arguments) = nullptr;
};

/// Appends a launch to a stream; the result is a cudaError_t.
[[nodiscard]] int enqueue_launch_code(CUstream_st* stream, const LaunchConfig& config,
                                      const KernelCall& call);

/// Appends work of the host to a stream: what stands for a library's algorithm.
[[nodiscard]] int enqueue_work_code(CUstream_st* stream, std::function<void()> work);

/// Runs a launch now. False: there was a fault.
bool run_launch(const LaunchConfig& config, const KernelCall& call);

/// The running block's shared memory.
[[nodiscard]] void* shared_memory();

void block_barrier(std::source_location where);
void grid_barrier(std::source_location where);

enum class WarpOperation { kSync, kShuffle, kBallot, kMin, kMax };

/// What a lane gets from an operation of the lanes in `mask`. source_lane: of a shuffle.
[[nodiscard]] std::uint64_t warp_operation(WarpOperation operation, std::uint32_t mask, std::uint64_t value,
                                           int source_lane, std::source_location where);

/// The calling thread's place in its warp.
[[nodiscard]] unsigned lane() noexcept;

/// Ends the launch with an error of the kernel's making.
[[noreturn]] void raise_fault(std::string_view what, std::source_location where);

/// Tells the access checker what the running thread does; a fault when that is wrong. Memory of the thread's
/// own and constants are nobody's business.
enum class AccessKind : std::uint8_t;
void note_access(const void* address, std::size_t n_bytes, AccessKind kind);
/// The same for an atomic operation. is_read: it does not write.
void note_atomic(const void* address, std::size_t n_bytes, bool is_read);
void note_fence();

}  // namespace cuda_executor
