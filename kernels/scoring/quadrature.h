// Gauss-Legendre quadrature.
#pragma once

#include <vector>

namespace coppice::scoring {

struct QuadraturePoint {
  double at = 0;
  double weight = 0;
};

/// The points, rising, at which sum(weight * f(at)) is the integral of f over [0, 1] for every polynomial f
/// of degree < 2 n_points. Cost: O(n_points^2). The same bits everywhere.
[[nodiscard]] std::vector<QuadraturePoint> gauss_legendre(int n_points);

}  // namespace coppice::scoring
