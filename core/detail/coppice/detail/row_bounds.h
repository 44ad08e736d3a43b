// What holds for every row of a training, found once before it starts.
#pragma once

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/numerics.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace coppice::detail {

/// weights [n_rows] or empty: 1 each. `gradient` is that of binary:logistic; a session of squared error
/// multiplies it by its bound of the residuals.
inline RowBounds make_row_bounds(std::span<const float> weights, std::size_t n_rows) {
  RowBounds bounds;
  bounds.n_rows = static_cast<double>(n_rows);
  if (!weights.empty()) {
    bounds.weight = static_cast<double>(*std::ranges::max_element(weights));
    bounds.mean_weight =
        fixed_sum(weights.size(), [&](std::size_t i) { return static_cast<double>(weights[i]); }) /
        bounds.n_rows;
  }
  bounds.gradient = bounds.weight;
  return bounds;
}

/// max |value|; 0 without values.
inline double largest_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(static_cast<double>(value)));
  return largest;
}

}  // namespace coppice::detail
