// Devices, streams and device memory as values, with failures as coppice::Error.
#pragma once

#include <coppice/buffer.h>

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace coppice::kernels::cuda {

/// Throws unless `status` is success. what: the call, for a person. Errors: kernels.memory when the device is
/// out of memory, kernels.cuda.call otherwise.
void check(cudaError_t status, std::string_view what,
           std::source_location where = std::source_location::current());

/// Devices that this machine can use: 0 also where there is no driver. Cost: the first call starts the
/// driver.
[[nodiscard]] int device_count() noexcept;

/// Why device_count() is 0, for a person; empty when there is a device.
[[nodiscard]] std::string why_no_device();

/// Makes a device the calling thread's. After a fault of a kernel it is reset first: then buffers and streams
/// from before must not be used again, and should be gone. Errors: kernels.device.missing; kernels.cuda.call
/// when a reset does not help, which CUDA does not promise.
void use_device(int device);

/// Multiprocessors of the calling thread's device.
[[nodiscard]] unsigned current_device_processors();

/// Bytes of device memory that are free, and all there are.
struct DeviceMemory {
  std::size_t free = 0;
  std::size_t total = 0;
};
[[nodiscard]] DeviceMemory device_memory();

/// Work in order. Two streams are not ordered to each other, nor to the default stream, which is never used.
class Stream {
 public:
  Stream();
  [[nodiscard]] cudaStream_t get() const noexcept { return stream_.get(); }
  /// Waits for all work so far. Errors: also those of that work.
  void synchronize(std::source_location where = std::source_location::current()) const;

 private:
  struct Destroy {
    void operator()(cudaStream_t stream) const noexcept { cudaStreamDestroy(stream); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaStream_t>, Destroy> stream_;
};

/// A point in a stream's work; measures time.
class Event {
 public:
  Event();
  [[nodiscard]] cudaEvent_t get() const noexcept { return event_.get(); }
  void record(const Stream& stream);
  /// Seconds from an earlier event; both must have been reached.
  [[nodiscard]] double seconds_since(const Event& earlier) const;

 private:
  struct Destroy {
    void operator()(cudaEvent_t event) const noexcept { cudaEventDestroy(event); }
  };
  std::unique_ptr<std::remove_pointer_t<cudaEvent_t>, Destroy> event_;
};

namespace internal {
/// n_bytes > 0. Errors: kernels.memory.
[[nodiscard]] void* allocate_on_device(std::size_t n_bytes);
[[nodiscard]] void* allocate_pinned(std::size_t n_bytes);
void copy(const Stream& stream, void* to, const void* from, std::size_t n_bytes, cudaMemcpyKind kind);
void fill(const Stream& stream, void* to, unsigned char byte, std::size_t n_bytes);

struct FreeDevice {
  void operator()(void* memory) const noexcept { cudaFree(memory); }
};
struct FreePinned {
  void operator()(void* memory) const noexcept { cudaFreeHost(memory); }
};

/// A fixed-size array of trivial values, uninitialised.
template <class T, void* (*kAllocate)(std::size_t), class Free>
class Memory {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Memory() = default;
  explicit Memory(std::size_t size)
      : data_(size == 0 ? nullptr : static_cast<T*>(kAllocate(size * sizeof(T)))), size_(size) {}
  Memory(Memory&& other) noexcept
      : data_(std::move(other.data_)), size_(std::exchange(other.size_, std::size_t{0})) {}
  Memory& operator=(Memory&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = std::exchange(other.size_, std::size_t{0});
    return *this;
  }
  ~Memory() = default;

  [[nodiscard]] T* data() noexcept { return data_.get(); }
  [[nodiscard]] const T* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::size_t n_bytes() const noexcept { return size_ * sizeof(T); }

 private:
  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};
}  // namespace internal

/// Values on the device that was the thread's when it was made. Data pointers are for kernels and copies.
template <class T>
using DeviceBuffer = internal::Memory<T, internal::allocate_on_device, internal::FreeDevice>;

/// Values of the host that copies reach without a stop: what a stream writes to while the host goes on.
/// Kernels may write there too, by the same pointer (unified addressing, which every 64-bit system has).
template <class T>
using PinnedBuffer = internal::Memory<T, internal::allocate_pinned, internal::FreePinned>;

/// Enqueued copies. Both sides must stay as they are until the stream has been waited for.
template <class T>
void copy_to_device(const Stream& stream, T* to, std::span<const std::type_identity_t<T>> from) {
  internal::copy(stream, to, from.data(), from.size_bytes(), cudaMemcpyHostToDevice);
}
template <class T>
void copy_to_host(const Stream& stream, std::span<T> to, const std::type_identity_t<T>* from) {
  internal::copy(stream, to.data(), from, to.size_bytes(), cudaMemcpyDeviceToHost);
}
/// Sets every byte.
template <class T>
void fill_bytes(const Stream& stream, T* to, unsigned char byte, std::size_t n) {
  internal::fill(stream, to, byte, n * sizeof(T));
}

/// A device buffer with a copy of `from`, which must stay as it is until the stream has been waited for.
template <class T>
[[nodiscard]] DeviceBuffer<T> upload(const Stream& stream, std::span<const T> from) {
  DeviceBuffer<T> buffer(from.size());
  copy_to_device(stream, buffer.data(), from);
  return buffer;
}

}  // namespace coppice::kernels::cuda
