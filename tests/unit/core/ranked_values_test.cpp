// Ranks and quantiles against their plain definition: sort everything, then look.
#include <coppice/cuts.h>
#include <coppice/detail/ranked_values.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "reference/random_problem.h"

namespace coppice {
namespace {

using detail::RankedValues;
using reference::Random;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr float kMaximum = std::numeric_limits<float>::max();
constexpr float kSmallest = std::numeric_limits<float>::denorm_min();

struct Kind {
  std::string name;
  std::function<float(Random&)> draw;
};

/// Distributions that scale, buckets and ties could stumble over.
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"normal", [](Random& r) { return static_cast<float>(r.normal()); }},
      {"uniform far from zero", [](Random& r) { return static_cast<float>(r.uniform(1e6, 1e6 + 1000)); }},
      {"log-normal", [](Random& r) { return static_cast<float>(std::exp(r.normal())); }},
      {"over many magnitudes", [](Random& r) { return static_cast<float>(std::exp(12 * r.normal())); }},
      {"Cauchy", [](Random& r) { return static_cast<float>(std::tan(3.14159 * (r.uniform() - 0.5))); }},
      {"one value and few others",
       [](Random& r) { return r.chance(0.99) ? 7.0F : static_cast<float>(r.normal()); }},
      {"zeros of both signs and a few numbers",
       [](Random& r) {
         return r.chance(0.7) ? r.one_of({-0.0F, 0.0F}) : static_cast<float>(r.normal());
       }},
      {"heavy ties", [](Random& r) { return static_cast<float>(r.below(300) * r.below(3)); }},
      {"denormal", [](Random& r) { return static_cast<float>(r.below(100'000) - 50'000) * kSmallest; }},
      {"neighbouring floats",
       [](Random& r) {
         return 1 + static_cast<float>(r.below(5000)) * std::numeric_limits<float>::epsilon();
       }},
      {"the whole range",
       [](Random& r) {
         return r.chance(0.1) ? r.one_of({-kMaximum, kMaximum}) : 1e38F * static_cast<float>(r.normal() / 3);
       }},
      {"two far clusters",
       [](Random& r) { return (r.chance(0.5) ? 1e9F : -1.0F) * static_cast<float>(r.uniform()); }},
      {"outliers",
       [](Random& r) { return static_cast<float>(r.chance(0.01) ? 1e20 * r.normal() : r.normal()); }},
      {"one value", [](Random& /*r*/) { return -3.5F; }},
  };
  return all;
}

/// Half of the columns have NaN.
std::vector<float> draw_column(const Kind& kind, std::size_t n, Random& random) {
  const double missing = random.one_of({0.0, 0.0, 0.2, 0.9});
  std::vector<float> column(n);
  for (float& value : column) value = random.chance(missing) ? kMissing : kind.draw(random);
  return column;
}

