// Where a column of numbers is cut: the rule that every backend follows.
#pragma once

#include <coppice/detail/host_device.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::detail {

/// Half way between neighbours, rounded so that below < cut <= above.
COPPICE_HOST_DEVICE inline float cut_between(float below, float above) noexcept {
  const float middle = below + (above - below) * 0.5F;
  return middle > below && middle <= above ? middle : above;
}

/// Ranks [begin, end) of equal numbers.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Cuts numbers into at most max_bin stretches of about equal size: each stretch takes its fair share of what
/// is left, and ends at the nearer of the two gaps around it. values: size(), at(rank), run_of(rank).
/// append(cut) is called at most max_bin - 1 times, with ascending cuts.
template <class Values, class Append>
COPPICE_HOST_DEVICE void append_quantiles(Values& values, int max_bin, const Append& append) {
  std::size_t begin = 0;
  for (int bins_left = max_bin; bins_left > 1 && begin < values.size(); --bins_left) {
    const double share = static_cast<double>(values.size() - begin) / bins_left;
    // The run that fills the share. The first run of a stretch is taken, however long it is.
    const Run run = values.run_of(begin + static_cast<std::size_t>(std::ceil(share)) - 1);
    const auto without = static_cast<double>(run.begin - begin);
    const auto with = static_cast<double>(run.end - begin);
    const std::size_t end = run.begin > begin && with - share > share - without ? run.begin : run.end;
    if (end == values.size()) return;
    append(cut_between(values.at(end - 1), values.at(end)));
    begin = end;
  }
}

/// A distinct value and the weight of the rows that have it.
struct WeightedValue {
  float value;
  double weight;
};

/// The distinct values of sorted pairs (sort key << 32 | row). Weights of equal values are added in row
/// order. Shapes: weights [n_rows].
[[nodiscard]] std::vector<WeightedValue> weighted_values(std::span<const std::uint64_t> pairs,
                                                         std::span<const float> weights);

/// append_quantiles for weighted values, ascending: appends to `cuts`.
void append_weighted_quantiles(std::span<const WeightedValue> values, int max_bin, std::vector<float>& cuts);

/// A cut in each gap of distinct values, ascending: appends to `cuts`.
void append_gaps(std::span<const float> distinct, std::vector<float>& cuts);

}  // namespace coppice::detail
