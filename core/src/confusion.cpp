#include <coppice/confusion.h>
#include <coppice/detail/fixed_sum.h>
#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "parse.h"
#include "ranking.h"

namespace coppice {

double Confusion::total() const noexcept { return positive() + true_negative + false_positive; }

double Confusion::f1() const noexcept {
  return 2 * true_positive / (2 * true_positive + false_positive + false_negative);
}

double Confusion::accuracy() const noexcept { return (true_positive + true_negative) / total(); }

double Confusion::error() const noexcept { return (false_positive + false_negative) / total(); }

double Confusion::balanced_accuracy() const noexcept {
  return 0.5 * (recall() + true_negative / (true_negative + false_positive));
}

double Confusion::mcc() const noexcept {
  const double negative = true_negative + false_positive;
  const double passed = true_negative + false_negative;
  if (total() == 0) return std::numeric_limits<double>::quiet_NaN();
  const double scale = std::sqrt(positive() * negative) * std::sqrt(alerts() * passed);
  return scale > 0 ? (true_positive * true_negative - false_positive * false_negative) / scale : 0;
}

namespace {

/// Sums of weights by [called positive][is positive], and of the amounts of positive rows by [called
/// positive].
struct Cells {
  double sums[2][2] = {};
  double amounts[2] = {};
  friend Cells operator+(const Cells& a, const Cells& b) {
    Cells result;
    for (int called = 0; called < 2; ++called) {
      for (int positive = 0; positive < 2; ++positive)
        result.sums[called][positive] = a.sums[called][positive] + b.sums[called][positive];
      result.amounts[called] = a.amounts[called] + b.amounts[called];
    }
    return result;
  }
};

}  // namespace

Confusion confusion(std::span<const float> predictions, const EvaluationColumns& columns, double threshold) {
  const Cells cells = detail::fixed_block_sum(predictions.size(), [&](std::size_t begin, std::size_t end) {
    Cells block;
    for (std::size_t i = begin; i < end; ++i) {
      const int called = predictions[i] >= threshold ? 1 : 0;
      const int positive = is_positive(columns.labels[i]) ? 1 : 0;
      const double weight = columns.weights.empty() ? 1.0F : columns.weights[i];
      block.sums[called][positive] += weight;
      if (positive == 1 && !columns.amounts.empty()) block.amounts[called] += weight * columns.amounts[i];
    }
    return block;
  });
  return {.true_positive = cells.sums[1][1],
          .false_positive = cells.sums[1][0],
          .true_negative = cells.sums[0][0],
          .false_negative = cells.sums[0][1],
          .found_amount = cells.amounts[1],
          .missed_amount = cells.amounts[0]};
}

namespace {

struct NamedRule {
  std::string_view name;  ///< the whole of it, or what stands before the limit
  ThresholdRule::Kind kind;
  double highest_limit = 0;  ///< 0: there is no limit
};

constexpr std::array<NamedRule, 6> kRules = {
    {{"max-f1", ThresholdRule::Kind::kMaxF1},
     {"fpr<=", ThresholdRule::Kind::kMaxFpr, 1},
     {"precision>=", ThresholdRule::Kind::kMinPrecision, 1},
     {"recall>=", ThresholdRule::Kind::kMinRecall, 1},
     {"min-cost", ThresholdRule::Kind::kMinCost},
     {"alerts-per-day<=", ThresholdRule::Kind::kMaxAlerts, std::numeric_limits<double>::max()}}};

/// What a rule looks at beside the confusion of a threshold.
struct RuleContext {
  const Costs& costs;
  double n_days = 0;
};

bool satisfies(const ThresholdRule& rule, const RuleContext& context, const Confusion& confusion) {
  switch (rule.kind) {
    case ThresholdRule::Kind::kMaxAlerts:
      return confusion.alerts() <= rule.limit * context.n_days;
    case ThresholdRule::Kind::kMaxFpr:
      return !(confusion.false_positive_rate() > rule.limit);  // also without any negative row
    case ThresholdRule::Kind::kMinPrecision:
      return confusion.precision() >= rule.limit;
    case ThresholdRule::Kind::kMinRecall:
      return confusion.recall() >= rule.limit;
    default:
      return true;
  }
}

/// What the rule wants most of, among thresholds that satisfy it. Thresholds come in falling order, so a
/// constant asks for the first, which has the fewest alerts.
double merit(const ThresholdRule& rule, const RuleContext& context, const Confusion& confusion) {
  switch (rule.kind) {
    case ThresholdRule::Kind::kMinCost: {
      const Confusion none{.false_negative = confusion.positive(),
                           .missed_amount = confusion.found_amount + confusion.missed_amount};
      return none.cost(context.costs) - confusion.cost(context.costs);
    }
    case ThresholdRule::Kind::kMaxF1:
      return confusion.f1();
    case ThresholdRule::Kind::kMinRecall:
      return 1;
    default:
      return confusion.recall();
  }
}

}  // namespace

std::string ThresholdRule::name() const {
  const NamedRule& rule = *std::ranges::find(kRules, kind, &NamedRule::kind);
  return rule.highest_limit > 0 ? fmt::format("{}{}", rule.name, limit) : std::string(rule.name);
}

ThresholdRule threshold_rule_from_string(std::string_view text) {
  for (const NamedRule& rule : kRules) {
    if (rule.highest_limit == 0) {
      if (text == rule.name) return {rule.kind};
      continue;
    }
    if (!text.starts_with(rule.name)) continue;
    double limit = -1;
    if (parse(text.substr(rule.name.size()), limit) && limit >= 0 && limit <= rule.highest_limit) {
      return {rule.kind, limit};
    }
  }
  throw Error("core.threshold.rule",
              fmt::format("'{}' is no rule for a threshold; there are {}, with x from 0 to 1 and k from 0 on",
                          text, kThresholdRules));
}

std::optional<float> choose_threshold(const ThresholdRule& rule, std::span<const float> predictions,
                                      const EvaluationColumns& columns, const Costs& costs) {
  require_columns(rule, costs, given_columns(columns));
  const RuleContext context{costs, static_cast<double>(count_days(columns.days))};
  std::optional<float> best;
  double best_merit = 0;
  Ranking(predictions, columns).for_each_threshold([&](float score, const Confusion& confusion) {
    if (confusion.true_positive == 0 || !satisfies(rule, context, confusion)) return;
    const double value = merit(rule, context, confusion);
    if (value > best_merit) {
      best = score;
      best_merit = value;
    }
  });
  return best;
}

}  // namespace coppice
