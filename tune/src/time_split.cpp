#include "time_split.h"

#include <algorithm>
#include <cstddef>
#include <limits>

#include "shares.h"

namespace coppice::tune {

TimeBlocks cut_times(std::span<const double> times, std::span<const double> fractions) {
  std::vector<double> sorted(times.begin(), times.end());
  std::ranges::sort(sorted);
  std::vector<double> block_times;
  std::vector<std::size_t> block_rows;
  for (auto begin = sorted.begin(); begin != sorted.end();) {
    const auto end = std::upper_bound(begin, sorted.end(), *begin);
    block_times.push_back(*begin);
    block_rows.push_back(static_cast<std::size_t>(end - begin));
    begin = end;
  }

  TimeBlocks result;
  result.last_times.assign(fractions.size(), -std::numeric_limits<double>::infinity());
  const Parts block_parts = parts_of_blocks(block_rows, fractions);
  for (std::size_t i = 0; i < block_parts.size(); ++i) result.last_times[block_parts[i]] = block_times[i];

  // Empty parts do not hinder the search: the last time up to each part never falls.
  std::vector<double> ends = result.last_times;
  for (std::size_t part = 1; part < ends.size(); ++part) ends[part] = std::max(ends[part], ends[part - 1]);
  result.parts.reserve(times.size());
  for (const double time : times) {
    const auto end = std::ranges::lower_bound(ends, time);
    result.parts.push_back(static_cast<std::uint8_t>(end - ends.begin()));
  }
  return result;
}

}  // namespace coppice::tune
