#include <coppice/detail/hash.h>
#include <coppice/evaluation_columns.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace coppice {
namespace {

/// Place of each value among the distinct ones.
template <class Value>
Buffer<std::uint32_t> number(const std::vector<Value>& values) {
  std::vector<Value> distinct = values;
  std::ranges::sort(distinct);
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  Buffer<std::uint32_t> numbers(values.size());
  std::ranges::transform(values, numbers.begin(), [&distinct](const Value& value) {
    return static_cast<std::uint32_t>(std::ranges::lower_bound(distinct, value) - distinct.begin());
  });
  return numbers;
}

}  // namespace

GivenColumns given_columns(const EvaluationColumns& columns) noexcept {
  return {
      .amounts = !columns.amounts.empty(), .groups = !columns.groups.empty(), .days = !columns.days.empty()};
}

Buffer<std::uint32_t> number_groups(std::span<const std::uint64_t> keys) {
  std::vector<std::uint64_t> hashes(keys.size());
  std::ranges::transform(keys, hashes.begin(), detail::mix64);
  return number(hashes);
}

Buffer<std::uint32_t> number_days(std::span<const double> times, double day_length) {
  std::vector<double> days(times.size());
  std::ranges::transform(times, days.begin(),
                         [day_length](double time) { return std::floor(time / day_length); });
  return number(days);
}

std::size_t count_days(std::span<const std::uint32_t> days) {
  std::vector<bool> seen;
  for (const std::uint32_t day : days) {
    if (day >= seen.size()) seen.resize(std::size_t{day} + 1);
    seen[day] = true;
  }
  return static_cast<std::size_t>(std::ranges::count(seen, true));
}

}  // namespace coppice
