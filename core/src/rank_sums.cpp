#include <coppice/detail/rank_sums.h>

#include <algorithm>
#include <cstddef>
#include <span>

namespace coppice::detail {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Unit unit_of_sum(double sum) { return {sum_exponent(sum)}; }

/// A unit for n terms that are not larger: so coarse that their sum is known only well enough to choose one.
Unit coarse_unit(std::size_t n, double largest) { return unit_of_sum(static_cast<double>(n) * largest); }
/// The unit for n terms of which coarse_unit has counted so many: each may have been rounded down.
Unit fine_unit(std::size_t n, Unit coarse, std::int64_t count) {
  return unit_of_sum(coarse.value(count + static_cast<std::int64_t>(n)));
}

/// Of rows of weight 1.
RankScale scale_of_counts(std::span<const float> labels) {
  const std::int64_t n_positive = std::ranges::count_if(labels, is_positive);
  const std::int64_t n_negative = static_cast<std::int64_t>(labels.size()) - n_positive;
  RankScale scale;
  scale.positive = unit_of_sum(static_cast<double>(n_positive));
  scale.negative = unit_of_sum(static_cast<double>(n_negative));
  scale.all = {n_positive * scale.positive.count(1), n_negative * scale.negative.count(1), 0};
  return scale;
}

RankSums sum_weights_by_class(const RankScale& scale, std::span<const float> labels,
                              std::span<const float> weights) {
  RankSums all;
  for (std::size_t row = 0; row < labels.size(); ++row)
    all += scale.term(weights[row], is_positive(labels[row]));
  return all;
}

RankScale scale_of_weights(std::span<const float> labels, std::span<const float> weights) {
  const std::size_t n = labels.size();
  float largest[2] = {};  // by class
  for (std::size_t row = 0; row < n; ++row) {
    float& of_class = largest[is_positive(labels[row]) ? 1 : 0];
    of_class = std::max(of_class, weights[row]);
  }
  const RankScale coarse{coarse_unit(n, largest[1]), coarse_unit(n, largest[0]), {}, {}};
  const RankSums about = sum_weights_by_class(coarse, labels, weights);
  RankScale scale;
  scale.positive = fine_unit(n, coarse.positive, about.positive);
  scale.negative = fine_unit(n, coarse.negative, about.negative);
  scale.all = sum_weights_by_class(scale, labels, weights);
  return scale;
}

/// The unit of n terms >= 0 and their sum, for any order of them.
template <class Term>
void sum_terms(std::size_t n, const Term& term, Unit& unit, std::int64_t& sum) {
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, term(i));
  const Unit coarse = coarse_unit(n, largest);
  std::int64_t about = 0;
  for (std::size_t i = 0; i < n; ++i) about += coarse.count(term(i));
  unit = fine_unit(n, coarse, about);
  for (std::size_t i = 0; i < n; ++i) sum += unit.count(term(i));
}

}  // namespace

RankScale rank_scale(const EvaluationColumns& columns) {
  const std::span<const float> labels = columns.labels, weights = columns.weights;
  RankScale scale = weights.empty() ? scale_of_counts(labels) : scale_of_weights(labels, weights);
  if (columns.amounts.empty()) return scale;
  const auto amount = [&](std::size_t row) {
    const double weight = weights.empty() ? 1.0F : weights[row];
    return is_positive(labels[row]) ? weight * columns.amounts[row] : 0;
  };
  sum_terms(labels.size(), amount, scale.value, scale.all.value);
  return scale;
}

double BestTieFold::result(Sum best) const noexcept {
  const double weight = scale.weight(scale.all);
  switch (metric.kind) {
    case Metric::Kind::kMinCost:
      return weight > 0 ? -best / weight : kNaN;
    case Metric::Kind::kPrecisionAtCount:
      return weight > 0 ? best : kNaN;
    case Metric::Kind::kAmountRecallAtFpr:
      if (scale.all.value == 0) return kNaN;
      [[fallthrough]];
    default:
      return scale.all.positive > 0 && scale.all.negative > 0 ? best : kNaN;
  }
}

double calibration_error(const RankScale& scale, const CalibrationBins& gaps) noexcept {
  const double all = scale.weight(scale.all);
  if (!(all > 0)) return kNaN;
  double sum = 0, begin = 0;
  for (const double end : gaps) {
    sum += std::abs(end - begin);
    begin = end;
  }
  return sum / all;
}

}  // namespace coppice::detail
