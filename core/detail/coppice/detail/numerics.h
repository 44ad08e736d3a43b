// The arithmetic of training, one definition for every backend.
//
// Everything here is + - * / sqrt, comparisons and conversions in a fixed order, so it gives the same bits on
// every device; vector code repeats these expressions operation by operation. docs/determinism.md tells how
// the pieces fit together.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/detail/hash.h>
#include <coppice/detail/host_device.h>
#include <coppice/detail/math.h>
#include <coppice/objective.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace coppice::detail {

// ---------------------------------------------------------------------------------------------------------
// Objectives: the derivative of the loss by the margin for a row of weight 1, and the second derivative as a
// function of the first (so that a row needs one stored float).

/// Log loss. |gradient| = 1 / (1 + exp(z)) with z the margin towards the right answer: full relative
/// precision for both classes. z is kept within +-40, where the gradient is 4e-18.
struct LogisticLoss {
  static constexpr Objective kObjective = Objective::kBinaryLogistic;
  static constexpr float kMarginLimit = 40.0F;

  COPPICE_HOST_DEVICE static float gradient(float margin, float label) noexcept {
    const bool positive = label > 0.5F;
    float z = positive ? margin : -margin;
    z = z < kMarginLimit ? z : kMarginLimit;
    z = z > -kMarginLimit ? z : -kMarginLimit;
    const float magnitude = 1.0F / (1.0F + exp_float(z));
    return positive ? -magnitude : magnitude;
  }
  COPPICE_HOST_DEVICE static float hessian(float gradient) noexcept {
    const float magnitude = std::fabs(gradient);
    return magnitude * (1.0F - magnitude);
  }
};

/// Half the squared error.
struct SquaredLoss {
  static constexpr Objective kObjective = Objective::kSquaredError;
  COPPICE_HOST_DEVICE static float gradient(float margin, float label) noexcept { return margin - label; }
  COPPICE_HOST_DEVICE static float hessian(float /*gradient*/) noexcept { return 1.0F; }
};

// ---------------------------------------------------------------------------------------------------------
// Row sampling (design section 5; minimal variance sampling, Ibragimov and Gusev 2019, with the threshold set
// by a variance budget).

/// Least share of the rows of average hessian that squared error keeps. Its gradients say nothing about the
/// hessian (a row with gradient 0 still counts in every leaf), so a row's importance has a floor, which is
/// given relative to the threshold: the label's unit cancels.
inline constexpr double kKeepFloor = 0.1;

/// Importance of a row: its weighted gradient, or `floor` times its weighted hessian when that is larger, but
/// then at most the threshold.
COPPICE_HOST_DEVICE inline float importance(float weighted_gradient, float weighted_hessian, float floor,
                                            float threshold) noexcept {
  const float a = std::fabs(weighted_gradient);
  float b = floor * weighted_hessian;
  b = b < threshold ? b : threshold;
  return a > b ? a : b;
}

/// floor of `importance` at a threshold; 0 at infinity, where the search for a first threshold starts.
inline float importance_floor(Objective objective, float threshold, double mean_weight) noexcept {
  const bool has_floor =
      objective == Objective::kSquaredError && threshold < std::numeric_limits<float>::infinity();
  return has_floor ? static_cast<float>(kKeepFloor * static_cast<double>(threshold) / mean_weight) : 0.0F;
}

/// One round's draw. A row of importance a is kept with probability min(1, a / threshold) * subsample, and
/// when it is kept it counts max(1, threshold / a) times.
struct Draw {
  float threshold = 0;  ///< 0 keeps every row (that subsample keeps)
  float floor = 0;      ///< importance_floor
  /// Importance to a probability in units of 2^-31, below the threshold: a little less than subsample * 2^31
  /// / threshold, so that no product reaches 2^31.
  float scale = 0;
  std::int32_t certain = 0;        ///< the same from the threshold on: subsample * 2^31
  bool keeps_certain = true;       ///< subsample == 1: from the threshold on every row is kept
  std::uint32_t row_key = 0;       ///< of row_draw, for keeping
  std::uint32_t rounding_key = 0;  ///< of row_draw, for stochastic rounding
};

