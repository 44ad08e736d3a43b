// Metrics that do not depend on thread count: fixed-shape sums and integer ranks, ties exact.
#pragma once

#include <coppice/objective.h>

#include <span>
#include <string>
#include <string_view>

namespace coppice {

/// The metrics there are. `error@t` counts a row as positive from prediction t on (0.5 when not given); `ap`
/// is step-wise average precision, also found by the names `average_precision` and `aucpr` (XGBoost's aucpr
/// interpolates and so differs a little).
inline constexpr std::string_view kMetricNames = "logloss, error, error@t, auc, ap, rmse, mae";

/// A metric, as its name says.
struct Metric {
  enum class Kind { kLogloss, kError, kAuc, kAveragePrecision, kRmse, kMae };
  Kind kind = Kind::kLogloss;
  double threshold = 0.5;  ///< of `error`

  [[nodiscard]] std::string name() const;                ///< `error@0.3`
  [[nodiscard]] bool higher_is_better() const noexcept;  ///< auc, ap: yes; the others: no
  bool operator==(const Metric&) const = default;
};

/// Errors: core.metric.unknown names the nearest known metric, or what is wrong with the threshold.
[[nodiscard]] Metric metric_from_string(std::string_view name);

/// The metric that an objective is judged by when none is named: logloss, rmse.
[[nodiscard]] Metric default_metric(Objective objective) noexcept;

/// Value of a metric.
/// Shapes : margins, labels [n]; weights [n], not negative, or empty (all 1). n < 2^32. Margins are raw
///          scores, never NaN. auc, ap and error take a row as positive when its label is above 0.5.
/// Gives  : auc is the weighted share of (positive, negative) pairs in the right order, ties count half;
///          ap is sum over distinct scores, falling, of precision times the step in recall; both NaN when a
///          class is absent. error, rmse and mae judge predictions, not margins. logloss clips predictions at
///          1e-16 from the margin side (never infinite). NaN when no row has weight.
/// Order  : the value is the same bits for any thread count and machine: auc and ap sort the margins' bit
///          patterns (row order within ties) and sum in rank order, auc in exact integers up to 2^26 rows
///          without weights; the others sum in blocks of 1,024 rows, then pairwise.
/// Cost   : O(n); auc and ap sort n 64-bit words by their upper half, in 16 n bytes of memory.
[[nodiscard]] double evaluate(const Metric& metric, Objective objective, std::span<const float> margins,
                              std::span<const float> labels, std::span<const float> weights);

/// Counts at a threshold, as a confusion matrix prints them; a row is called positive when its
/// prediction is >= threshold. Weighted when weights are given.
struct Confusion {
  double true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;
  [[nodiscard]] double precision() const noexcept;  ///< NaN when nothing is called positive
  [[nodiscard]] double recall() const noexcept;     ///< NaN when nothing is positive
  [[nodiscard]] double f1() const noexcept;
  [[nodiscard]] double accuracy() const noexcept;
};
[[nodiscard]] Confusion confusion(std::span<const float> predictions, std::span<const float> labels,
                                  std::span<const float> weights, double threshold);

}  // namespace coppice
