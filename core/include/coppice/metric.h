// Metrics that do not depend on thread count: fixed-shape sums and integer ranks, ties exact.
#pragma once

#include <coppice/confusion.h>
#include <coppice/evaluation_columns.h>
#include <coppice/objective.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

/// The metrics there are. `@t` may be left away and is 0.5 then. `ap` is step-wise average precision, also
/// found by the names `average_precision` and `aucpr` (XGBoost's aucpr interpolates and so differs a little).
/// docs/metrics.md has the formula of each.
inline constexpr std::string_view kMetricNames =
    "auc, ap, recall@fpr=x, precision@recall=x, recall@precision=x, precision@k=n, logloss, brier, ece, "
    "error@t, accuracy@t, balanced_accuracy@t, precision@t, recall@t, f1@t, mcc@t, rmse, mae, r2, "
    "card_precision@k=n, cost@t, min_cost, amount_recall@t, amount_recall@fpr=x";

/// A metric, as its name says.
struct Metric {
  enum class Kind : std::uint8_t {
    kAuc,
    kAveragePrecision,
    kRecallAtFpr,
    kPrecisionAtRecall,
    kRecallAtPrecision,
    kPrecisionAtCount,
    kLogloss,
    kBrier,
    kCalibrationError,
    kError,
    kAccuracy,
    kBalancedAccuracy,
    kPrecision,
    kRecall,
    kF1,
    kMcc,
    kRmse,
    kMae,
    kR2,
    kCardPrecision,
    kCost,
    kMinCost,
    kAmountRecall,
    kAmountRecallAtFpr
  };
  Kind kind = Kind::kLogloss;
  double argument = 0.5;  ///< what the name has after `@` or `=`

  [[nodiscard]] std::string name() const;                ///< `error@0.3`, `recall@fpr=0.01`, `auc`
  [[nodiscard]] bool higher_is_better() const noexcept;  ///< losses, errors, costs, ece: no; the others: yes
  [[nodiscard]] bool has_threshold() const noexcept;     ///< the `@t` metrics
  bool operator==(const Metric&) const = default;
};

/// Errors: core.metric.unknown names the nearest known metric, or what is wrong with the argument: a
/// threshold is finite for `error` and from 0 to 1 for the others, x is from 0 to 1, n a whole number from 1.
[[nodiscard]] Metric metric_from_string(std::string_view name);

/// The metric that an objective is judged by when none is named: logloss, rmse.
[[nodiscard]] Metric default_metric(Objective objective) noexcept;

/// The `cost` and `amount_recall` metrics look at amounts, card_precision at groups and days.
/// Errors: core.metric.column when a metric looks at columns that are not given (costs: unless the price of a
/// miss is fixed), core.metric.cost when neither false positives nor reviews cost anything, so that calling
/// everything positive would be free.
void require_columns(const Metric& metric, const Costs& costs, const GivenColumns& given);

/// Value of a metric. A row is positive when its label is above 0.5; sums and shares are of weights.
/// Shapes : margins [n], n < 2^32: raw scores, never NaN.
/// Ranks  : tied margins are one threshold, in or out together.
///          auc: share of (positive, negative) pairs in the right order, ties count half.
///          ap: sum over thresholds, falling, of precision times the step in recall.
///          recall@fpr=x: greatest recall of a threshold whose false positive rate is at most x.
///          precision@recall=x: greatest precision of one whose recall is at least x.
///          recall@precision=x: greatest recall of one whose precision is at least x. Each is 0 when no
///          threshold is so good; nothing is interpolated. All of these are NaN when a class is absent.
///          precision@k=n: precision of the rows of highest margin whose weights sum to n (all rows when
///          there are fewer). Of the ties at the border the missing part is taken in proportion, which is the
///          mean over all orders of the tied rows.
///          min_cost: least cost@t of a threshold, or of calling nothing positive; NaN without weight only.
///          amount_recall@fpr=x: greatest share of the positive rows' amounts of a threshold whose false
///          positive rate is at most x; NaN when a class is absent or these amounts sum to 0.
/// Cards  : card_precision@k=n, the Card Precision top-k of the Fraud Detection Handbook (Le Borgne et al.,
///          chapter 4). Day by day, oldest first: the cards (groups) of the day by their highest margin, the
///          first n of them investigated; their share that has a positive row that day, of n. A card found
///          positive is left out of later days. The mean over the days that have rows. Cards of equal
///          margins stand in the order of their numbers. A card weighs as the heaviest of its rows of the day
///          (rows of no weight do not exist); the last investigated card counts in part where weights
///          overshoot n.
/// @t     : of confusion() at t, as its members say; cost is per unit of weight.
/// Losses : of predictions: logloss (clipped at 1e-16 from the margin side, never infinite), brier and rmse
///          (mean squared difference, and its root), mae, r2 (1 - squared error / variance of the labels;
///          NaN when they are all the same).
///          ece: rows in order of prediction are cut into 10 bins of equal weight, a group of tied
///          predictions in proportion; the mean over bins of |mean prediction - share of positive rows|.
/// NaN    : also when no row has weight.
/// Order  : the value is the same bits for any thread count and machine. Metrics that rank rows, and ece, are
///          made of sums of whole numbers, so the order of rows changes no bit of them. The others sum in
///          blocks of 1,024 rows, then pairwise; the order of rows changes no bit of the @t metrics and of
///          card_precision where weights are absent or whole numbers that sum to 2^26 at most; elsewhere only
///          rounding.
/// Errors : those of require_columns.
/// Cost   : O(n); ranks sort n 64-bit words by their upper half, in 16 n bytes of memory.
[[nodiscard]] double evaluate(const Metric& metric, Objective objective, std::span<const float> margins,
                              const EvaluationColumns& columns, const Costs& costs = {});

/// The same for several metrics, rows ranked and margins turned into predictions only once.
[[nodiscard]] std::vector<double> evaluate(std::span<const Metric> metrics, Objective objective,
                                           std::span<const float> margins, const EvaluationColumns& columns,
                                           const Costs& costs = {});

}  // namespace coppice