/// mean_weight: of all rows of the training. purpose: keeps the draws of one round apart.
inline Draw make_draw(Objective objective, float threshold, double mean_weight, double subsample,
                      std::uint64_t seed, int round, Purpose purpose = Purpose::kRow) noexcept {
  constexpr double kOne = 2147483648.0 * (1.0 - 0x1p-23);  // 2^31, less two roundings
  Draw draw;
  draw.threshold = threshold;
  draw.floor = importance_floor(objective, threshold, mean_weight);
  draw.scale = threshold > 0 ? static_cast<float>(subsample * kOne / static_cast<double>(threshold)) : 0.0F;
  draw.certain = static_cast<std::int32_t>(subsample * kOne);
  draw.keeps_certain = subsample >= 1;
  const auto r = static_cast<std::uint32_t>(round);
  draw.row_key = static_cast<std::uint32_t>(draw_key(seed, purpose, r));
  draw.rounding_key = static_cast<std::uint32_t>(draw_key(seed, Purpose::kRounding, r));
  return draw;
}

/// Is a row kept? The draw has 31 bits: a probability is resolved to 2^-31.
COPPICE_HOST_DEVICE inline bool is_kept(const Draw& draw, float a, std::uint32_t row) noexcept {
  const bool is_certain = a >= draw.threshold;
  if (is_certain && draw.keeps_certain) return true;
  const auto drawn = static_cast<std::int32_t>(row_draw(draw.row_key, row) >> 1);
  return drawn < (is_certain ? draw.certain : static_cast<std::int32_t>(a * draw.scale));
}

/// How often a kept row counts.
COPPICE_HOST_DEVICE inline float repeat(const Draw& draw, float a) noexcept {
  return a >= draw.threshold ? 1.0F : draw.threshold / a;
}

/// The largest threshold whose added variance, sum a (t - a) over {a < t}, is at most noise * sum a^2: one
/// Newton step from `threshold` on that convex function. Sums are over the importances at `threshold`. From
/// infinity the steps fall towards the solution; between rounds one step follows the slow drift. 0 (keep
/// every row) when all importances are 0 at infinity, or when the threshold would be below 2^-90, where
/// Draw::scale leaves the floats.
inline float next_threshold(double noise, float threshold, double sum_squares, double sum_below,
                            double sum_squares_below) noexcept {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  if (!(sum_below > 0)) return threshold < kInfinity ? threshold : 0.0F;
  const auto next = static_cast<float>((noise * sum_squares + sum_squares_below) / sum_below);
  return next >= 0x1p-90F && next < kInfinity ? next : 0.0F;
}

/// Threshold of the round after one whose draw had `threshold` and kept `n_kept` rows: next_threshold, or
/// the one that keeps `most` rows when that is higher (rows are kept by about one over the threshold). NaN
/// asks for a new search: no importance lies below the threshold any more, so the sums do not tell how far
/// to raise it.
inline float drifted_threshold(double noise, float threshold, double sum_squares, double sum_below,
                               double sum_squares_below, double n_kept, double most) noexcept {
  if (noise == 0 || !(sum_squares > 0)) return 0;
  if (!(sum_below > 0)) return std::numeric_limits<float>::quiet_NaN();
  const float next = next_threshold(noise, threshold, sum_squares, sum_below, sum_squares_below);
  return next > 0 ? std::max(next, static_cast<float>(threshold * (n_kept / most))) : next;
}

/// Newton steps that find the first threshold of a training, from infinity.
inline constexpr int kThresholdSteps = 8;

// ---------------------------------------------------------------------------------------------------------
// Fixed point. Sums over the rows of a block are float32 sums of fixed shape; sums over blocks are integers.

/// Sums within a block of 512 rows run in 16 lanes: lane j adds rows j, j + 16, ... in order, then the lanes
/// are added pairwise, j and j + 8, then + 4, + 2, + 1.
inline constexpr int kLanes = 16;
COPPICE_HOST_DEVICE inline float add_lanes(const float* lanes) noexcept {
  float half[kLanes];
  std::copy(lanes, lanes + kLanes, half);
  for (int width = kLanes / 2; width > 0; width /= 2)
    for (int j = 0; j < width; ++j) half[j] = half[j] + half[j + width];
  return half[0];
}

/// 2^exponent. exponent in [-1022, 1023].
COPPICE_HOST_DEVICE inline double exp2_double(int exponent) noexcept {
  return std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52);
}
/// 2^exponent. exponent in [-126, 127].
COPPICE_HOST_DEVICE inline float exp2_float(int exponent) noexcept {
  return std::bit_cast<float>(static_cast<std::uint32_t>(exponent + 127) << 23);
}
/// floor(log2 x) of a positive normal x; -126 for smaller ones and 0.
COPPICE_HOST_DEVICE inline int exponent_of(float x) noexcept {
  const int biased = static_cast<int>(std::bit_cast<std::uint32_t>(x) >> 23 & 0xff);
  return biased > 0 ? biased - 127 : -126;
}
/// floor(log2 x) of a positive normal x; -1022 for smaller ones and 0.
COPPICE_HOST_DEVICE inline int exponent_of(double x) noexcept {
  const int biased = static_cast<int>(std::bit_cast<std::uint64_t>(x) >> 52 & 0x7ff);
  return biased > 0 ? biased - 1023 : -1022;
}

