// Floats as integers of the same order, and their sort.
#pragma once

#include <coppice/detail/host_device.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace coppice::detail {

/// Order-preserving integer of a float; -0 and +0 get the same one.
using SortKey = std::uint32_t;

COPPICE_HOST_DEVICE inline SortKey sort_key(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}

/// Inverse of sort_key.
COPPICE_HOST_DEVICE inline float value_of(SortKey key) noexcept {
  return std::bit_cast<float>((key >> 31) != 0 ? key & 0x7fffffffU : ~key);
}

/// Sorts integers of 4 bytes, or of 8 by their high 4 bytes; stable. Eight-bit digits: their counters stay in
/// the first-level cache.
template <class T>
void radix_sort(std::span<T> items) {
  constexpr int kShift = sizeof(T) == 8 ? 32 : 0;
  std::array<std::array<std::uint32_t, 256>, 4> counts{};
  for (const T item : items)
    for (int digit = 0; digit < 4; ++digit) ++counts[digit][item >> (kShift + 8 * digit) & 255];
  std::vector<T> other(items.size());
  std::span<T> from = items, to = other;
  for (int digit = 0; digit < 4; ++digit) {
    auto& count = counts[digit];
    if (std::any_of(count.begin(), count.end(), [&](std::uint32_t c) { return c == items.size(); })) continue;
    std::uint32_t sum = 0;
    for (auto& c : count) c = std::exchange(sum, sum + c);
    for (const T item : from) to[count[item >> (kShift + 8 * digit) & 255]++] = item;
    std::swap(from, to);
  }
  if (from.data() != items.data()) std::copy(from.begin(), from.end(), items.begin());
}

}  // namespace coppice::detail
