// Ranks in a column of numbers, without sorting all of it.
#pragma once

#include <coppice/detail/quantiles.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::detail {

/// Numbers by rank, for those who ask about a few ranks of many. The numbers are dealt into thousands of
/// buckets by a rising function, and a bucket is sorted when somebody first asks about a rank in it; most
/// never are. Each thread has its own: it keeps its memory for the next column, and asking changes it.
class alignas(64) RankedValues {
 public:
  /// Takes the numbers that `column` has in `rows`, without NaN; -0 counts as 0. Cost: three passes over
  /// rows.
  void assign(std::span<const float> column, std::span<const std::uint32_t> rows);

  [[nodiscard]] std::size_t size() const noexcept { return n_; }

  /// The number of a rank; rank 0 is the smallest. Cost: the sort of a bucket, once; ranks near the last one
  /// that was asked about are found fastest.
  [[nodiscard]] float at(std::size_t rank);

  /// The ranks whose number equals that of `rank`.
  [[nodiscard]] Run run_of(std::size_t rank);

 private:
  void gather(std::span<const float> column, std::span<const std::uint32_t> rows);
  void choose_buckets();
  void deal();
  std::span<const std::uint32_t> sorted_bucket(std::size_t rank);

  std::size_t n_ = 0;
  std::size_t n_buckets_ = 0;
  std::vector<float> values_;           ///< [n_] as they came
  std::vector<std::uint16_t> buckets_;  ///< [n_] of each value
  std::vector<std::uint32_t> starts_;   ///< first rank of each bucket; one more; and one to count in
  std::vector<std::uint32_t> keys_;     ///< [n_] by rank, where their bucket is sorted
  std::vector<bool> is_sorted_;
  std::size_t bucket_ = 0;  ///< the last one that was asked about
};

}  // namespace coppice::detail
