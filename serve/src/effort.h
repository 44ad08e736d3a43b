// Which requests a connection's thread answers itself, and which it leaves to the queue.
#pragma once

#include <chrono>
#include <cstdint>

namespace coppice::serve {

/// About how long an answer takes: a hundred microseconds, a millisecond, or more.
enum class Effort : std::uint8_t { kSmall, kModerate, kLarge };

/// What a thread answers at once, which saves two changes of threads. A moderate request would keep small
/// ones waiting, so while these come it is left to the queue.
class SmallFirst {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// While the last small request is not older than this, small ones come.
  static constexpr std::chrono::milliseconds kMemory{100};

  /// Whether the request that is there at `now` is answered at once. Times do not go backwards.
  [[nodiscard]] bool answers_at_once(Effort effort, Time now) noexcept {
    if (effort == Effort::kSmall) last_small_ = now;
    return effort == Effort::kSmall || (effort == Effort::kModerate && now - last_small_ > kMemory);
  }

 private:
  Time last_small_;
};

}  // namespace coppice::serve