/// The exponent e for which a sum of terms that cannot exceed `bound` fits 62 bits: bound * 2^e < 2^62.
/// At most 160, so that it exceeds a block_exponent by less than 64.
COPPICE_HOST_DEVICE inline int sum_exponent(double bound) noexcept {
  return std::min(61 - exponent_of(bound), 160);
}

/// A term >= 0 of a 64-bit sum, rounded up: a total that bounds something is never below the sum of its
/// terms.
COPPICE_HOST_DEVICE inline std::int64_t to_fixed(double value, int exponent) noexcept {
  return static_cast<std::int64_t>(std::ceil(value * exp2_double(exponent)));
}
COPPICE_HOST_DEVICE inline double from_fixed(std::int64_t sum, int exponent) noexcept {
  return static_cast<double>(sum) * exp2_double(-exponent);
}

/// Bounds that hold for every row of a training, from which the exponents of the 64-bit sums follow.
struct RowBounds {
  double n_rows = 1;
  double weight = 1;       ///< largest weight; bounds the weighted hessian
  double mean_weight = 1;  ///< no bound, but what the importance floor is relative to
  double gradient = 1;     ///< bounds |weighted gradient|: weight for binary:logistic, else weight * residual
};

/// Exponents of the 64-bit sums of one sweep A.
struct SweepExponents {
  int squares = 0;        ///< sums of squared importances
  int importance = 0;     ///< sum of importances
  int kept_gradient = 0;  ///< sum of |gradient| * repeat over kept rows
  int kept_hessian = 0;   ///< sum of hessian * repeat over kept rows
};

inline SweepExponents sweep_exponents(Objective objective, const RowBounds& bounds,
                                      const Draw& draw) noexcept {
  const double n = bounds.n_rows;
  const double repeated = std::max(bounds.gradient, static_cast<double>(draw.threshold));
  const double a = draw.floor > 0 ? repeated : bounds.gradient;
  const double hessian = objective == Objective::kBinaryLogistic
                             ? repeated
                             : std::max(bounds.weight, bounds.mean_weight / kKeepFloor);
  return {sum_exponent(n * a * a), sum_exponent(n * a), sum_exponent(n * repeated),
          sum_exponent(n * hessian)};
}

/// SplitRule::noise of a tree: sum of squared importances over the sum of hessians, which the kept rows
/// estimate.
COPPICE_HOST_DEVICE inline double gradient_noise(double sum_squares, double kept_hessian,
                                                 double subsample) noexcept {
  return kept_hessian > 0 ? sum_squares * subsample / kept_hessian : 0;
}

// ---------------------------------------------------------------------------------------------------------
// Packed gradients: gradient in the upper 32 bits (signed), hessian in the lower 32 (below 2^31).

using Word = std::int64_t;

COPPICE_HOST_DEVICE inline Word pack(std::int32_t gradient, std::int32_t hessian) noexcept {
  return static_cast<Word>(static_cast<std::uint64_t>(static_cast<std::int64_t>(gradient)) << 32) + hessian;
}
COPPICE_HOST_DEVICE inline std::int32_t gradient_of(Word word) noexcept {
  return static_cast<std::int32_t>(word >> 32);
}
COPPICE_HOST_DEVICE inline std::uint32_t hessian_of(Word word) noexcept {
  return static_cast<std::uint32_t>(word);
}

/// The exponent of a tree's unit: the largest for which the kept rows cannot overflow 31 bits. `sum` is the
/// sum of their absolute values, known to 2^-10; rounding up adds at most one unit a row.
COPPICE_HOST_DEVICE inline int word_exponent(double sum, std::size_t n_kept) noexcept {
  const double room = 2147483647.0 - static_cast<double>(n_kept);
  const double bound = sum * (1.0 + 0x1p-10);
  if (!(bound > 0)) return 0;
  int exponent = exponent_of(room / bound) + 1;
  while (exponent > -126 && bound * exp2_double(exponent) > room) --exponent;
  return std::min(std::max(exponent, -126), 100);
}

/// Stochastic rounding of |x| * 2^exponent: up with the probability of its fraction, which `random16`
/// resolves to 2^-16. The sign stays.
COPPICE_HOST_DEVICE inline std::int32_t round_stochastic(float x, float scale,
                                                         std::uint32_t random16) noexcept {
  const float magnitude = std::fabs(x) * scale;
  auto whole = static_cast<std::int32_t>(magnitude);
  const float fraction = magnitude - static_cast<float>(whole);
  if (static_cast<float>(random16) * 0x1p-16F < fraction) ++whole;
  return x < 0 ? -whole : whole;
}

