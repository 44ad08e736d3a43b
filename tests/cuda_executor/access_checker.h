// Finds races, reads of what nobody wrote, and accesses outside device memory, in kernels that were compiled
// with -fsanitize=thread.
//
// The compiler then calls a function before every access to memory. The functions are those of
// instrumentation.cpp, not those of thread sanitizer, which knows nothing of the threads of a block: a
// program that has instrumented kernels is linked without it. Kernels that were compiled without it run
// unchecked.
//
// Two accesses of different threads are ordered when a barrier of their block, a grid barrier or a chain of
// warp operations stands between them; if they are not, and one writes, and not both are atomic, that is a
// race, in whatever order this run had them. Blocks are also ordered by an atomic change of the same word,
// when the earlier block has passed a fence: the pattern by which the last block of a grid finds out that it
// is the last. Of each byte the last write and the two last readers are known, so a race with an older reader
// can be missed.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cuda_executor {

/// Instrumented code says that it is there.
void begin_checking() noexcept;

/// Are there instrumented kernels in this program?
[[nodiscard]] bool is_checking() noexcept;

/// What a thread has to know to tell what is behind it: kept for each resident block.
class BlockClock {
 public:
  explicit BlockClock(std::size_t n_threads) : lanes_(is_checking() ? n_threads : 0) {}
  void block_barrier() noexcept { ++barriers_; }
  void fence() noexcept { has_fenced_ = true; }
  /// The lanes in `mask` of the warp that begins at a thread have met.
  void warp_operation(unsigned first_thread, std::uint32_t mask);

 private:
  friend class Checker;
  struct Lane {
    std::uint32_t time = 1;  ///< its own warp operations
    std::array<std::uint32_t, 32>
        seen{};  ///< of each lane of the warp, the time up to which this one knows it
  };
  /// How much of another block is behind this one: what came before its `barriers`th barrier, and all that
  /// its `thread` did.
  struct Past {
    std::uint32_t barriers = 0;
    std::uint32_t thread = 0;
  };
  std::uint32_t barriers_ = 0;
  bool has_fenced_ = false;
  std::map<std::uint32_t, Past> others_;  ///< by block
  std::vector<Lane> lanes_;
};

/// Who makes an access.
struct Actor {
  BlockClock* clock = nullptr;
  std::uint32_t block = 0;  ///< of the grid
  std::uint32_t thread = 0;
};

enum class AccessKind : std::uint8_t { kRead, kWrite, kAtomic, kAtomicRead };

/// Memory that kernels may touch. what: "device memory".
void add_region(const void* begin, std::size_t n_bytes, const char* what);
void remove_region(const void* begin);
/// The host has written here, or copied from there.
void note_host_write(const void* begin, std::size_t n_bytes);
void note_host_copy(const void* to, const void* from, std::size_t n_bytes);

void begin_checked_launch();
void pass_grid_barrier();

/// What is wrong with an access; empty: nothing.
[[nodiscard]] std::string check_access(const Actor& actor, const void* address, std::size_t n_bytes,
                                       AccessKind kind);

}  // namespace cuda_executor
