// Device memory, streams and events of the executor.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <utility>

#include "access_checker.h"
#include "cuda_runtime.h"
#include "runtime_state.h"
#include "zoned_memory.h"

using Work = std::function<void()>;

struct CUstream_st {
  std::deque<Work> work;
};
/// Work that is enqueued may outlive the event.
struct CUevent_st {
  std::shared_ptr<std::chrono::steady_clock::time_point> reached =
      std::make_shared<std::chrono::steady_clock::time_point>();
};

namespace cuda_executor {
namespace {

std::recursive_mutex runtime_mutex;
std::map<const unsigned char*, ZonedMemory> pieces;  // of device memory, by address
std::size_t n_allocated = 0;
std::uint64_t calls_before_failure = 0;
int failure = 0;
bool is_faulty = false;  // until the device is reset, as on a card

/// The start of every call: the failure that a test asked for, and a fault that has not been reset.
cudaError_t begin_call() {
  if (failure != 0 && calls_before_failure-- == 0) return static_cast<cudaError_t>(std::exchange(failure, 0));
  return is_faulty ? cudaErrorLaunchFailure : cudaSuccess;
}

bool is_device_memory(const void* memory, std::size_t n_bytes) {
  const auto* begin = static_cast<const unsigned char*>(memory);
  auto piece = pieces.upper_bound(begin);
  if (piece == pieces.begin()) return false;
  --piece;
  return begin + n_bytes <= piece->first + piece->second.n_bytes();
}

/// A range of the host that does not touch device memory.
bool is_host_memory(const void* memory, std::size_t n_bytes) {
  return memory != nullptr && !is_device_memory(memory, 0) &&
         !is_device_memory(static_cast<const unsigned char*>(memory) + n_bytes - 1, 1);
}

bool fits(const void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind) {
  if (kind == cudaMemcpyHostToDevice) return is_device_memory(to, n_bytes) && is_host_memory(from, n_bytes);
  return is_host_memory(to, n_bytes) && is_device_memory(from, n_bytes);
}

cudaError_t enqueue(cudaStream_t stream, Work work) {
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;  // the default stream
  stream->work.push_back(std::move(work));
  return cudaSuccess;
}

void run_all(cudaStream_t stream) {
  for (; !stream->work.empty(); stream->work.pop_front())
    if (!is_faulty) stream->work.front()();
}

}  // namespace

void fail_call(std::uint64_t calls, int status) {
  calls_before_failure = calls;
  failure = status;
}

bool awaits_failure() noexcept { return failure != 0; }

std::string damaged_allocation() {
  for (const auto& [address, piece] : pieces)
    if (!piece.is_intact())
      return "it wrote beyond " + std::to_string(piece.n_bytes()) + " bytes of device memory";
  return {};
}

int enqueue_launch_code(cudaStream_t stream, const LaunchConfig& config, const KernelCall& call) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  constexpr unsigned kMostThreads = 1024;
  constexpr std::size_t kMostSharedBytes = 227 << 10;
  const std::size_t n_blocks = std::size_t{config.grid.x} * config.grid.y * config.grid.z;
  const std::size_t n_threads = std::size_t{config.block.x} * config.block.y * config.block.z;
  if (n_blocks == 0 || n_threads == 0 || n_threads > kMostThreads || config.shared_bytes > kMostSharedBytes ||
      config.grid.y > 65535 || config.grid.z > 65535)
    return cudaErrorInvalidConfiguration;
  if (config.is_cooperative && n_blocks > 2 * static_cast<std::size_t>(settings().processors))
    return cudaErrorCooperativeLaunchTooLarge;
  return enqueue(stream, [config, call] {
    if (!run_launch(config, call)) is_faulty = true;
  });
}

int enqueue_work_code(cudaStream_t stream, std::function<void()> work) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  return enqueue(stream, std::move(work));
}

}  // namespace cuda_executor

using cuda_executor::begin_call;
using cuda_executor::runtime_mutex;

// ---------------------------------------------------------------------------------------------------------
// Errors and devices

const char* cudaGetErrorString(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorCooperativeLaunchTooLarge:
      return "too many blocks in cooperative launch";
    case cudaErrorLaunchFailure:
      return cuda_executor::fault().empty() ? "unspecified launch failure" : cuda_executor::fault().c_str();
  }
  return "unknown error";
}

