// How far a metric may be off by chance: a bootstrap over rows or groups of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// Weights of the rows in one replicate of a Poisson bootstrap (Chamandy, Muralidharan, Najmi and Naidu,
/// "Estimating Uncertainty for Massive Data Streams", 2012): each row counts a Poisson(1) number of times,
/// which is a hash of (seed, replicate, its index), so replicates may be made in any order and by any thread.
/// With groups, all rows of a group count the same number of times, a hash of the group's number: for rows
/// that are not independent of each other, such as those of one card.
/// Shapes : weights [n] or empty (all 1); groups [n] or empty (every row for itself); result [n]. n < 2^32.
void bootstrap_weights(std::uint64_t seed, std::uint32_t replicate, std::span<const float> weights,
                       std::span<const std::uint32_t> groups, std::span<float> result);

struct Interval {
  double low = 0, high = 0;
};

/// The middle 95 % of the values of a metric over replicates: percentiles 2.5 and 97.5, with linear
/// interpolation between the two nearest values. NaN values (a class was absent) are left out; NaN when
/// nothing is left.
[[nodiscard]] Interval percentile_interval(std::vector<double> values);

}  // namespace coppice
