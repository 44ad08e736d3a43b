#include "scoring/quadrature.h"

#include <cstddef>

namespace coppice::scoring {
namespace {

struct LegendreValues {
  double previous = 0;      // P[n - 1](x)
  int n_roots_above_x = 0;  // of P[n]
};

// P[0] .. P[n] are a Sturm chain: each change of sign between neighbours is a root of P[n] above x.
LegendreValues legendre(int n, double x) {
  double previous = 1;
  double current = x;
  int n_changes = x < 0 ? 1 : 0;
  for (int k = 2; k <= n; ++k) {
    const double next = ((2 * k - 1) * x * current - (k - 1) * previous) / k;
    if ((next < 0) != (current < 0)) ++n_changes;
    previous = current;
    current = next;
  }
  return {.previous = previous, .n_roots_above_x = n_changes};
}

}  // namespace

std::vector<QuadraturePoint> gauss_legendre(int n_points) {
  constexpr int kHalvings = 60;  // of [-1, 1]: to the last bit
  std::vector<QuadraturePoint> points;
  for (int n_above = n_points - 1; n_above >= 0; --n_above) {
    double low = -1;
    double high = 1;
    for (int i = 0; i < kHalvings; ++i) {
      const double middle = (low + high) / 2;
      (legendre(n_points, middle).n_roots_above_x > n_above ? low : high) = middle;
    }
    const double root = (low + high) / 2;
    const double scale = n_points * legendre(n_points, root).previous;  // (1 - root^2) P'[n](root)
    points.push_back({.at = (1 + root) / 2, .weight = (1 - root * root) / (scale * scale)});
  }
  return points;
}

}  // namespace coppice::scoring
