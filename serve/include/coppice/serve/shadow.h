// How a shadow model's scores compare with those that were answered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

namespace coppice::serve {

struct ShadowReport {
  /// Upper ends of the first groups of `by_difference`; the last group has none.
  static constexpr std::array<double, 6> kDifferences{0, 1e-6, 1e-4, 1e-3, 1e-2, 1e-1};

  std::uint64_t requests = 0;  ///< that both models scored
  std::uint64_t failed = 0;    ///< that the shadow could not read or score
  std::uint64_t dropped = 0;   ///< that were not tried, the shadow being behind
  std::uint64_t rows = 0;
  std::uint64_t rows_different = 0;  ///< other bits
  std::uint64_t labels_different = 0;
  double mean_difference = 0;  ///< of |shadow - answered|, over all rows
  double max_difference = 0;
  double mean_shift = 0;  ///< of shadow - answered
  /// Rows by |shadow - answered|: 0, at most 1e-6, ..., above 0.1.
  std::array<std::uint64_t, kDifferences.size() + 1> by_difference{};
};

/// Sums comparisons up. Thread-safe; a lock for each request, so for the thread that scores the copies.
class ShadowComparison {
 public:
  /// Needs: as many shadow predictions as answered ones. A row is labelled by each model's own threshold.
  void record(std::span<const float> answered, double threshold, std::span<const float> shadow,
              double shadow_threshold);
  void record_failure();
  void record_dropped();
  [[nodiscard]] ShadowReport report() const;

 private:
  mutable std::mutex mutex_;
  ShadowReport sums_;  // mean_difference and mean_shift are sums until they are reported
};

[[nodiscard]] std::string to_json(const ShadowReport& report);

}  // namespace coppice::serve
