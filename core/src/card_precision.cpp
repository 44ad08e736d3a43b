#include "card_precision.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <vector>

#include "ranking.h"

namespace coppice {
namespace {

/// What a day shows of a card.
struct Card {
  std::uint32_t group = 0;
  float score = 0;   ///< the highest of its rows
  float weight = 0;  ///< the heaviest of its rows
  bool is_positive = false;
};

/// Rows that have weight, day by day: the rows of a day stand in row order from begins[day] on.
struct RowsByDay {
  std::vector<std::size_t> begins;
  std::vector<std::uint32_t> rows;
};

RowsByDay group_by_day(const EvaluationColumns& columns) {
  const auto has_weight = [&](std::size_t row) {
    return columns.weights.empty() || columns.weights[row] > 0;
  };
  RowsByDay result;
  const std::size_t n_rows = columns.days.size();
  const std::size_t n_days = n_rows == 0 ? 0 : std::size_t{*std::ranges::max_element(columns.days)} + 1;
  result.begins.assign(n_days + 1, 0);
  for (std::size_t row = 0; row < n_rows; ++row) {
    if (has_weight(row)) ++result.begins[columns.days[row] + std::size_t{1}];
  }
  for (std::size_t day = 0; day < n_days; ++day) result.begins[day + 1] += result.begins[day];
  result.rows.resize(result.begins.back());
  std::vector<std::size_t> next = result.begins;
  for (std::size_t row = 0; row < n_rows; ++row) {
    if (has_weight(row)) result.rows[next[columns.days[row]]++] = static_cast<std::uint32_t>(row);
  }
  return result;
}

/// Goes through the days of a table.
class Investigation {
 public:
  Investigation(std::span<const float> margins, const EvaluationColumns& columns)
      : margins_(margins), columns_(columns) {
    const std::size_t n_groups =
        columns.groups.empty() ? 0 : std::size_t{*std::ranges::max_element(columns.groups)} + 1;
    is_found_.resize(n_groups);
    place_.assign(n_groups, kNone);
  }

  /// Weight of the compromised cards among the first `count` of a day; they are not looked at again.
  double investigate(std::span<const std::uint32_t> rows_of_day, double count) {
    std::vector<Card> cards = cards_of(rows_of_day);
    std::ranges::sort(cards, {}, [](const Card& card) { return std::tuple(-card.score, card.group); });
    double taken = 0, found = 0;
    for (const Card& card : cards) {
      if (taken >= count) break;
      const double weight = std::min<double>(card.weight, count - taken);
      taken += weight;
      if (!card.is_positive) continue;
      found += weight;
      is_found_[card.group] = true;
    }
    return found;
  }

 private:
  static constexpr std::uint32_t kNone = std::numeric_limits<std::uint32_t>::max();

  /// Cards that were not found on earlier days.
  std::vector<Card> cards_of(std::span<const std::uint32_t> rows_of_day) {
    std::vector<Card> cards;
    for (const std::uint32_t row : rows_of_day) {
      const std::uint32_t group = columns_.groups[row];
      if (is_found_[group]) continue;
      if (place_[group] == kNone) {
        place_[group] = static_cast<std::uint32_t>(cards.size());
        cards.push_back({.group = group, .score = margins_[row]});
      }
      Card& card = cards[place_[group]];
      card.score = std::max(card.score, margins_[row]);
      card.weight = std::max(card.weight, columns_.weights.empty() ? 1.0F : columns_.weights[row]);
      card.is_positive = card.is_positive || is_positive(columns_.labels[row]);
    }
    for (const Card& card : cards) place_[card.group] = kNone;
    return cards;
  }

  std::span<const float> margins_;
  const EvaluationColumns& columns_;
  std::vector<bool> is_found_;        // [group]
  std::vector<std::uint32_t> place_;  // [group]: in the cards of the day
};

}  // namespace

double card_precision(std::span<const float> margins, const EvaluationColumns& columns, double count) {
  const RowsByDay by_day = group_by_day(columns);
  Investigation investigation(margins, columns);
  double sum = 0;
  std::size_t n_days = 0;
  for (std::size_t day = 0; day + 1 < by_day.begins.size(); ++day) {
    const std::size_t begin = by_day.begins[day], end = by_day.begins[day + 1];
    if (begin == end) continue;
    sum += investigation.investigate(std::span(by_day.rows).subspan(begin, end - begin), count) / count;
    ++n_days;
  }
  return n_days > 0 ? sum / static_cast<double>(n_days) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace coppice
