// What holds for every row of a training, found once before it starts.
#pragma once

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/numerics.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice::detail {

/// max |value|; 0 without values, NaN if one of them is.
inline double largest_magnitude(std::span<const float> values) {
  // Bits without the sign rise with the magnitude, and of whole numbers many are compared at a time.
  std::int32_t largest = 0;
  for (const float value : values)
    largest = std::max(largest, std::bit_cast<std::int32_t>(value) & std::int32_t{0x7fffffff});
  return std::bit_cast<float>(largest);
}

/// weights [n_rows] or empty: 1 each. `gradient` is that of binary:logistic; a session of squared error
/// multiplies it by its bound of the residuals.
inline RowBounds make_row_bounds(std::span<const float> weights, std::size_t n_rows) {
  RowBounds bounds;
  bounds.n_rows = static_cast<double>(n_rows);
  if (!weights.empty()) {
    bounds.weight = largest_magnitude(weights);
    bounds.mean_weight =
        fixed_sum(weights.size(), [&](std::size_t i) { return static_cast<double>(weights[i]); }) /
        bounds.n_rows;
  }
  bounds.gradient = bounds.weight;
  return bounds;
}

}  // namespace coppice::detail
