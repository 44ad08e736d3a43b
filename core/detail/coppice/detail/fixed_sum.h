// Sums of doubles in one shape, whatever the machine.
#pragma once

#include <cstddef>
#include <vector>

namespace coppice::detail {

/// term(0) + ... + term(n - 1): blocks of 1,024 terms in order, then the block sums pairwise (neighbours
/// first).
template <class Term>
double fixed_sum(std::size_t n, Term&& term) {
  constexpr std::size_t kBlock = 1024;
  std::vector<double> sums((n + kBlock - 1) / kBlock);
  for (std::size_t b = 0; b < sums.size(); ++b) {
    const std::size_t end = n < (b + 1) * kBlock ? n : (b + 1) * kBlock;
    for (std::size_t i = b * kBlock; i < end; ++i) sums[b] += term(i);
  }
  for (; sums.size() > 1; sums.resize((sums.size() + 1) / 2)) {
    for (std::size_t i = 0; 2 * i < sums.size(); ++i)
      sums[i] = 2 * i + 1 < sums.size() ? sums[2 * i] + sums[2 * i + 1] : sums[2 * i];
  }
  return sums.empty() ? 0 : sums[0];
}

}  // namespace coppice::detail
