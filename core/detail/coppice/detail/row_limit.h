// How many rows a tree is grown on at most.
#pragma once

#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/numerics.h>
#include <coppice/parameters.h>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace coppice::detail {

/// Share of the latest trees' gain that the features bring together for which rows are kept.
inline constexpr double kLeadingGain = 0.9;

/// Splits of the latest trees for each feature of the table, before they tell how many features matter: a few
/// shallow trees have not used them all.
inline constexpr std::size_t kSplitsPerFeature = 2;

/// About how many rows a round keeps at most: `sampling_rows` for each of the fewest features that brought
/// kLeadingGain of the latest trees' gain, because every one of them takes rows to be told from chance. No
/// limit while those trees have few splits, or when `sampling_rows` is 0. For squared error twice as many,
/// and at least twice the rows that its floor keeps at any threshold, so that a threshold reaches the limit.
/// docs/decisions/011-row-limit.md has the evidence.
inline double row_limit(const Parameters& parameters, const GainHistory& history, double n_rows) {
  if (parameters.sampling_rows == 0 || history.n_splits() < kSplitsPerFeature * history.n_features())
    return std::numeric_limits<double>::infinity();
  const auto n_features = std::max<std::size_t>(leading_features(history, kLeadingGain).size(), 1);
  const double limit = static_cast<double>(parameters.sampling_rows) * static_cast<double>(n_features);
  if (parameters.objective != Objective::kSquaredError) return limit;
  return 2 * std::max(limit, kKeepFloor * n_rows);
}

}  // namespace coppice::detail
