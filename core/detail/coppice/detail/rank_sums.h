// Metrics of rows in falling order of their scores, from sums of whole numbers.
//
// Weights, and what else is summed, are counted in units: powers of two so small that all rows together make
// up about 2^61 of them. Such sums have no order: rows may be added in any, on any device, and the
// difference of two sums is exact. Without weights a row is a whole number of units. So is a weight that is
// at least 2^-37 of the sum over its class, because float32 has 24 digits; a lighter one is rounded, by at
// most 2^-62 of that sum. (Doubles may round by 2^-53 of the sum so far with every row that is added.)
#pragma once

#include <coppice/confusion.h>
#include <coppice/detail/host_device.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/numerics.h>
#include <coppice/evaluation_columns.h>
#include <coppice/metric.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace coppice::detail {

/// 2^-exponent, for counting.
struct Unit {
  int exponent = 0;

  /// The nearest number of units.
  [[nodiscard]] COPPICE_HOST_DEVICE std::int64_t count(double value) const noexcept {
    const double exact = value * exp2_double(exponent);
    const auto whole = static_cast<std::int64_t>(exact);
    const double rest = exact - static_cast<double>(whole);
    return whole + (rest >= 0.5 ? 1 : 0) - (rest <= -0.5 ? 1 : 0);
  }
  [[nodiscard]] COPPICE_HOST_DEVICE double value(std::int64_t count) const noexcept {
    return from_fixed(count, exponent);
  }
};

/// Sums over rows, in units of a RankScale.
struct RankSums {
  std::int64_t positive = 0, negative = 0;  ///< weights by class
  std::int64_t value = 0;                   ///< weighted: amounts of positive rows, or scores of all rows

  constexpr RankSums& operator+=(const RankSums& other) noexcept {
    positive += other.positive;
    negative += other.negative;
    value += other.value;
    return *this;
  }
  friend constexpr RankSums operator+(RankSums a, const RankSums& b) noexcept { return a += b; }
  friend constexpr RankSums operator-(const RankSums& a, const RankSums& b) noexcept {
    return {a.positive - b.positive, a.negative - b.negative, a.value - b.value};
  }
  bool operator==(const RankSums&) const = default;
};

/// Units of a table's sums, and its sums over all rows.
struct RankScale {
  Unit positive, negative, value;
  RankSums all;  ///< value: of amounts only

  /// What a row adds but for its value.
  [[nodiscard]] COPPICE_HOST_DEVICE RankSums term(float weight, bool is_positive) const noexcept {
    const std::int64_t n = (is_positive ? positive : negative).count(weight);
    return is_positive ? RankSums{.positive = n} : RankSums{.negative = n};
  }
  [[nodiscard]] COPPICE_HOST_DEVICE double weight(const RankSums& sums) const noexcept {
    return positive.value(sums.positive) + negative.value(sums.negative);
  }
  /// Of calling those rows positive that make up `above`.
  [[nodiscard]] COPPICE_HOST_DEVICE Confusion confusion(const RankSums& above) const noexcept {
    const RankSums below = all - above;
    return {.true_positive = positive.value(above.positive),
            .false_positive = negative.value(above.negative),
            .true_negative = negative.value(below.negative),
            .false_negative = positive.value(below.positive),
            .found_amount = value.value(above.value),
            .missed_amount = value.value(below.value)};
  }
};

/// Values are amounts, where there are some. The same for any order of the rows. Cost: a few passes.
[[nodiscard]] RankScale rank_scale(const EvaluationColumns& columns);

/// The same with scores as values, all of them between two.
[[nodiscard]] COPPICE_HOST_DEVICE inline RankScale scale_with_scores(const RankScale& scale, float lowest,
                                                                     float highest) noexcept {
  const double largest = std::max(std::abs(lowest), std::abs(highest));
  RankScale result = scale;
  result.value = {sum_exponent(scale.weight(scale.all) * largest)};
  result.all.value = 0;
  return result;
}

// ---------------------------------------------------------------------------------------------------------
// Folds: what the ties of a ranking (the rows of one score) come to. A tie is told by the sums over the rows
// above it, and with its own rows. Ties may be joined in any order.

/// Large enough for the pairs of two classes of 2^62 units each, counted twice.
__extension__ using PairCount = unsigned __int128;

/// auc from twice the number of (positive, negative) pairs in the right order, a tie counting 1, and the
/// number of all pairs; NaN when there is none.
[[nodiscard]] inline double auc_of_pairs(PairCount half_right, PairCount n_pairs) noexcept {
  if (n_pairs == 0) return std::numeric_limits<double>::quiet_NaN();
  return 0.5 * static_cast<double>(half_right) / static_cast<double>(n_pairs);
}

/// auc.
struct PairFold {
  using Sum = PairCount;
  RankScale scale;

