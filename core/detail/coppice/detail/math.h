// exp and log with the same bits on every machine and device.
//
// Libraries disagree in the last bits of exp and log, and a model's bytes must not depend on which one is
// linked. These are built from + - * / alone, in a fixed order and without contraction. All but log_double
// are free of branches, so that compilers can vectorise loops over them; callers clamp arguments to the range
// in a loop of their own, because a clamp inside becomes a branch again.
#pragma once

#include <bit>
#include <cstdint>
#include <limits>

namespace coppice::detail {

/// exp(x) in float32 of x in [-80, 80], for the training sweeps. Error: at most 0.99 units in the last place,
/// the largest over all x.
///
/// Vector twins repeat these operations in this order:
///   exp(x) = 2^n exp(r), n the integer nearest to x log2(e), r = x - n ln 2 in two steps (Cody and Waite
///   1980; n times the first constant is exact), exp(r) = 1 + (r + r^2 q(r)), q minimax of degree 4 over
///   [-ln(2)/2, ln(2)/2] in relative error of exp(r) (4e-9).
constexpr float exp_float(float x) noexcept {
  constexpr float kShift = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer, held in the low bits
  const float shifted = x * 1.44269504F + kShift;
  const float n = shifted - kShift;
  float r = x - n * 0.693359375F;
  r = r - n * -2.12194440e-4F;
  float q = 1.38146023e-3F;
  q = q * r + 8.36871564e-3F;
  q = q * r + 4.1668389e-2F;
  q = q * r + 0.166665211F;
  q = q * r + 0.49999994F;
  const float e = (r * r * q + r) + 1.0F;
  // Adds n to the exponent; the bits of kShift leave the word.
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(e) +
                              (std::bit_cast<std::uint32_t>(shifted) << 23));
}

/// exp(x) in float64 of x in [-708, 709], with a relative error below 1e-15.
/// The same reduction as exp_float, with the Taylor polynomial of degree 13 (remainder 4e-18).
constexpr double exp_double(double x) noexcept {
  constexpr double kShift = 6755399441055744.0;  // 1.5 * 2^52
  const double shifted = x * 1.4426950408889634 + kShift;
  const double n = shifted - kShift;
  double r = x - n * 0x1.62e42feep-1;  // ln 2 to 32 bits: exact for |n| < 2^20
  r = r - n * 0x1.a39ef35793c76p-33;   // the rest of ln 2
  double q = 1.0 / 6227020800.0;
  q = q * r + 1.0 / 479001600.0;
  q = q * r + 1.0 / 39916800.0;
  q = q * r + 1.0 / 3628800.0;
  q = q * r + 1.0 / 362880.0;
  q = q * r + 1.0 / 40320.0;
  q = q * r + 1.0 / 5040.0;
  q = q * r + 1.0 / 720.0;
  q = q * r + 1.0 / 120.0;
  q = q * r + 1.0 / 24.0;
  q = q * r + 1.0 / 6.0;
  q = q * r + 0.5;
  const double e = (r * r * q + r) + 1.0;
  return std::bit_cast<double>(std::bit_cast<std::uint64_t>(e) +
                               (std::bit_cast<std::uint64_t>(shifted) << 52));
}

/// log(x) in float64 of a normal, finite, positive x, with a relative error below 1e-15.
/// x = 2^k m with m in [sqrt(1/2), sqrt(2)); log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172, by its
/// power series to s^21 (remainder 1e-18 of the result). Close to 1, k is 0 and nothing cancels.
constexpr double log_normal(double x) noexcept {
  constexpr std::uint64_t kOne = 0x3ff0000000000000;
  constexpr std::uint64_t kSqrtHalf = 0x3fe6a09e667f3bcd;
  constexpr std::uint64_t kMantissa = 0x000fffffffffffff;
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x) + (kOne - kSqrtHalf);
  // k, with the exponent's bias of 1023, is converted by writing it into the mantissa of 2^52.
  const double k = std::bit_cast<double>(0x4330000000000000 | bits >> 52) - (4503599627370496.0 + 1023.0);
  const auto m = std::bit_cast<double>((bits & kMantissa) + kSqrtHalf);
  const double s = (m - 1.0) / (m + 1.0);
  const double z = s * s;
  double q = 2.0 / 21.0;
  q = q * z + 2.0 / 19.0;
  q = q * z + 2.0 / 17.0;
  q = q * z + 2.0 / 15.0;
  q = q * z + 2.0 / 13.0;
  q = q * z + 2.0 / 11.0;
  q = q * z + 2.0 / 9.0;
  q = q * z + 2.0 / 7.0;
  q = q * z + 2.0 / 5.0;
  q = q * z + 2.0 / 3.0;
  const double log_m = s * z * q + 2.0 * s;
  return k * 0x1.62e42feep-1 + (k * 0x1.a39ef35793c76p-33 + log_m);
}

/// log(x) in float64 for every x: -infinity for 0, NaN for negative x and NaN. Error: as log_normal.
constexpr double log_double(double x) noexcept {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  constexpr double kTwo54 = 18014398509481984.0;
  if (!(x > 0)) return x == 0 ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
  if (x == kInfinity) return kInfinity;
  if (x >= std::numeric_limits<double>::min()) return log_normal(x);
  return log_normal(x * kTwo54) - 54.0 * 0.6931471805599453;  // subnormal
}

/// log(1 + x) in float64 for x in [0, 1], with a relative error below 1e-15: the rounding error of 1 + x is
/// given back to first order (Kahan).
constexpr double log1p_double(double x) noexcept {
  const double sum = 1.0 + x;
  return log_normal(sum) + (x - (sum - 1.0)) / sum;
}

}  // namespace coppice::detail
