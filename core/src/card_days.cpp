#include <coppice/detail/card_days.h>
#include <coppice/detail/metric_terms.h>

#include <limits>
#include <numeric>

namespace coppice::detail {
namespace {

/// Rows by a number of theirs; those of one number stay as they are.
std::vector<std::uint32_t> in_order(std::span<const std::uint32_t> rows,
                                    std::span<const std::uint32_t> numbers) {
  std::vector<std::uint32_t> next(end_of_numbers(numbers) + 1);
  for (const std::uint32_t row : rows) ++next[numbers[row] + std::size_t{1}];
  std::partial_sum(next.begin(), next.end(), next.begin());
  std::vector<std::uint32_t> ordered(rows.size());
  for (const std::uint32_t row : rows) ordered[next[numbers[row]]++] = row;
  return ordered;
}

}  // namespace

std::size_t end_of_numbers(std::span<const std::uint32_t> numbers) {
  return numbers.empty() ? 0 : std::size_t{*std::ranges::max_element(numbers)} + 1;
}

CardDays card_days(const EvaluationColumns& columns) {
  const auto weight = [&](std::uint32_t row) {
    return columns.weights.empty() ? 1.0F : columns.weights[row];
  };
  CardDays result;
  result.rows.reserve(columns.days.size());
  for (std::uint32_t row = 0; row < columns.days.size(); ++row)
    if (weight(row) > 0) result.rows.push_back(row);
  result.rows = in_order(in_order(result.rows, columns.groups), columns.days);
  std::uint32_t day = 0;  // of the row before
  for (std::uint32_t i = 0; i < result.rows.size(); ++i) {
    const std::uint32_t row = result.rows[i], group = columns.groups[row];
    const bool is_new_day = i == 0 || columns.days[row] != day;
    if (is_new_day) result.begins.push_back(static_cast<std::uint32_t>(result.cards.size()));
    day = columns.days[row];
    if (is_new_day || group != result.cards.back().group)
      result.cards.push_back(
          {.group = group, .day = static_cast<std::uint32_t>(result.begins.size() - 1), .begin = i});
    CardOfDay& card = result.cards.back();
    card.end = i + 1;
    card.weight = std::max(card.weight, weight(row));
    card.is_positive = card.is_positive || is_positive(columns.labels[row]);
  }
  result.begins.push_back(static_cast<std::uint32_t>(result.cards.size()));
  return result;
}

double mean_of_days(double sum, std::size_t n_days) noexcept {
  return n_days > 0 ? sum / static_cast<double>(n_days) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace coppice::detail
