// How a model's predictions were distributed when it was trained.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice {

/// A histogram of predictions with bins of about equal counts: what drift of the score is measured against.
struct ScoreReference {
  static constexpr std::size_t kMaxBins = 20;

  std::vector<float> cuts;            ///< ascending; a prediction is in bin i when i cuts are <= it
  std::vector<std::uint32_t> counts;  ///< [cuts + 1] rows; both are empty where nothing is known

  bool operator==(const ScoreReference&) const = default;
};

/// The histogram of some predictions. Cuts are quantiles, less those that ties join: of up to 32,768 rows,
/// evenly spaced; counts are of all rows. Rows count once each, whatever their weight. Needs: n < 2^32, no
/// NaN. Cost: O(n).
[[nodiscard]] ScoreReference describe_scores(std::span<const float> predictions);

}  // namespace coppice
