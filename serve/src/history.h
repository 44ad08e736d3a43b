// Counts of all threads together, and how they were a minute ago: rates and latencies of the last minute.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "metrics.h"

namespace coppice::serve {

struct Totals {
  std::chrono::steady_clock::time_point time;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;  ///< status 500 and above
  std::array<std::uint64_t, LatencyBins::kBins> latency{};

  /// Seconds that a share of the invocations took at most; 0 without any.
  [[nodiscard]] double latency_quantile(double share) const noexcept;
};

[[nodiscard]] Totals add_up(const std::vector<ThreadMetrics>& threads);

class History {
 public:
  static constexpr std::chrono::seconds kPeriod{5};
  static constexpr std::chrono::seconds kWindow{60};

  /// Remembers, when the last time is kPeriod ago.
  void remember(const std::vector<ThreadMetrics>& threads, std::chrono::steady_clock::time_point now);
  /// What came since the oldest remembered moment of the window; `time` is that moment.
  [[nodiscard]] Totals recent(const Totals& now) const;

 private:
  mutable std::mutex mutex_;
  std::deque<Totals> moments_;
};

}  // namespace coppice::serve
