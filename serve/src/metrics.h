// What a server counts: written by one thread each, added up by whoever asks.
#pragma once

#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "route.h"

namespace coppice::serve {

/// A counter with one writer and any number of readers: no locked instruction.
class Counter {
 public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

/// Status codes that are counted one by one; the last place is for all others.
inline constexpr std::array<int, 21> kCountedStatuses = {
    200, 204, 400, 401, 403, 404, 405, 406, 408, 409, 413, 415, 424, 429, 431, 500, 501, 503, 505, 507, 0};

/// Latencies in bins of an eighth of an octave, from 1 microsecond to 67 seconds: a quantile is off by less
/// than 7 %.
struct LatencyBins {
  static constexpr unsigned kPerOctave = 8;
  static constexpr std::size_t kBins = 27 * kPerOctave;

  /// Bin of a latency.
  [[nodiscard]] static std::size_t bin_of(std::chrono::nanoseconds latency) noexcept {
    const auto value = static_cast<std::uint64_t>(latency.count() < 1000 ? 1000 : latency.count());
    // The three bits after the first one part an octave in eight; 1000 ns is in octave 9.
    const auto octave = static_cast<unsigned>(std::bit_width(value)) - 1;
    const std::uint64_t bin = (octave - 9) * kPerOctave + ((value >> (octave - 3)) & 7U);
    return bin < kBins ? static_cast<std::size_t>(bin) : kBins - 1;
  }
  /// Seconds where a bin ends.
  [[nodiscard]] static double end_of(std::size_t bin) noexcept {
    const std::size_t octave = bin / kPerOctave + 9;
    return static_cast<double>((9 + bin % kPerOctave) << (octave - 3)) * 1e-9;
  }
};

/// One thread's counts.
struct alignas(64) ThreadMetrics {
  std::array<std::array<Counter, kCountedStatuses.size()>, kRouteKinds> requests;
  std::array<Counter, LatencyBins::kBins>
      latency;                  ///< of invocations, from the last byte in to the first byte out
  Counter latency_nanoseconds;  ///< their sum
  Counter bytes_in;
  Counter bytes_out;
  Counter rejected;  ///< connections over the limit

  void count(RouteKind route, int status) noexcept {
    std::size_t place = 0;
    while (place + 1 < kCountedStatuses.size() && kCountedStatuses[place] != status) ++place;
    requests[static_cast<std::size_t>(route)][place].add(1);
  }
  void count_latency(std::chrono::nanoseconds latency_of_one) noexcept {
    latency[LatencyBins::bin_of(latency_of_one)].add(1);
    latency_nanoseconds.add(static_cast<std::uint64_t>(latency_of_one.count()));
  }
};

}  // namespace coppice::serve
