// Metrics of watched sets, worked out where the margins are.
//
// Losses and confusions are sums of fixed shape (detail/fixed_sum.h): the device adds up blocks of 1,024
// rows, the host the blocks. Metrics of ranks are those of ranks.h, card_precision is that of cards.h.
#pragma once

#include <coppice/backend.h>
#include <coppice/parameters.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "cuda/cards.h"
#include "cuda/device.h"
#include "cuda/ranks.h"

namespace coppice::kernels::cuda {

class WatchedMetrics {
 public:
  WatchedMetrics() = default;
  /// Enqueues the upload of labels, weights and amounts; what `data` refers to outlives this.
  WatchedMetrics(const Stream& stream, const SessionData& data, const Parameters& parameters);

  /// Device memory that the constructor takes.
  [[nodiscard]] static std::size_t n_bytes(const SessionData& data);

  /// TrainingSession::evaluate for margins [n_rows] on the device. Waits.
  [[nodiscard]] std::vector<double> evaluate(const Stream& stream, std::size_t index, const float* margins);

 private:
  struct Set {
    DeviceBuffer<float> labels, weights, amounts;
    double weight_sum = 0;
    detail::RankScale scale;
    WatchedCards cards;
  };

  [[nodiscard]] ScoredRows scored(std::size_t index, const float* margins) const;
  void enqueue_sums(const Stream& stream, const ScoredRows& rows);
  [[nodiscard]] double value_of_sums(const Metric& metric, std::size_t index, std::span<double> sums) const;

  std::span<const Metric> metrics_;
  std::span<const WatchedRows> watched_;
  Objective objective_ = Objective::kBinaryLogistic;
  Costs costs_;
  std::vector<Set> sets_;

  // Room for one set at a time, the largest.
  DeviceBuffer<double> sums_;  ///< of each metric that has them, one after the other
  PinnedBuffer<double> fetched_sums_;
  RankMetrics ranks_;
  CardMetrics cards_;
};

}  // namespace coppice::kernels::cuda
