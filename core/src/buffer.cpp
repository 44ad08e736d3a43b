#include <coppice/buffer.h>

#include <cstdlib>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace coppice::detail {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
/// Below, the rest of a half-used huge page would cost more than its faults.
constexpr std::size_t kLeastHuge = 2 * kHugePage;

}  // namespace

void* allocate_buffer(std::size_t n_bytes) {
  const std::size_t alignment = n_bytes >= kLeastHuge ? kHugePage : kBufferAlignment;
  void* memory = nullptr;
  if (::posix_memalign(&memory, alignment, n_bytes) != 0) throw std::bad_alloc();
#if defined(__linux__)
  // Whole pages only: what follows the last one keeps small pages, and nothing is paid for that is not used.
  if (n_bytes >= kLeastHuge) ::madvise(memory, n_bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
  return memory;
}

void free_buffer(void* memory) noexcept { std::free(memory); }

}  // namespace coppice::detail
