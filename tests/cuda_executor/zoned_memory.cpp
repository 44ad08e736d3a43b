#include "zoned_memory.h"

#include <algorithm>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace cuda_executor {
namespace {

constexpr std::size_t kZone = 256;
constexpr unsigned char kZoneByte = 0xfa;

#if defined(__SANITIZE_ADDRESS__)
void close_zone(unsigned char* zone) { ASAN_POISON_MEMORY_REGION(zone, kZone); }
void open_zone(unsigned char* zone) { ASAN_UNPOISON_MEMORY_REGION(zone, kZone); }
bool is_untouched(const unsigned char* /*zone*/) { return true; }
#else
void close_zone(unsigned char* zone) { std::memset(zone, kZoneByte, kZone); }
void open_zone(unsigned char* /*zone*/) {}
bool is_untouched(const unsigned char* zone) {
  return std::all_of(zone, zone + kZone, [](unsigned char byte) { return byte == kZoneByte; });
}
#endif

unsigned char* allocate(std::size_t n_bytes) {
  const std::size_t rounded = (n_bytes + kZone - 1) / kZone * kZone;
  auto* bytes = static_cast<unsigned char*>(std::aligned_alloc(kZone, rounded + 2 * kZone));
  if (bytes == nullptr) throw std::bad_alloc();
  return bytes;
}

}  // namespace

ZonedMemory::ZonedMemory(std::size_t n_bytes, unsigned char fill)
    : n_bytes_(n_bytes), bytes_(allocate(n_bytes)) {
  std::memset(data(), fill, n_bytes);
  close_zone(bytes_.get());
  close_zone(data() + n_bytes_);
}

ZonedMemory::~ZonedMemory() {
  if (bytes_ == nullptr) return;
  open_zone(bytes_.get());
  open_zone(data() + n_bytes_);
}

unsigned char* ZonedMemory::data() const noexcept { return bytes_.get() + kZone; }

bool ZonedMemory::is_intact() const noexcept {
  return is_untouched(bytes_.get()) && is_untouched(data() + n_bytes_);
}

}  // namespace cuda_executor
