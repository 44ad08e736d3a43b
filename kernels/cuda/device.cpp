#include "cuda/device.h"

#include <coppice/error.h>

#include <fmt/format.h>

namespace coppice::kernels::cuda {

void check(cudaError_t status, std::string_view what, std::source_location where) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // what is thrown here is not reported again by the next call
  const std::string_view path = where.file_name();
  throw Error(status == cudaErrorMemoryAllocation ? "kernels.memory" : "kernels.cuda.call",
              fmt::format("{}: {} ({}), at {}:{}", what, cudaGetErrorString(status), cudaGetErrorName(status),
                          path.substr(path.rfind('/') + 1), where.line()));
}

int device_count() noexcept {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

std::string why_no_device() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status == cudaSuccess) return count > 0 ? "" : "the driver knows no device";
  cudaGetLastError();
  return cudaGetErrorString(status);
}

void use_device(int device) {
  // A fault of a kernel makes later calls fail until the device is reset: what is on it is lost anyway.
  if (device_count() == 0) cudaDeviceReset();
  const int count = device_count();
  if (count == 0) throw Error("kernels.device.missing", fmt::format("cuda: no device ({})", why_no_device()));
  if (device < 0 || device >= count)
    throw Error("kernels.device.missing",
                fmt::format("there is no device cuda:{}: this machine has cuda:0{}", device,
                            count > 1 ? fmt::format(" to cuda:{}", count - 1) : ""));
  if (cudaSetDevice(device) == cudaSuccess && cudaFree(nullptr) == cudaSuccess) return;
  cudaGetLastError();
  cudaDeviceReset();  // may itself report the fault once more
  const std::string what = fmt::format("cuda:{} does not work after a fault; start the process anew", device);
  check(cudaSetDevice(device), what);
  check(cudaFree(nullptr), what);
}

unsigned current_device_processors() {
  int device = 0, processors = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  check(cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device),
        "cudaDeviceGetAttribute");
  return static_cast<unsigned>(processors);
}

DeviceMemory device_memory() {
  DeviceMemory memory;
  check(cudaMemGetInfo(&memory.free, &memory.total), "cudaMemGetInfo");
  return memory;
}

Stream::Stream() {
  cudaStream_t stream = nullptr;
  check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
  stream_.reset(stream);
}

void Stream::synchronize(std::source_location where) const {
  check(cudaStreamSynchronize(get()), "cudaStreamSynchronize", where);
}

Event::Event() {
  cudaEvent_t event = nullptr;
  check(cudaEventCreate(&event), "cudaEventCreate");
  event_.reset(event);
}

void Event::record(const Stream& stream) { check(cudaEventRecord(get(), stream.get()), "cudaEventRecord"); }

double Event::seconds_since(const Event& earlier) const {
  float milliseconds = 0;
  check(cudaEventElapsedTime(&milliseconds, earlier.get(), get()), "cudaEventElapsedTime");
  return static_cast<double>(milliseconds) * 1e-3;
}

namespace internal {

void* allocate_on_device(std::size_t n_bytes) {
  void* memory = nullptr;
  check(cudaMalloc(&memory, n_bytes), fmt::format("{} bytes of device memory", n_bytes));
  return memory;
}

void* allocate_pinned(std::size_t n_bytes) {
  void* memory = nullptr;
  check(cudaMallocHost(&memory, n_bytes), fmt::format("{} bytes of pinned memory", n_bytes));
  return memory;
}

void copy(const Stream& stream, void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind) {
  if (n_bytes > 0) check(cudaMemcpyAsync(to, from, n_bytes, kind, stream.get()), "cudaMemcpyAsync");
}

void fill(const Stream& stream, void* to, unsigned char byte, std::size_t n_bytes) {
  if (n_bytes > 0) check(cudaMemsetAsync(to, byte, n_bytes, stream.get()), "cudaMemsetAsync");
}

}  // namespace internal
}  // namespace coppice::kernels::cuda
