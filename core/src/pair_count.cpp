#include "pair_count.h"

#include <coppice/detail/rank_sums.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "ranking.h"

namespace coppice {
namespace {

/// More comparisons than this for each row take as long as a sort.
constexpr int kMostSteps = 13;

/// Rows that are looked up together: one alone would wait for each of its comparisons.
constexpr std::size_t kLanes = 16;

/// The distinct keys of the rare rows, ascending, filled up to 2^n with one that is above all, and how many
/// rare rows are below each.
struct RareKeys {
  std::vector<std::uint32_t> keys;
  std::vector<std::uint32_t> n_below;  ///< one more than keys, for what is above the last

  explicit RareKeys(std::vector<std::uint32_t> rows) {
    std::ranges::sort(rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0 && rows[i] == rows[i - 1]) continue;
      keys.push_back(rows[i]);
      n_below.push_back(static_cast<std::uint32_t>(i));
    }
    keys.resize(std::bit_ceil(keys.size() + 1), UINT32_MAX);
    n_below.resize(keys.size() + 1, static_cast<std::uint32_t>(rows.size()));
  }

  /// Adds up, over these rows, the rare rows that are below and those that are not above.
  [[nodiscard]] std::uint64_t twice_below(std::span<const std::uint32_t, kLanes> rows) const {
    std::array<std::uint32_t, kLanes> at{};  // keys below each row
    for (auto step = static_cast<std::uint32_t>(keys.size() / 2); step > 0; step /= 2) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        at[lane] += keys[at[lane] + step - 1] < rows[lane] ? step : 0;
      }
    }
    std::uint64_t sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const bool is_tied = keys[at[lane]] == rows[lane];
      sum += n_below[at[lane]] + n_below[at[lane] + (is_tied ? 1 : 0)];
    }
    return sum;
  }
};

}  // namespace

std::optional<double> auc_by_rare_class(std::span<const float> margins, std::span<const float> labels) {
  const auto n_positive = static_cast<std::size_t>(std::ranges::count_if(labels, is_positive));
  const bool positive_is_rare = n_positive <= labels.size() / 2;
  const std::size_t n_rare = positive_is_rare ? n_positive : labels.size() - n_positive;
  const std::uint64_t n_pairs = std::uint64_t{n_rare} * (labels.size() - n_rare);
  if (n_rare == 0 || std::bit_width(n_rare) > kMostSteps) return std::nullopt;
  std::vector<std::uint32_t> rare, common;
  rare.reserve(n_rare);
  common.reserve(labels.size() - n_rare + kLanes);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    (is_positive(labels[i]) == positive_is_rare ? rare : common).push_back(detail::sort_key(margins[i]));
  }
  common.resize((common.size() + kLanes - 1) / kLanes * kLanes, 0);  // below everything: they add nothing
  const RareKeys keys(std::move(rare));
  std::uint64_t half_below = 0;
  for (std::size_t i = 0; i < common.size(); i += kLanes) {
    half_below += keys.twice_below(std::span<const std::uint32_t, kLanes>(&common[i], kLanes));
  }
  const std::uint64_t half_right = positive_is_rare ? 2 * n_pairs - half_below : half_below;
  return detail::auc_of_pairs(half_right, n_pairs);
}

}  // namespace coppice
