// Memory with room around it that nobody may touch.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace cuda_executor {

/// n_bytes aligned to 256, filled, between two zones that address sanitizer guards; without it a write there
/// is found afterwards.
class ZonedMemory {
 public:
  ZonedMemory(std::size_t n_bytes, unsigned char fill);
  ZonedMemory(ZonedMemory&&) noexcept = default;
  ZonedMemory& operator=(ZonedMemory&&) = delete;
  ~ZonedMemory();

  [[nodiscard]] unsigned char* data() const noexcept;
  [[nodiscard]] std::size_t n_bytes() const noexcept { return n_bytes_; }
  /// False: somebody wrote into a zone.
  [[nodiscard]] bool is_intact() const noexcept;

 private:
  struct Free {
    void operator()(unsigned char* memory) const noexcept { std::free(memory); }
  };
  std::size_t n_bytes_;
  std::unique_ptr<unsigned char, Free> bytes_;
};

}  // namespace cuda_executor