/// The packed word of a kept row. gradient and hessian are weighted and repeated.
COPPICE_HOST_DEVICE inline Word quantise(float gradient, float hessian, float gradient_scale,
                                         float hessian_scale, std::uint32_t rounding_key,
                                         std::uint32_t row) noexcept {
  const std::uint32_t random = row_draw(rounding_key, row);
  return pack(round_stochastic(gradient, gradient_scale, random >> 16),
              round_stochastic(hessian, hessian_scale, random & 0xffffU));
}

// ---------------------------------------------------------------------------------------------------------
// Leaf sums over all rows: 21 bits a row with a scale for each block, 64 bits over the blocks.

/// Scale exponent of a block whose largest term is `largest`; at most the exponent of the sum.
COPPICE_HOST_DEVICE inline int block_exponent(float largest, int sum_exponent) noexcept {
  return std::min({20 - exponent_of(largest), sum_exponent, 100});
}

/// Nearest integer of x * scale, ties to even; |x * scale| < 2^22.
COPPICE_HOST_DEVICE inline std::int32_t round_nearest(float x, float scale) noexcept {
  constexpr float kMagic = 12582912.0F;  // 1.5 * 2^23: the unit of the last place is 1
  return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x * scale + kMagic) -
                                   std::bit_cast<std::uint32_t>(kMagic));
}

// ---------------------------------------------------------------------------------------------------------
// Splits and leaves (Chen and Guestrin 2016, equations 5 to 7; L1 by soft threshold).

/// What the gain of a split depends on, for one tree.
struct SplitRule {
  double gradient_unit = 1;  ///< 2^-exponent of the words
  double hessian_unit = 1;
  double reg_lambda = 1;
  double reg_alpha = 0;
  double min_hessian = 0;  ///< max(min_child_weight, hessian_unit): a child's least hessian
  double gamma = 0;
  /// Variance of a gradient sum, per unit of its hessian, when there is nothing to find: sum of squared
  /// gradients over sum of hessians, about 1 for a calibrated log loss and the mean squared residual for
  /// squared error.
  double noise = 1;
};

/// |gradient| less the L1 penalty, not below 0.
COPPICE_HOST_DEVICE inline double shrunk(double gradient, double reg_alpha) noexcept {
  const double rest = std::fabs(gradient) - reg_alpha;
  return rest > 0 ? rest : 0.0;
}

/// Loss reduction of a node as a leaf, times two.
COPPICE_HOST_DEVICE inline double node_score(double gradient, double hessian,
                                             const SplitRule& rule) noexcept {
  const double t = shrunk(gradient, rule.reg_alpha);
  const double denominator = hessian + rule.reg_lambda;
  return denominator > 0 ? t * t / denominator : 0.0;
}

/// Sum of the two children's node scores, as one division; -1 when a child is too light. `extra_l2` adds to
/// reg_lambda (categorical splits). Sums are in real units and exact, so the right side is the total less the
/// left.
COPPICE_HOST_DEVICE inline double split_score(double left_gradient, double left_hessian,
                                              double right_gradient, double right_hessian,
                                              const SplitRule& rule, double extra_l2 = 0) noexcept {
  if (!(left_hessian >= rule.min_hessian) || !(right_hessian >= rule.min_hessian)) return -1;
  const double lambda = rule.reg_lambda + extra_l2;
  const double tl = shrunk(left_gradient, rule.reg_alpha);
  const double tr = shrunk(right_gradient, rule.reg_alpha);
  const double dl = left_hessian + lambda;
  const double dr = right_hessian + lambda;
  return (tl * tl * dr + tr * tr * dl) / (dl * dr);
}

/// Gains below this share of the children's score are rounding noise.
inline constexpr double kGainNoise = 1e-9;

/// May a node be split at this score?
COPPICE_HOST_DEVICE inline bool is_worthwhile(double score, double gain, double gamma) noexcept {
  return gain > score * kGainNoise && gain >= gamma;
}

/// The Newton step of a leaf: -G / (H + lambda) with L1, clamped to +-max_delta_step (0: not).
inline double newton_step(double gradient, double hessian, double reg_lambda, double reg_alpha,
                          double max_delta_step) noexcept {
  const double denominator = hessian + reg_lambda;
  if (!(denominator > 0)) return 0;
  double step = shrunk(gradient, reg_alpha) / denominator;
  if (max_delta_step > 0 && step > max_delta_step) step = max_delta_step;
  return gradient > 0 ? -step : step;
}

}  // namespace coppice::detail
