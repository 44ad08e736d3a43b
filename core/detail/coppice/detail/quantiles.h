// Where a column of many distinct numbers is cut: the rule that every backend follows.
#pragma once

#include <coppice/detail/host_device.h>

#include <algorithm>
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

/// A cut in each gap of distinct numbers, ascending: appends to `cuts`.
inline void append_gaps(std::span<const float> distinct, std::vector<float>& cuts) {
  for (std::size_t i = 1; i < distinct.size(); ++i) cuts.push_back(cut_between(distinct[i - 1], distinct[i]));
}

/// Ranks [begin, end) of equal numbers.
struct Run {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// Equal numbers: positions [begin, end) of the ascending order. A number takes as much room there as its row
/// weighs, which is 1 without weights.
struct EqualNumbers {
  double begin = 0;
  double end = 0;
  float value = 0;
};

/// Numbers of equal weight as append_quantiles asks for them. Ranks: size(), at(rank), and run_of(rank), the
/// ranks [begin, end) of numbers equal to that one.
template <class Ranks>
class ByRank {
 public:
  COPPICE_HOST_DEVICE explicit ByRank(Ranks& ranks) : ranks_(ranks) {}

  [[nodiscard]] COPPICE_HOST_DEVICE double size() const { return static_cast<double>(ranks_.size()); }
  [[nodiscard]] COPPICE_HOST_DEVICE double rows(double length) const { return length; }
  [[nodiscard]] COPPICE_HOST_DEVICE EqualNumbers run_to(double position) {
    const auto run = ranks_.run_of(rank_to(position));
    return {static_cast<double>(run.begin), static_cast<double>(run.end), ranks_.at(run.begin)};
  }
  [[nodiscard]] COPPICE_HOST_DEVICE float before(double position) { return ranks_.at(rank_to(position)); }
  [[nodiscard]] COPPICE_HOST_DEVICE float at(double position) {
    return ranks_.at(static_cast<std::size_t>(position));
  }

 private:
  COPPICE_HOST_DEVICE static std::size_t rank_to(double position) {
    return static_cast<std::size_t>(std::ceil(position)) - 1;
  }

  Ranks& ranks_;
};

/// Cuts the numbers in [begin, end), which are gaps between runs, into at most n_bins stretches of about
/// equal size: each takes its fair share of what is left, and ends at the nearer of the two gaps around it.
/// There is a cut at the end of each, unless it is the end of all numbers.
template <class Numbers, class Append>
COPPICE_HOST_DEVICE void append_stretches(Numbers& numbers, double begin, double end, int n_bins,
                                          const Append& append) {
  for (int bins_left = n_bins; bins_left > 0 && begin < end; --bins_left) {
    const double share = (end - begin) / bins_left;
    // The run that fills the share. The first run of a stretch is taken, however long it is.
    const EqualNumbers run = numbers.run_to(std::min(begin + share, end));
    const double without = run.begin - begin, with = run.end - begin;
    if (without > 0 && with - share > share - without) {
      append(cut_between(numbers.before(run.begin), run.value));
      begin = run.begin;
    } else {
      if (run.end >= numbers.size()) return;
      append(cut_between(run.value, numbers.at(run.end)));
      begin = run.end;
    }
  }
}

/// The ends that are cut finer: numbers before `low` into low_bins stretches, from `high` on into high_bins.
struct Tails {
  double low = 0;
  double high = 0;
  int low_bins = 0;
  int high_bins = 0;
};

/// What lies within a usual stretch of an end is a tail if it is several times as wide as the numbers of
/// the next stretch, and has rows for two bins or more. An end that is not wider than its neighbourhood is
/// left alone: in a column like time all later numbers fall into its last bin, which should have many rows.
template <class Numbers>
COPPICE_HOST_DEVICE Tails find_tails(Numbers& numbers, int max_bin) {
  constexpr double kWider = 4;
  constexpr double kRowsPerBin = 32;
  const int most_bins = (max_bin + 1) / 32;  // so a sixteenth of all bins at most, both tails together
  const double size = numbers.size(), stretch = size / max_bin;
  const auto bins_of = [&](double length, float inner, float outer, float further) {
    const int n_bins = static_cast<int>(std::min<double>(most_bins, numbers.rows(length) / kRowsPerBin));
    // In double: the whole range of floats is wide.
    const double width = std::fabs(double{outer} - double{inner});
    const double next_width = std::fabs(double{inner} - double{further});
    return width > kWider * next_width && n_bins > 1 ? n_bins : 0;
  };
  Tails tails{0, size, 0, 0};
  if (most_bins < 2 || numbers.rows(stretch) < 2 * kRowsPerBin) return tails;
  const EqualNumbers low = numbers.run_to(stretch), high = numbers.run_to(size - stretch);
  const double low_end = low.end <= stretch ? low.end : low.begin;
  tails.low_bins = bins_of(low_end, numbers.at(low_end), numbers.at(0), numbers.at(low_end + stretch));
  if (tails.low_bins > 0) tails.low = low_end;
  if (high.end < size) {
    const float inner = high.value, further = numbers.before(high.end - stretch);
    tails.high_bins = bins_of(size - high.end, inner, numbers.before(size), further);
    if (tails.high_bins > 0) tails.high = high.end;
  }
  return tails;
}

/// Cuts numbers into at most max_bin stretches of about equal size; with fine_tails, tails finer.
/// append(cut) is called at most max_bin - 1 times, with ascending cuts.
/// Numbers: size(), the end of the last position; rows(length), about the rows in such a stretch;
///          run_to(position), the run whose end is the position or the first one after it; at(position), the
///          number that begins there or covers it; before(position), the number that ends there or covers it.
template <class Numbers, class Append>
COPPICE_HOST_DEVICE void append_quantiles(Numbers numbers, int max_bin, bool fine_tails,
                                          const Append& append) {
  const Tails tails = fine_tails ? find_tails(numbers, max_bin) : Tails{0, numbers.size(), 0, 0};
  append_stretches(numbers, 0, tails.low, tails.low_bins, append);
  append_stretches(numbers, tails.low, tails.high, max_bin - tails.low_bins - tails.high_bins, append);
  append_stretches(numbers, tails.high, numbers.size(), tails.high_bins, append);
}

/// append_quantiles of numbers with weights, on the host: appends to `cuts`. pairs: (sort key << 32 | row),
/// ascending; weights [n_rows]. Weights of equal numbers are added in row order; rows of weight 0 do not
/// count.
void append_weighted_quantiles(std::span<const std::uint64_t> pairs, std::span<const float> weights,
                               int max_bin, bool fine_tails, std::vector<float>& cuts);

}  // namespace coppice::detail
