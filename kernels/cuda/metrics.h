// Metrics of watched sets, worked out where the margins are.
//
// Losses and confusions are sums of fixed shape (detail/fixed_sum.h): the device adds up blocks of 1,024
// rows, the host the blocks. auc and ap of rows of weight 1 are made of whole numbers, which have no order:
// one sort parts the classes, and then each row of the one is looked up in the other. What is left to core:
// sums that go in the order of ranks (weighted auc and ap, ece, precision@k), and metrics of amounts, cards
// and days.
#pragma once

#include <coppice/backend.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

class WatchedMetrics {
 public:
  WatchedMetrics() = default;
  /// Enqueues the upload of labels and weights; what `data` refers to outlives this.
  WatchedMetrics(const Stream& stream, const SessionData& data, Objective objective);

  /// Device memory that the constructor takes.
  [[nodiscard]] static std::size_t n_bytes(const SessionData& data);

  /// TrainingSession::evaluate for margins [n_rows] on the device. Waits, if there is anything to wait for.
  [[nodiscard]] std::vector<std::optional<double>> evaluate(const Stream& stream, std::size_t index,
                                                            const float* margins);

 private:
  struct Set {
    DeviceBuffer<float> labels, weights;
    double weight_sum = 0;
    std::uint64_t n_positive = 0;
  };

  [[nodiscard]] bool is_here(const Metric& metric, std::size_t index) const;
  void enqueue_sums(const Stream& stream, std::size_t index, const float* margins);
  void enqueue_ranks(const Stream& stream, std::size_t index, const float* margins);
  [[nodiscard]] double value_of_sums(const Metric& metric, std::size_t index, std::span<double> sums) const;
  [[nodiscard]] double value_of_ranks(const Metric& metric, std::size_t index) const;

  std::span<const Metric> metrics_;
  std::span<const WatchedRows> watched_;
  Objective objective_ = Objective::kBinaryLogistic;
  std::vector<Set> sets_;

  // Room for one set at a time, the largest.
  DeviceBuffer<double> sums_;          ///< of each metric that has them, one after the other
  DeviceBuffer<std::uint64_t> words_;  ///< twice a set's rows: a sort needs two arrays
  DeviceBuffer<unsigned char> scratch_;
  DeviceBuffer<std::int64_t> half_pairs_;
  DeviceBuffer<double> steps_;  ///< detail::precision_step by positive row
  PinnedBuffer<double> fetched_sums_, fetched_steps_;
  PinnedBuffer<std::int64_t> fetched_half_pairs_;
};

}  // namespace coppice::kernels::cuda
