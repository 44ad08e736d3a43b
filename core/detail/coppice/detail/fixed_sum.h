// Sums of doubles in one shape, and so with the same bits, whatever the machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace coppice::detail {

/// Terms of a block.
inline constexpr std::size_t kSumBlock = 1024;

/// Adds neighbouring block sums until one is left; 0 when there is none. Overwrites them.
template <class Sum>
Sum add_neighbours(std::span<Sum> sums) {
  for (std::size_t left = sums.size(); left > 1; left = (left + 1) / 2) {
    for (std::size_t i = 0; i < left / 2; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
    if (left % 2 == 1) sums[left / 2] = sums[left - 1];
  }
  return sums.empty() ? Sum{} : sums.front();
}

/// block_sum(begin, end) adds up at most kSumBlock terms to a number or several; add_neighbours does the
/// rest.
template <class BlockSum>
auto fixed_block_sum(std::size_t n, const BlockSum& block_sum) {
  using Sum = decltype(block_sum(n, n));
  std::vector<Sum> sums;
  sums.reserve(n / kSumBlock + 1);
  for (std::size_t begin = 0; begin < n; begin += kSumBlock)
    sums.push_back(block_sum(begin, std::min(begin + kSumBlock, n)));
  return add_neighbours(std::span<Sum>(sums));
}

/// term(0) + ... + term(n - 1). Within a block, lane j of eight adds terms j, j + 8, ... in order, so that no
/// addition waits for the one before it; then the lanes are added, j and j + 4, then + 2, + 1.
template <class Term>
double fixed_sum(std::size_t n, const Term& term) {
  return fixed_block_sum(n, [&term](std::size_t begin, std::size_t end) {
    double lanes[8] = {};
    std::size_t i = begin;
    for (; i + 8 <= end; i += 8)
      for (std::size_t j = 0; j < 8; ++j) lanes[j] += term(i + j);
    for (std::size_t j = 0; i < end; ++i, ++j) lanes[j] += term(i);
    for (std::size_t width = 4; width > 0; width /= 2)
      for (std::size_t j = 0; j < width; ++j) lanes[j] += lanes[j + width];
    return lanes[0];
  });
}

}  // namespace coppice::detail
