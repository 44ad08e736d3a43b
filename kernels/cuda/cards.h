// card_precision of watched rows.
//
// What depends on no score is found once by core (detail/card_days.h): the rows of each card on each day.
// Every round a thread a card finds its score, and two stable sorts put the cards of all days in order at
// once. What is left is a chain, for a card that is found drops out of the days after: one block walks
// through the days, and looks at no more cards of each than investigators have time for.
#pragma once

#include <coppice/detail/card_days.h>
#include <coppice/metric.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

/// Days and cards of a watched set, on the device.
struct WatchedCards {
  DeviceBuffer<detail::CardOfDay> cards;
  DeviceBuffer<std::uint32_t> begins, rows;
  std::uint32_t n_cards = 0, n_days = 0;
  std::size_t n_groups = 0;  ///< one more than the largest group

  WatchedCards() = default;
  /// Waits for copies.
  WatchedCards(const Stream& stream, const EvaluationColumns& columns);

  /// Device memory that the constructor takes: room for a card a row, because how many there are is found
  /// later.
  [[nodiscard]] static std::size_t n_bytes(std::size_t n_rows);
};

class CardMetrics {
 public:
  CardMetrics() = default;
  /// Room for tables of at most so many rows and groups. metrics: card_precision among them; they outlive
  /// this.
  CardMetrics(std::span<const Metric> metrics, std::size_t most_rows, std::size_t most_groups);

  /// Device memory that the constructor takes.
  [[nodiscard]] static std::size_t n_bytes(std::size_t most_rows, std::size_t most_groups);

  /// Enqueues what value() needs; `watched` stays until then.
  void enqueue(const Stream& stream, const WatchedCards& watched, const float* margins);

  /// Of metrics[index], when the stream has been waited for.
  [[nodiscard]] double value(std::size_t index) const;

 private:
  [[nodiscard]] const std::uint64_t* rank(const Stream& stream, const WatchedCards& watched,
                                          const float* margins);

  std::span<const Metric> metrics_;
  std::uint32_t n_days_ = 0;  ///< of the set that was enqueued last

  DeviceBuffer<std::uint64_t> words_;  ///< two for each card: a sort needs two arrays
  DeviceBuffer<unsigned char> scratch_;
  DeviceBuffer<std::uint8_t> is_found_;  ///< [group]
  PinnedBuffer<double> sums_;            ///< [metric]
};

}  // namespace coppice::kernels::cuda
