// What metrics are called, what their arguments may be, and which way is up.
#include <coppice/error.h>
#include <coppice/metric.h>
#include <coppice/nearest_name.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "parse.h"

namespace coppice {
namespace {

/// What may follow a name.
enum class Argument : std::uint8_t {
  kNone,
  kThreshold,    ///< after `@`, or 0.5
  kProbability,  ///< a threshold from 0 to 1
  kShare,        ///< after `=`
  kCount,        ///< after `=`
};

constexpr double kDefaultThreshold = 0.5;

struct NamedMetric {
  std::string_view name;  ///< with the `=` that its argument follows
  Metric::Kind kind;
  bool higher_is_better;
  Argument argument = Argument::kNone;
};

using Kind = Metric::Kind;

/// The first name of a kind is its own, the others are aliases.
constexpr std::array<NamedMetric, 26> kMetrics = {{
    {"auc", Kind::kAuc, true},
    {"ap", Kind::kAveragePrecision, true},
    {"average_precision", Kind::kAveragePrecision, true},
    {"aucpr", Kind::kAveragePrecision, true},
    {"recall@fpr=", Kind::kRecallAtFpr, true, Argument::kShare},
    {"precision@recall=", Kind::kPrecisionAtRecall, true, Argument::kShare},
    {"recall@precision=", Kind::kRecallAtPrecision, true, Argument::kShare},
    {"precision@k=", Kind::kPrecisionAtCount, true, Argument::kCount},
    {"logloss", Kind::kLogloss, false},
    {"brier", Kind::kBrier, false},
    {"ece", Kind::kCalibrationError, false},
    {"error", Kind::kError, false, Argument::kThreshold},
    {"accuracy", Kind::kAccuracy, true, Argument::kProbability},
    {"balanced_accuracy", Kind::kBalancedAccuracy, true, Argument::kProbability},
    {"precision", Kind::kPrecision, true, Argument::kProbability},
    {"recall", Kind::kRecall, true, Argument::kProbability},
    {"f1", Kind::kF1, true, Argument::kProbability},
    {"mcc", Kind::kMcc, true, Argument::kProbability},
    {"rmse", Kind::kRmse, false},
    {"mae", Kind::kMae, false},
    {"r2", Kind::kR2, true},
    {"card_precision@k=", Kind::kCardPrecision, true, Argument::kCount},
    {"cost", Kind::kCost, false, Argument::kProbability},
    {"min_cost", Kind::kMinCost, false},
    {"amount_recall", Kind::kAmountRecall, true, Argument::kProbability},
    {"amount_recall@fpr=", Kind::kAmountRecallAtFpr, true, Argument::kShare},
}};

const NamedMetric& named(Kind kind) { return *std::ranges::find(kMetrics, kind, &NamedMetric::kind); }

bool is_threshold(Argument argument) {
  return argument == Argument::kThreshold || argument == Argument::kProbability;
}

/// A metric's name as typed, in the table's words and what follows them.
struct Parts {
  std::string name;              ///< with a final `=`, or before the `@`
  std::string_view argument;     ///< after it
  std::string_view separator{};  ///< `@`, where one stands between the two
};

Parts split(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals != std::string_view::npos) {
    return {std::string(text.substr(0, equals + 1)), text.substr(equals + 1)};
  }
  const std::string with_equals = std::string(text) + "=";  // `recall@fpr`, the number forgotten
  if (std::ranges::find(kMetrics, with_equals, &NamedMetric::name) != kMetrics.end())
    return {with_equals, ""};
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, at)), text.substr(at + 1), text.substr(at, 1)};
}

bool is_allowed(Argument argument, double value) {
  switch (argument) {
    case Argument::kThreshold:
      return std::isfinite(value);
    case Argument::kCount:
      return value >= 1 && value < 0x1p32 && value == std::floor(value);
    default:
      return value >= 0 && value <= 1;
  }
}

std::string argument_advice(const NamedMetric& metric) {
  switch (metric.argument) {
    case Argument::kThreshold:
      return fmt::format("a threshold; write, for instance, {}@0.3", metric.name);
    case Argument::kProbability:
      return fmt::format("a threshold from 0 to 1; write, for instance, {}@0.3{}", metric.name,
                         metric.kind == Kind::kPrecision ? ", or precision@k=100 for the 100 best rows" : "");
    case Argument::kCount:
      return fmt::format("a whole number from 1; write, for instance, {}100", metric.name);
    default:
      return fmt::format("a number from 0 to 1; write, for instance, {}0.1", metric.name);
  }
}

double parse_argument(const NamedMetric& metric, std::string_view typed, std::string_view text) {
  double value = 0;
  if (!parse(text, value) || !is_allowed(metric.argument, value)) {
    throw Error("core.metric.unknown",
                fmt::format("metric '{}': '{}' is not {}", typed, text, argument_advice(metric)));
  }
  return value;
}

[[noreturn]] void refuse_unknown(std::string_view typed, const Parts& parts) {
  std::vector<std::string> names;
  names.reserve(kMetrics.size());
  for (const NamedMetric& metric : kMetrics) names.emplace_back(metric.name);
  const std::string nearest = nearest_name(parts.name, names);
  if (nearest.empty()) {
    throw Error("core.metric.unknown", fmt::format("unknown metric '{}'; there are {}", typed, kMetricNames));
  }
  const bool takes_argument =
      std::ranges::find(kMetrics, nearest, &NamedMetric::name)->argument != Argument::kNone;
  throw Error("core.metric.unknown",
              fmt::format("unknown metric '{}'; did you mean {}{}{}?", typed, nearest,
                          takes_argument ? parts.separator : "", takes_argument ? parts.argument : ""));
}

}  // namespace

std::string Metric::name() const {
  const NamedMetric& metric = named(kind);
  if (metric.argument == Argument::kNone) return std::string(metric.name);
  if (!is_threshold(metric.argument)) return fmt::format("{}{}", metric.name, argument);
  if (argument == kDefaultThreshold) return std::string(metric.name);
  return fmt::format("{}@{}", metric.name, argument);
}

bool Metric::higher_is_better() const noexcept { return named(kind).higher_is_better; }

bool Metric::has_threshold() const noexcept { return is_threshold(named(kind).argument); }

Metric metric_from_string(std::string_view name) {
  const Parts parts = split(name);
  const auto metric = std::ranges::find(kMetrics, parts.name, &NamedMetric::name);
  const bool has_argument = !parts.separator.empty() || parts.name.ends_with('=');
  if (metric == kMetrics.end() || (has_argument && metric->argument == Argument::kNone)) {
    refuse_unknown(name, parts);
  }
  if (!has_argument) return {.kind = metric->kind};
  return {metric->kind, parse_argument(*metric, name, parts.argument)};
}

Metric default_metric(Objective objective) noexcept {
  return {.kind = objective == Objective::kBinaryLogistic ? Metric::Kind::kLogloss : Metric::Kind::kRmse};
}

}  // namespace coppice