const char* cudaGetErrorName(cudaError_t status) {
  switch (status) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    default:
      return "cudaErrorOfTheExecutor";
  }
}

cudaError_t cudaGetLastError() { return cudaSuccess; }

cudaError_t cudaGetDeviceCount(int* count) {
  const std::scoped_lock lock(runtime_mutex);
  *count = 1;
  const cudaError_t status = begin_call();
  return cuda_executor::is_faulty ? cudaSuccess : status;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }
cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr /*processors*/, int /*device*/) {
  *value = cuda_executor::settings().processors;
  return cudaSuccess;
}

cudaError_t cudaDeviceReset() {
  const std::scoped_lock lock(runtime_mutex);
  cuda_executor::is_faulty = false;
  cuda_executor::forget_fault();
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::scoped_lock lock(runtime_mutex);
  *total = cuda_executor::settings().memory_bytes;
  *free = *total - std::min(*total, cuda_executor::n_allocated);
  return begin_call();
}

// ---------------------------------------------------------------------------------------------------------
// Memory

cudaError_t cudaMalloc(void** memory, std::size_t n_bytes) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  if (cuda_executor::n_allocated + n_bytes > cuda_executor::settings().memory_bytes)
    return cudaErrorMemoryAllocation;
  cuda_executor::ZonedMemory piece(n_bytes, cuda_executor::settings().fill);
  *memory = piece.data();
  cuda_executor::n_allocated += n_bytes;
  cuda_executor::add_region(piece.data(), n_bytes, "device memory");
  cuda_executor::pieces.emplace(piece.data(), std::move(piece));
  return cudaSuccess;
}

cudaError_t cudaFree(void* memory) {
  const std::scoped_lock lock(runtime_mutex);
  if (memory == nullptr) return begin_call();
  const auto piece = cuda_executor::pieces.find(static_cast<unsigned char*>(memory));
  if (piece == cuda_executor::pieces.end()) return cudaErrorInvalidValue;
  cuda_executor::n_allocated -= piece->second.n_bytes();
  cuda_executor::remove_region(memory);
  cuda_executor::pieces.erase(piece);
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** memory, std::size_t n_bytes) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  *memory = ::operator new(n_bytes, std::nothrow);
  if (*memory == nullptr) return cudaErrorMemoryAllocation;
  std::memset(*memory, cuda_executor::settings().fill, n_bytes);
  cuda_executor::add_region(*memory, n_bytes, "pinned memory");
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* memory) {
  const std::scoped_lock lock(runtime_mutex);
  cuda_executor::remove_region(memory);
  ::operator delete(memory);
  return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  if (!cuda_executor::fits(to, from, n_bytes, kind)) return cudaErrorInvalidValue;
  return cuda_executor::enqueue(stream, [=] {
    std::memmove(to, from, n_bytes);
    if (kind == cudaMemcpyHostToDevice)
      cuda_executor::note_host_write(to, n_bytes);
    else
      cuda_executor::note_host_copy(to, from, n_bytes);
  });
}

cudaError_t cudaMemsetAsync(void* to, int byte, std::size_t n_bytes, cudaStream_t stream) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  if (!cuda_executor::is_device_memory(to, n_bytes)) return cudaErrorInvalidValue;
  return cuda_executor::enqueue(stream, [=] {
    std::memset(to, byte, n_bytes);
    cuda_executor::note_host_write(to, n_bytes);
  });
}

// ---------------------------------------------------------------------------------------------------------
// Streams and events

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned /*flags*/) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  *stream = new CUstream_st;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::scoped_lock lock(runtime_mutex);
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  const std::scoped_lock lock(runtime_mutex);
  if (const cudaError_t status = begin_call(); status != cudaSuccess) return status;
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  ++cuda_executor::counts().waits;
  cuda_executor::run_all(stream);
  return cuda_executor::is_faulty ? cudaErrorLaunchFailure : cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  const std::scoped_lock lock(runtime_mutex);
  return cuda_executor::enqueue(stream,
                                [reached = event->reached] { *reached = std::chrono::steady_clock::now(); });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t stop) {
  *milliseconds = std::chrono::duration<float, std::milli>(*stop->reached - *start->reached).count();
  return cudaSuccess;
}
