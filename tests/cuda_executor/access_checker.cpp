#include "access_checker.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>

#include "executor.h"

namespace cuda_executor {
namespace {

bool checking = false;

/// One access that was made.
struct Access {
  std::uint32_t launch = 0;  ///< 0: none
  std::uint32_t grid_barriers = 0;
  std::uint32_t block = 0;
  std::uint32_t thread = 0;
  std::uint32_t block_barriers = 0;
  std::uint32_t time = 0;
  bool is_atomic = false;
};

/// What is known of a byte.
struct Byte {
  Access write;
  std::array<Access, 2> reads;
  bool is_written = false;
};

struct Region {
  std::size_t n_bytes = 0;
  const char* what = "";
  std::unique_ptr<Byte[]> bytes;
};

std::map<const unsigned char*, Region> regions;

/// The region that an address is in; end: none.
auto region_of(const unsigned char* address) {
  auto found = regions.upper_bound(address);
  if (found == regions.begin()) return regions.end();
  --found;
  return address < found->first + found->second.n_bytes ? found : regions.end();
}

std::string thread_text(std::uint32_t block, std::uint32_t thread) {
  return "thread " + std::to_string(thread) + " of block " + std::to_string(block);
}

}  // namespace

class Checker {
 public:
  std::uint32_t launch = 0;
  std::uint32_t grid_barriers = 0;

  /// Is `past` behind the actor?
  [[nodiscard]] bool is_ordered(const Access& past, const Actor& actor) const {
    if (past.launch != launch || past.grid_barriers != grid_barriers) return true;
    if (past.block != actor.block) {
      const auto other = actor.clock->others_.find(past.block);
      return other != actor.clock->others_.end() &&
             (past.block_barriers < other->second.barriers || past.thread == other->second.thread);
    }
    if (past.thread == actor.thread || past.block_barriers != actor.clock->barriers_) return true;
    if (past.thread / 32 != actor.thread / 32) return false;
    return actor.clock->lanes_[actor.thread].seen[past.thread % 32] > past.time;
  }

  [[nodiscard]] Access now(const Actor& actor, bool is_atomic) const {
    return {launch,       grid_barriers,          actor.block,
            actor.thread, actor.clock->barriers_, actor.clock->lanes_[actor.thread].time,
            is_atomic};
  }

  /// An atomic change of a word orders blocks: the actor's comes behind those that changed it after a fence.
  void meet_at(const void* address, const Actor& actor) {
    auto& met = published_[address];
    for (const auto& [block, past] : met) actor.clock->others_.insert_or_assign(block, past);
    if (actor.clock->has_fenced_) met[actor.block] = {actor.clock->barriers_, actor.thread};
  }

  void begin_launch() {
    ++launch;
    grid_barriers = 0;
    published_.clear();
  }

  /// Looks at one byte and notes the access; the other thread's access of a race, or null.
  const Access* note(Byte& byte, const Actor& actor, AccessKind kind) const {
    const bool is_atomic = kind == AccessKind::kAtomic || kind == AccessKind::kAtomicRead;
    const bool is_write = kind == AccessKind::kWrite || kind == AccessKind::kAtomic;
    const auto races = [&](const Access& past) {
      return !(past.is_atomic && is_atomic) && !is_ordered(past, actor);
    };
    if (races(byte.write)) return &byte.write;
    if (is_write) {
      for (const Access& read : byte.reads)
        if (races(read)) return &read;
      byte.write = now(actor, is_atomic);
      byte.is_written = true;
    } else {
      const Access read = now(actor, is_atomic);
      if (byte.reads[0].launch != launch || byte.reads[0].thread != read.thread ||
          byte.reads[0].block != read.block)
        byte.reads[1] = byte.reads[0];
      byte.reads[0] = read;
    }
    return nullptr;
  }

 private:
  std::map<const void*, std::map<std::uint32_t, BlockClock::Past>> published_;
};

namespace {
Checker checker;
}

void begin_checking() noexcept { checking = true; }
bool is_checking() noexcept { return checking; }

void BlockClock::warp_operation(unsigned first_thread, std::uint32_t mask) {
  std::array<std::uint32_t, 32> seen{};
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(left));
    const Lane& from = lanes_[first_thread + lane];
    for (unsigned l = 0; l < 32; ++l) seen[l] = std::max(seen[l], from.seen[l]);
    seen[lane] = std::max(seen[lane], from.time + 1);
  }
  for (std::uint32_t left = mask; left != 0; left &= left - 1) {
    Lane& lane = lanes_[first_thread + static_cast<unsigned>(std::countr_zero(left))];
    lane.seen = seen;
    ++lane.time;
  }
}

void add_region(const void* begin, std::size_t n_bytes, const char* what) {
  if (checking)
    regions.insert_or_assign(static_cast<const unsigned char*>(begin),
                             Region{n_bytes, what, std::make_unique<Byte[]>(n_bytes)});
}

void remove_region(const void* begin) { regions.erase(static_cast<const unsigned char*>(begin)); }

void note_host_write(const void* begin, std::size_t n_bytes) {
  const auto* first = static_cast<const unsigned char*>(begin);
  const auto region = region_of(first);
  if (region == regions.end()) return;
  Byte* bytes = region->second.bytes.get() + (first - region->first);
  for (std::size_t i = 0; i < n_bytes; ++i) bytes[i].is_written = true;
}

void note_host_copy(const void* to, const void* from, std::size_t n_bytes) {
  const auto source = region_of(static_cast<const unsigned char*>(from));
  const auto target = region_of(static_cast<const unsigned char*>(to));
  if (target == regions.end()) return;
  if (source == regions.end()) return note_host_write(to, n_bytes);
  const Byte* read = source->second.bytes.get() + (static_cast<const unsigned char*>(from) - source->first);
  Byte* written = target->second.bytes.get() + (static_cast<const unsigned char*>(to) - target->first);
  for (std::size_t i = 0; i < n_bytes; ++i) written[i].is_written = read[i].is_written;
}

void begin_checked_launch() { checker.begin_launch(); }

void pass_grid_barrier() { ++checker.grid_barriers; }

std::string check_access(const Actor& actor, const void* address, std::size_t n_bytes, AccessKind kind) {
  const auto* first = static_cast<const unsigned char*>(address);
  const auto region = region_of(first);
  const bool is_write = kind == AccessKind::kWrite || kind == AccessKind::kAtomic;
  const std::string access = (is_write ? "a write of " : "a read of ") + std::to_string(n_bytes) + " bytes";
  if (region == regions.end()) return access + " outside device and shared memory";
  const auto offset = static_cast<std::size_t>(first - region->first);
  const auto place = [&] {
    return " at " + std::to_string(offset) + " of " + std::to_string(region->second.n_bytes) + " bytes of " +
           region->second.what;
  };
  if (offset + n_bytes > region->second.n_bytes) return access + place() + ": beyond its end";
  if (kind == AccessKind::kAtomic) checker.meet_at(address, actor);
  bool is_fresh = kind != AccessKind::kWrite;
  for (std::size_t i = 0; i < n_bytes; ++i) {
    Byte& byte = region->second.bytes[offset + i];
    is_fresh = is_fresh && !byte.is_written;
    if (const Access* other = checker.note(byte, actor, kind))
      return access + place() + " races with " + thread_text(other->block, other->thread) +
             ": no barrier between";
  }
  // All of it: padding within a structure may be fresh.
  if (is_fresh) return access + place() + ", which nobody wrote";
  return {};
}

}  // namespace cuda_executor
