// Metrics of watched rows in the order of their scores: auc, ap, the best of all thresholds, precision@k,
// ece.
//
// A sort; sums of each 512 ranks, in whole numbers (core's detail/rank_sums.h), and over all ranks before
// them; then a pass for each metric, in which the last row of every tie knows the sums above it and above its
// tie. What a block finds goes to pinned memory, and the host joins the blocks.
#pragma once

#include <coppice/detail/rank_sums.h>
#include <coppice/metric.h>
#include <coppice/objective.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

/// Is a metric worked out here?
[[nodiscard]] bool is_of_ranks(const Metric& metric);

struct RankedRows;
struct ScoredRows;

class RankMetrics {
 public:
  RankMetrics() = default;
  /// Room for tables of at most so many rows. metrics: some of them of ranks; they outlive this.
  RankMetrics(std::span<const Metric> metrics, const Costs& costs, std::size_t most_rows);

  /// Device memory that the constructor takes.
  [[nodiscard]] static std::size_t n_bytes(std::size_t most_rows);

  /// Enqueues what value() needs. scale: that of the rows, by rank_scale.
  void enqueue(const Stream& stream, const ScoredRows& rows, const detail::RankScale& scale);

  /// Of metrics[index], when the stream has been waited for.
  [[nodiscard]] double value(std::size_t index) const;

 private:
  [[nodiscard]] RankedRows rank(const Stream& stream, const ScoredRows& rows, const detail::RankScale& scale,
                                bool by_prediction);

  std::span<const Metric> metrics_;
  Costs costs_;
  detail::RankScale scale_;  ///< of the rows that were enqueued last
  unsigned n_blocks_ = 0;    ///< that have left results of them

  DeviceBuffer<std::uint64_t> words_;  ///< two for each row: a sort needs two arrays
  DeviceBuffer<unsigned char> scratch_;
  DeviceBuffer<detail::RankSums> chunks_;
  PinnedBuffer<detail::PairCount> pairs_;  ///< [block]
  PinnedBuffer<std::int64_t> steps_;       ///< [block]
  PinnedBuffer<double> best_;              ///< [metric, block]
  PinnedBuffer<double> gaps_;              ///< [bin]
};

}  // namespace coppice::kernels::cuda
