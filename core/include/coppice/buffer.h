// Cache-line-aligned arrays that are not zeroed when they are made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <type_traits>

namespace coppice {
namespace detail {

/// Buffers begin at a cache line.
inline constexpr std::size_t kBufferAlignment = 64;

/// Memory for a Buffer, of huge pages where the system has them and the buffer is large: a fresh page costs
/// more than filling it, and gathers over many rows miss fewer translations. Errors: std::bad_alloc.
[[nodiscard]] void* allocate_buffer(std::size_t n_bytes);
void free_buffer(void* memory) noexcept;

}  // namespace detail

/// A fixed-size array of trivial values, aligned to a cache line (64 bytes), left uninitialised by
/// `Buffer(n)` so that the threads that fill it also touch its pages first.
template <class T>
class Buffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  Buffer() = default;
  explicit Buffer(std::size_t size) : data_(allocate(size)), size_(size) {}
  Buffer(std::size_t size, T value) : Buffer(size) { std::fill_n(data(), size, value); }
  Buffer(std::initializer_list<T> values) : Buffer(values.size()) {
    std::copy(values.begin(), values.end(), data());
  }
  explicit Buffer(std::span<const T> values) : Buffer(values.size()) {
    std::copy(values.begin(), values.end(), data());
  }
  Buffer(const Buffer& other) : Buffer(std::span<const T>(other)) {}
  Buffer& operator=(const Buffer& other) {
    if (this != &other) *this = Buffer(other);
    return *this;
  }
  Buffer(Buffer&& other) noexcept : data_(std::move(other.data_)), size_(other.size_) { other.size_ = 0; }
  Buffer& operator=(Buffer&& other) noexcept {
    data_ = std::move(other.data_);
    size_ = other.size_;
    other.size_ = 0;
    return *this;
  }
  ~Buffer() = default;

  [[nodiscard]] T* data() noexcept { return data_.get(); }
  [[nodiscard]] const T* data() const noexcept { return data_.get(); }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] T& operator[](std::size_t i) noexcept { return data_.get()[i]; }
  [[nodiscard]] const T& operator[](std::size_t i) const noexcept { return data_.get()[i]; }
  [[nodiscard]] T* begin() noexcept { return data(); }
  [[nodiscard]] T* end() noexcept { return data() + size_; }
  [[nodiscard]] const T* begin() const noexcept { return data(); }
  [[nodiscard]] const T* end() const noexcept { return data() + size_; }

 private:
  struct Free {
    void operator()(T* pointer) const noexcept { detail::free_buffer(pointer); }
  };
  static T* allocate(std::size_t size) {
    if (size == 0) return nullptr;
    return static_cast<T*>(detail::allocate_buffer(size * sizeof(T)));
  }

  std::unique_ptr<T, Free> data_;
  std::size_t size_ = 0;
};

}  // namespace coppice