/// From 1 to 70,000, small ones as often as large ones.
std::size_t draw_size(Random& random) {
  return static_cast<std::size_t>(std::exp(random.uniform(0, std::log(70'001))));
}

/// About one row in three, ascending, at least one; or all.
std::vector<std::uint32_t> draw_rows(std::size_t n, Random& random) {
  std::vector<std::uint32_t> rows(n);
  std::iota(rows.begin(), rows.end(), 0U);
  if (random.chance(0.5))
    std::erase_if(rows, [&](std::uint32_t row) { return row > 0 && random.chance(0.67); });
  return rows;
}

std::vector<float> sorted_values(const std::vector<float>& column, const std::vector<std::uint32_t>& rows) {
  std::vector<float> values;
  for (const std::uint32_t row : rows)
    if (!std::isnan(column[row])) values.push_back(column[row]);
  std::sort(values.begin(), values.end());
  return values;
}

TEST(RankedValues, AgreeWithASort) {
  Random random(5);
  RankedValues ranked;  // one for all: nothing of a column may be left in the next
  for (int i = 0; i < 200; ++i) {
    const Kind& kind = kinds()[i % kinds().size()];
    SCOPED_TRACE(kind.name);
    const std::vector<float> column = draw_column(kind, draw_size(random), random);
    const std::vector<std::uint32_t> rows = draw_rows(column.size(), random);
    const std::vector<float> expected = sorted_values(column, rows);
    ranked.assign(column, rows);
    ASSERT_EQ(ranked.size(), expected.size());
    for (int question = 0; question < 200 && !expected.empty(); ++question) {
      const std::size_t rank = random.bits() % expected.size();
      ASSERT_EQ(ranked.at(rank), expected[rank]);
      const auto [first, last] = std::equal_range(expected.begin(), expected.end(), expected[rank]);
      const detail::Run run = ranked.run_of(rank);
      ASSERT_EQ(run.begin, first - expected.begin());
      ASSERT_EQ(run.end, last - expected.begin());
    }
  }
}

TEST(RankedValues, OfNothing) {
  RankedValues ranked;
  ranked.assign(std::vector<float>{1, 2}, std::vector<std::uint32_t>{0, 1});
  ranked.assign(std::vector<float>{kMissing, 3}, std::vector<std::uint32_t>{0});
  EXPECT_EQ(ranked.size(), 0U);
}

float cut_between(float below, float above) {
  const float middle = below + (above - below) * 0.5F;
  return middle > below && middle <= above ? middle : above;
}

/// Stretches as docs and header define them: runs of equal values are taken into a stretch one by one, until
/// it has its fair share of what is left, and the last one only if that brings the stretch nearer to it.
/// `values` is part of a column, ascending; next_value is what follows it there, NaN if nothing.
void append_plain_stretches(std::span<const float> values, float next_value, int n_bins,
                            std::vector<float>& cuts) {
  std::vector<float> distinct(values.begin(), values.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  std::vector<double> counts;
  for (const float value : distinct) {
    const auto [first, last] = std::equal_range(values.begin(), values.end(), value);
    counts.push_back(static_cast<double>(last - first));
  }
  distinct.push_back(next_value);
  auto remaining = static_cast<double>(values.size());
  std::size_t next = 0;
  for (int bins_left = n_bins; bins_left > 0 && next < counts.size(); --bins_left) {
    const double share = remaining / bins_left;
    double taken = counts[next++];
    while (next < counts.size() && taken < share && std::fabs(taken + counts[next] - share) <= share - taken)
      taken += counts[next++];
    if (std::isnan(distinct[next])) break;
    cuts.push_back(cut_between(distinct[next - 1], distinct[next]));
    remaining -= taken;
  }
}

/// A tail that find_tails finds.
struct PlainTail {
  std::size_t n_values = 0;
  int n_bins = 0;
};

/// Of the low end. `values` ascending; those of the high end are the same with another sign.
PlainTail plain_low_tail(const std::vector<float>& values, int max_bin) {
  const double stretch = static_cast<double>(values.size()) / max_bin;
  // Runs that lie within a stretch as a whole.
  std::size_t n = 0;
  for (std::size_t i = 1; i < values.size() && static_cast<double>(i) <= stretch; ++i)
    if (values[i] != values[i - 1]) n = i;
  const int n_bins = std::min((max_bin + 1) / 32, static_cast<int>(n / 32));
  if (n_bins < 2) return {};
  const double inner = values[n];
  const double width = inner - values[0];
  const double next_width = values[static_cast<std::size_t>(static_cast<double>(n) + stretch)] - inner;
  return width > 4 * next_width ? PlainTail{n, n_bins} : PlainTail{};
}

std::vector<float> plain_cuts(const std::vector<float>& values, int max_bin, int& n_tails) {
  if (values.empty()) return {};
  std::vector<float> mirrored(values.rbegin(), values.rend());
  for (float& value : mirrored) value = -value;
  const PlainTail low = plain_low_tail(values, max_bin), high = plain_low_tail(mirrored, max_bin);
  n_tails += (low.n_bins > 0 ? 1 : 0) + (high.n_bins > 0 ? 1 : 0);
  const std::size_t high_begin = values.size() - high.n_values;
  const std::span all(values);
  std::vector<float> cuts;
  append_plain_stretches(all.first(low.n_values), values[low.n_values], low.n_bins, cuts);
  append_plain_stretches(all.subspan(low.n_values, high_begin - low.n_values),
                         high.n_bins > 0 ? values[high_begin] : kMissing, max_bin - low.n_bins - high.n_bins,
                         cuts);
  append_plain_stretches(all.subspan(high_begin), kMissing, high.n_bins, cuts);
  return cuts;
}

TEST(NumericCuts, AgreeWithThePlainDefinition) {
  Random random(6);
  RankedValues ranked;
  int n_by_rank = 0, n_tails = 0;
  for (int i = 0; i < 2 * 254; ++i) {
    const int max_bin = 2 + i % 254;
    const Kind& kind = kinds()[i % kinds().size()];
    // Large ones more often than they come by chance: only they have tails.
    const std::size_t n = random.chance(0.2) ? 20'000 + random.below(50'000) : draw_size(random);
    SCOPED_TRACE(kind.name + ", max_bin " + std::to_string(max_bin));
    const std::vector<float> column = draw_column(kind, n, random);
    std::vector<std::uint32_t> rows = draw_rows(column.size(), random);
    std::vector<float> all = sorted_values(column, [&] {
      std::vector<std::uint32_t> every(column.size());
      std::iota(every.begin(), every.end(), 0U);
      return every;
    }());
    const auto n_distinct = std::unique(all.begin(), all.end()) - all.begin();
    Cuts cuts;
    append_numeric_cuts(column, {}, rows, {.max_bin = max_bin}, ranked, cuts);
    if (n_distinct <= max_bin) {
      std::vector<float> gaps;
      for (std::ptrdiff_t v = 1; v < n_distinct; ++v) gaps.push_back(cut_between(all[v - 1], all[v]));
      ASSERT_EQ(cuts.values, gaps);
    } else {
      ASSERT_EQ(cuts.values, plain_cuts(sorted_values(column, rows), max_bin, n_tails));
      ++n_by_rank;
    }
  }
  EXPECT_GT(n_by_rank, 200);  // the test is about these
  EXPECT_GT(n_tails, 20);
}

TEST(NumericCuts, WeightsOfOneChangeNothing) {
  Random random(7);
  for (int i = 0; i < 100; ++i) {
    const std::vector<float> column = draw_column(kinds()[i % kinds().size()], draw_size(random), random);
    const std::vector<std::uint32_t> rows = draw_rows(column.size(), random);
    const int max_bin = 2 + random.below(254);
    Cuts plain, weighted;
    append_numeric_cuts(column, {}, rows, {.max_bin = max_bin}, plain);
    append_numeric_cuts(column, std::vector<float>(column.size(), 1.0F), rows, {.max_bin = max_bin},
                        weighted);
    ASSERT_EQ(plain, weighted);
  }
}

}  // namespace
}  // namespace coppice
