// What metrics and rules cannot do without.
#include <coppice/confusion.h>
#include <coppice/error.h>
#include <coppice/metric.h>
#include <fmt/format.h>

#include <string>
#include <string_view>

namespace coppice {
namespace {

void require_column(bool is_given, const std::string& name, std::string_view what, std::string_view how) {
  if (is_given) return;
  throw Error("core.metric.column", fmt::format("{} needs {}: {}", name, what, how));
}

void require_amounts(bool is_given, const std::string& name) {
  require_column(is_given, name, "the amount of each row", "--amount-column, or SideColumns::amounts");
}

void require_groups(bool is_given, const std::string& name) {
  require_column(is_given, name, "the card or customer of each row",
                 "--group-column, or SideColumns::groups");
}

void require_days(bool is_given, const std::string& name) {
  require_column(is_given, name, "the day of each row", "--time-column, or SideColumns::days");
}

void require_costs(const Costs& costs, bool has_amounts, const std::string& name) {
  if (costs.false_positive == 0 && costs.review == 0) {
    throw Error("core.metric.cost",
                fmt::format("{} needs what an alert costs: cost_fp (of a false alarm) or cost_review (of any "
                            "alert); without, calling every row positive would be free",
                            name));
  }
  require_column(costs.false_negative || has_amounts, name, "what a missed positive row costs",
                 "cost_fn, or its amount by --amount-column or SideColumns::amounts");
}

}  // namespace

void require_columns(const Metric& metric, const Costs& costs, const GivenColumns& given) {
  switch (metric.kind) {
    case Metric::Kind::kCardPrecision:
      require_groups(given.groups, metric.name());
      return require_days(given.days, metric.name());
    case Metric::Kind::kCost:
    case Metric::Kind::kMinCost:
      return require_costs(costs, given.amounts, metric.name());
    case Metric::Kind::kAmountRecall:
    case Metric::Kind::kAmountRecallAtFpr:
      return require_amounts(given.amounts, metric.name());
    default:
      return;
  }
}

void require_columns(const ThresholdRule& rule, const Costs& costs, const GivenColumns& given) {
  if (rule.kind == ThresholdRule::Kind::kMinCost) require_costs(costs, given.amounts, rule.name());
  if (rule.kind == ThresholdRule::Kind::kMaxAlerts) require_days(given.days, rule.name());
}

}  // namespace coppice