  [[nodiscard]] COPPICE_HOST_DEVICE static Sum nothing() noexcept { return 0; }
  [[nodiscard]] COPPICE_HOST_DEVICE static Sum join(Sum a, Sum b) noexcept { return a + b; }
  [[nodiscard]] COPPICE_HOST_DEVICE static Sum of_tie(const RankSums& before,
                                                      const RankSums& above) noexcept {
    return static_cast<Sum>(above.negative - before.negative) *
           static_cast<std::uint64_t>(before.positive + above.positive);
  }
  [[nodiscard]] double result(Sum sum) const noexcept {
    return auc_of_pairs(sum, static_cast<Sum>(scale.all.positive) * static_cast<Sum>(scale.all.negative));
  }
};

/// ap: steps of the positive weight times the precision there, in units of that weight.
struct PrecisionFold {
  using Sum = std::int64_t;
  RankScale scale;

  [[nodiscard]] COPPICE_HOST_DEVICE static Sum nothing() noexcept { return 0; }
  [[nodiscard]] COPPICE_HOST_DEVICE static Sum join(Sum a, Sum b) noexcept { return a + b; }
  [[nodiscard]] COPPICE_HOST_DEVICE Sum of_tie(const RankSums& before, const RankSums& above) const noexcept {
    if (above.positive == before.positive) return 0;
    const double step = scale.positive.value(above.positive - before.positive);
    return scale.positive.count(step * scale.confusion(above).precision());
  }
  [[nodiscard]] double result(Sum sum) const noexcept {
    if (scale.all.positive == 0 || scale.all.negative == 0) return std::numeric_limits<double>::quiet_NaN();
    return scale.positive.value(sum) / scale.positive.value(scale.all.positive);
  }
};

/// The metrics that one tie decides: the best threshold's, or that of the n rows of highest score.
struct BestTieFold {
  using Sum = double;
  RankScale scale;
  Metric metric;
  Costs costs;

  /// When no tie is good enough.
  [[nodiscard]] COPPICE_HOST_DEVICE Sum nothing() const noexcept {
    return metric.kind == Metric::Kind::kMinCost ? -scale.confusion({}).cost(costs) : 0;
  }
  [[nodiscard]] COPPICE_HOST_DEVICE static Sum join(Sum a, Sum b) noexcept { return std::max(a, b); }
  [[nodiscard]] COPPICE_HOST_DEVICE Sum of_tie(const RankSums& before, const RankSums& above) const noexcept {
    if (metric.kind == Metric::Kind::kPrecisionAtCount) return precision_at_count(before, above);
    const Confusion at = scale.confusion(above);
    switch (metric.kind) {
      case Metric::Kind::kMinCost:
        return -at.cost(costs);
      case Metric::Kind::kPrecisionAtRecall:
        return at.recall() >= metric.argument && at.alerts() > 0 ? at.precision() : 0;
      case Metric::Kind::kRecallAtPrecision:
        return at.precision() >= metric.argument ? at.recall() : 0;
      case Metric::Kind::kAmountRecallAtFpr:
        return at.false_positive_rate() <= metric.argument ? at.amount_recall() : 0;
      default:
        return at.false_positive_rate() <= metric.argument ? at.recall() : 0;
    }
  }
  /// Of the tie that the count ends in; 0 of others. Of its rows the missing part is taken in proportion.
  [[nodiscard]] COPPICE_HOST_DEVICE double precision_at_count(const RankSums& before,
                                                              const RankSums& above) const noexcept {
    const double end = std::min(metric.argument, scale.weight(scale.all));
    const double missing = end - scale.weight(before);
    if (!(missing > 0 && end <= scale.weight(above))) return 0;
    const RankSums tie = above - before;
    const double taken = scale.positive.value(tie.positive) * (missing / scale.weight(tie));
    return (scale.positive.value(before.positive) + taken) / end;
  }
  [[nodiscard]] double result(Sum best) const noexcept;
};

// ---------------------------------------------------------------------------------------------------------
// ece: rows in the order of their predictions, in bins of equal weight

inline constexpr unsigned kCalibrationBins = 10;
using CalibrationBins = std::array<double, kCalibrationBins>;

/// Weight of the rows up to the end of a bin.
[[nodiscard]] COPPICE_HOST_DEVICE inline double calibration_bin_end(const RankScale& scale,
                                                                    unsigned bin) noexcept {
  const double all = scale.weight(scale.all);
  return bin + 1 < kCalibrationBins ? all * (bin + 1) / kCalibrationBins : all;
}

/// Sum of weight * (prediction - label) over the first rows that have a weight of `end`, which is within a
/// tie; of its rows a part is taken in proportion. Values are scores.
[[nodiscard]] COPPICE_HOST_DEVICE inline double calibration_gap(const RankScale& scale,
                                                                const RankSums& before, const RankSums& above,
                                                                double end) noexcept {
  const RankSums tie = above - before;
  const double gap_before = scale.value.value(before.value) - scale.positive.value(before.positive);
  const double gap = scale.value.value(tie.value) - scale.positive.value(tie.positive);
  return gap_before + gap * ((end - scale.weight(before)) / scale.weight(tie));
}

/// ece from calibration_gap at the ends of all bins.
[[nodiscard]] double calibration_error(const RankScale& scale, const CalibrationBins& gaps) noexcept;

}  // namespace coppice::detail
