#include <coppice/confusion.h>
#include <coppice/detail/fixed_sum.h>
#include <coppice/error.h>
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include "parse.h"
#include "ranking.h"

namespace coppice {

double Confusion::positive() const noexcept { return true_positive + false_negative; }

double Confusion::total() const noexcept { return positive() + true_negative + false_positive; }

double Confusion::alerts() const noexcept { return true_positive + false_positive; }

double Confusion::precision() const noexcept { return true_positive / alerts(); }

double Confusion::recall() const noexcept { return true_positive / positive(); }

double Confusion::false_positive_rate() const noexcept {
  return false_positive / (false_positive + true_negative);
}

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

/// Sums of weights by [called positive][is positive].
struct Cells {
  double sums[2][2] = {};
  friend Cells operator+(const Cells& a, const Cells& b) {
    Cells result;
    for (int called = 0; called < 2; ++called)
      for (int positive = 0; positive < 2; ++positive)
        result.sums[called][positive] = a.sums[called][positive] + b.sums[called][positive];
    return result;
  }
};

}  // namespace

Confusion confusion(std::span<const float> predictions, std::span<const float> labels,
                    std::span<const float> weights, double threshold) {
  const Cells cells = detail::fixed_block_sum(predictions.size(), [&](std::size_t begin, std::size_t end) {
    Cells block;
    for (std::size_t i = begin; i < end; ++i)
      block.sums[predictions[i] >= threshold ? 1 : 0][is_positive(labels[i]) ? 1 : 0] +=
          weights.empty() ? 1.0F : weights[i];
    return block;
  });
  return {.true_positive = cells.sums[1][1],
          .false_positive = cells.sums[1][0],
          .true_negative = cells.sums[0][0],
          .false_negative = cells.sums[0][1]};
}

namespace {

struct NamedRule {
  std::string_view name;  ///< what stands before the limit
  ThresholdRule::Kind kind;
};

constexpr std::array<NamedRule, 3> kLimitRules = {{{"fpr<=", ThresholdRule::Kind::kMaxFpr},
                                                   {"precision>=", ThresholdRule::Kind::kMinPrecision},
                                                   {"recall>=", ThresholdRule::Kind::kMinRecall}}};
constexpr std::string_view kMaxF1 = "max-f1";

bool satisfies(const ThresholdRule& rule, const Confusion& confusion) {
  switch (rule.kind) {
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
double merit(const ThresholdRule& rule, const Confusion& confusion) {
  switch (rule.kind) {
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
  for (const NamedRule& rule : kLimitRules) {
    if (rule.kind == kind) return fmt::format("{}{}", rule.name, limit);
  }
  return std::string(kMaxF1);
}

ThresholdRule threshold_rule_from_string(std::string_view text) {
  if (text == kMaxF1) return {ThresholdRule::Kind::kMaxF1};
  for (const NamedRule& rule : kLimitRules) {
    if (!text.starts_with(rule.name)) continue;
    double limit = -1;
    if (parse(text.substr(rule.name.size()), limit) && limit >= 0 && limit <= 1) return {rule.kind, limit};
  }
  throw Error("core.threshold.rule",
              fmt::format("'{}' is no rule for a threshold; there are {}, with x from 0 to 1", text,
                          kThresholdRules));
}

std::optional<float> choose_threshold(const ThresholdRule& rule, std::span<const float> predictions,
                                      std::span<const float> labels, std::span<const float> weights) {
  std::optional<float> best;
  double best_merit = 0;
  Ranking(predictions, labels, weights).for_each_threshold([&](float score, const Confusion& confusion) {
    if (confusion.true_positive == 0 || !satisfies(rule, confusion)) return;
    const double value = merit(rule, confusion);
    if (value > best_merit) {
      best = score;
      best_merit = value;
    }
  });
  return best;
}

}  // namespace coppice
