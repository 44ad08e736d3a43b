#include "column_summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace coppice::cli {
namespace {

constexpr std::size_t kMaxListedValues = 20;

/// Value at a share of the way through sorted numbers, between the two neighbours.
double quantile(std::span<const float> sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double a = sorted[below];
  return a + (place - static_cast<double>(below)) * (sorted[above] - a);
}

NumericSummary summarize_numbers(std::span<const float> sorted) {
  constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
  if (sorted.empty()) return {kNone, kNone, kNone, kNone, kNone, kNone, kNone};
  const auto n = static_cast<double>(sorted.size());
  double sum = 0;
  for (const float x : sorted) sum += x;
  NumericSummary summary;
  summary.mean = sum / n;
  double squares = 0;
  for (const float x : sorted) squares += (x - summary.mean) * (x - summary.mean);
  summary.deviation = sorted.size() > 1 ? std::sqrt(squares / (n - 1)) : kNone;
  summary.min = sorted.front();
  summary.lower_quartile = quantile(sorted, 0.25);
  summary.median = quantile(sorted, 0.5);
  summary.upper_quartile = quantile(sorted, 0.75);
  summary.max = sorted.back();
  return summary;
}

void summarize_numeric(std::span<const float> column, ColumnSummary& summary) {
  std::vector<float> sorted;
  sorted.reserve(column.size());
  std::ranges::copy_if(column, std::back_inserter(sorted), [](float x) { return !std::isnan(x); });
  std::ranges::sort(sorted);
  summary.count = sorted.size();
  summary.numbers = summarize_numbers(sorted);
  for (auto run = sorted.begin(); run != sorted.end(); ++summary.distinct) {
    const auto next = std::upper_bound(run, sorted.end(), *run);
    if (summary.distinct < kMaxListedValues) {
      summary.values.push_back({fmt::to_string(*run), static_cast<std::uint64_t>(next - run)});
    }
    run = next;
  }
  if (summary.distinct > kMaxListedValues) summary.values.clear();
}

void summarize_categorical(const Feature& feature, std::span<const float> column, ColumnSummary& summary) {
  const std::size_t other = feature.categories.size();
  std::vector<std::uint64_t> rows(other + 1, 0);
  for (const float code : column) {
    if (!std::isnan(code)) ++rows[static_cast<std::size_t>(code)];
  }
  for (std::size_t code = 0; code < other; ++code) {
    summary.values.push_back({feature.categories[code], rows[code]});
  }
  if (rows[other] > 0) summary.values.push_back({"(other)", rows[other]});
  for (const std::uint64_t n : rows) summary.count += n;
  summary.distinct = other;
}

}  // namespace

ColumnSummary summarize(const Feature& feature, std::span<const float> column) {
  ColumnSummary summary;
  summary.name = feature.name;
  summary.kind = feature.kind;
  if (feature.kind == FeatureKind::kNumeric) {
    summarize_numeric(column, summary);
  } else {
    summarize_categorical(feature, column, summary);
  }
  summary.missing = column.size() - summary.count;
  return summary;
}

}  // namespace coppice::cli
