// Cards by the days that see them, for card_precision: what does not depend on scores, and what
// investigators do, in one definition for core and for devices.
#pragma once

#include <coppice/detail/host_device.h>
#include <coppice/detail/sort_key.h>
#include <coppice/evaluation_columns.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::detail {

/// The rows of a card on one day, and what they come to.
struct CardOfDay {
  std::uint32_t group = 0;
  std::uint32_t day = 0;             ///< among the days that have rows
  std::uint32_t begin = 0, end = 0;  ///< of its rows, in CardDays::rows
  float weight = 0;                  ///< the heaviest of them
  bool is_positive = false;          ///< is one of them?
};

/// Rows that have weight, by days and cards.
struct CardDays {
  std::vector<CardOfDay> cards;       ///< day by day; within a day in the order of groups
  std::vector<std::uint32_t> begins;  ///< [days + 1]: where days begin in `cards`
  std::vector<std::uint32_t> rows;    ///< card by card

  [[nodiscard]] std::size_t n_days() const noexcept { return begins.size() - 1; }
};

/// Shapes: groups and days [n_rows]. Cost: some passes over the rows; as many counters as there are groups.
[[nodiscard]] CardDays card_days(const EvaluationColumns& columns);

/// One more than the largest of some numbers; 0 without any.
[[nodiscard]] std::size_t end_of_numbers(std::span<const std::uint32_t> numbers);

/// Rises where the score of a card falls: the highest of its rows.
[[nodiscard]] COPPICE_HOST_DEVICE inline SortKey falling_key(const CardOfDay& card, const std::uint32_t* rows,
                                                             const float* margins) noexcept {
  float score = margins[rows[card.begin]];
  for (std::uint32_t i = card.begin + 1; i < card.end; ++i) score = std::max(score, margins[rows[i]]);
  return ~sort_key(score);
}

/// A day's work: cards are taken, the highest score first, until there are `count` of them. A card of weight
/// 0 changes nothing.
struct Investigation {
  double taken = 0;  ///< weight of all cards
  double found = 0;  ///< of compromised cards

  COPPICE_HOST_DEVICE void take(float card_weight, bool is_positive, double count) noexcept {
    const double weight = std::min<double>(card_weight, count - taken);
    taken += weight;
    if (is_positive) found += weight;
  }
};

/// card_precision from the days' shares of compromised cards; NaN without days.
[[nodiscard]] double mean_of_days(double sum, std::size_t n_days) noexcept;

}  // namespace coppice::detail
