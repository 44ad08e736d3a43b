#include "card_precision.h"

#include <coppice/detail/card_days.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace coppice {

double card_precision(std::span<const float> margins, const EvaluationColumns& columns, double count) {
  const detail::CardDays days = detail::card_days(columns);
  std::vector<bool> is_found(detail::end_of_numbers(columns.groups));
  // A day's cards, each a key << 32 and where it is: a heap, because few of many are looked at.
  std::vector<std::uint64_t> candidates;
  double sum = 0;
  for (std::size_t day = 0; day < days.n_days(); ++day) {
    candidates.clear();
    for (std::uint32_t i = days.begins[day]; i < days.begins[day + 1]; ++i) {
      const detail::CardOfDay& card = days.cards[i];
      if (is_found[card.group]) continue;
      const detail::SortKey key = detail::falling_key(card, days.rows.data(), margins.data());
      candidates.push_back(std::uint64_t{key} << 32 | i);
    }
    std::ranges::make_heap(candidates, std::greater());
    detail::Investigation today;
    while (!candidates.empty() && today.taken < count) {
      std::ranges::pop_heap(candidates, std::greater());
      const detail::CardOfDay& card = days.cards[static_cast<std::uint32_t>(candidates.back())];
      candidates.pop_back();
      today.take(card.weight, card.is_positive, count);
      if (card.is_positive) is_found[card.group] = true;
    }
    sum += today.found / count;
  }
  return detail::mean_of_days(sum, days.n_days());
}

}  // namespace coppice
