// Sums of doubles in one shape, and so with the same bits, whatever the machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace coppice::detail {

/// Terms of a block.
inline constexpr std::size_t kSumBlock = 1024;

/// block_sum(begin, end) adds up at most kSumBlock terms to a number or several; neighbouring block sums are
/// added until one is left.
template <class BlockSum>
auto fixed_block_sum(std::size_t n, const BlockSum& block_sum) {
  using Sum = decltype(block_sum(n, n));
  std::vector<Sum> sums;
  sums.reserve(n / kSumBlock + 1);
  for (std::size_t begin = 0; begin < n; begin += kSumBlock)
    sums.push_back(block_sum(begin, std::min(begin + kSumBlock, n)));
  for (std::size_t left = sums.size(); left > 1; left = (left + 1) / 2) {
    for (std::size_t i = 0; i < left / 2; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
    if (left % 2 == 1) sums[left / 2] = sums[left - 1];
  }
  return sums.empty() ? Sum{} : sums.front();
}

/// term(0) + ... + term(n - 1), in order within a block.
template <class Term>
double fixed_sum(std::size_t n, const Term& term) {
  return fixed_block_sum(n, [&term](std::size_t begin, std::size_t end) {
    double sum = 0;
    for (std::size_t i = begin; i < end; ++i) sum += term(i);
    return sum;
  });
}

}  // namespace coppice::detail
