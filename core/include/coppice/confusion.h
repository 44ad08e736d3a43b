// What happens at a threshold, and which threshold to take.
#pragma once

#include <coppice/evaluation_columns.h>

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace coppice {

/// Counts at a threshold, as a confusion matrix prints them; a row is called positive when its
/// prediction is >= threshold. Weighted when weights are given.
struct Confusion {
  double true_positive = 0, false_positive = 0, true_negative = 0, false_negative = 0;
  double found_amount = 0, missed_amount = 0;  ///< of the positive rows; 0 without amounts
  [[nodiscard]] constexpr double positive() const noexcept { return true_positive + false_negative; }
  [[nodiscard]] double total() const noexcept;
  /// What is called positive.
  [[nodiscard]] constexpr double alerts() const noexcept { return true_positive + false_positive; }
  /// NaN when nothing is called positive.
  [[nodiscard]] constexpr double precision() const noexcept { return true_positive / alerts(); }
  /// NaN when nothing is positive.
  [[nodiscard]] constexpr double recall() const noexcept { return true_positive / positive(); }
  /// NaN when nothing is negative.
  [[nodiscard]] constexpr double false_positive_rate() const noexcept {
    return false_positive / (false_positive + true_negative);
  }
  [[nodiscard]] double f1() const noexcept;  ///< NaN when nothing is, nor is called, positive
  [[nodiscard]] double accuracy() const noexcept;
  [[nodiscard]] double error() const noexcept;  ///< share that is called wrongly
  /// Mean recall of the two classes; NaN when one is absent.
  [[nodiscard]] double balanced_accuracy() const noexcept;
  /// Matthews correlation coefficient; 0 when labels or calls are all the same, NaN without rows.
  [[nodiscard]] double mcc() const noexcept;
  /// Share of the amounts of positive rows that is found; NaN when there is none.
  [[nodiscard]] constexpr double amount_recall() const noexcept {
    return found_amount / (found_amount + missed_amount);
  }
  /// Of all rows together: the review of alerts, false alarms, and what is missed.
  [[nodiscard]] constexpr double cost(const Costs& costs) const noexcept {
    const double missed = costs.false_negative ? *costs.false_negative * false_negative : missed_amount;
    return costs.review * alerts() + costs.false_positive * false_positive + missed;
  }
};
[[nodiscard]] Confusion confusion(std::span<const float> predictions, const EvaluationColumns& columns,
                                  double threshold);

/// How a threshold is chosen.
struct ThresholdRule {
  enum class Kind {
    kMaxF1,         ///< the greatest F1
    kMaxFpr,        ///< the greatest recall of those with false positive rate <= limit
    kMinPrecision,  ///< the greatest recall of those with precision >= limit
    kMinRecall,     ///< the fewest alerts of those with recall >= limit
    kMinCost,       ///< the least cost, when it is below that of calling nothing positive
    kMaxAlerts,     ///< the greatest recall of those with at most limit alerts a day on average
  };
  Kind kind = Kind::kMaxF1;
  double limit = 0;

  [[nodiscard]] std::string name() const;  ///< `fpr<=0.01`
  bool operator==(const ThresholdRule&) const = default;
};

inline constexpr std::string_view kThresholdRules =
    "max-f1, fpr<=x, precision>=x, recall>=x, min-cost, alerts-per-day<=k";

/// Errors: core.threshold.rule when it is none of kThresholdRules, with x from 0 to 1 and k from 0 on.
[[nodiscard]] ThresholdRule threshold_rule_from_string(std::string_view text);

/// Errors: core.metric.column, core.metric.cost when the rule looks at days or costs and there are none.
void require_columns(const ThresholdRule& rule, const Costs& costs, const GivenColumns& given);

/// The best threshold by a rule, out of the distinct predictions: of equals the highest, which has the
/// fewest alerts. Only thresholds that find some positive row count. nullopt when none satisfies the rule.
/// Shapes : predictions [n], n < 2^32. Predictions are never NaN.
/// Errors : those of require_columns.
/// Cost   : as of a metric that ranks.
[[nodiscard]] std::optional<float> choose_threshold(const ThresholdRule& rule,
                                                    std::span<const float> predictions,
                                                    const EvaluationColumns& columns,
                                                    const Costs& costs = {});

}  // namespace coppice
