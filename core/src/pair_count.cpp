#include "pair_count.h"

#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "ranking.h"

namespace coppice {
namespace {

/// More comparisons than this for each row take as long as a sort.
constexpr int kMostSteps = 13;
/// Sums of pairs, in halves, that double holds exactly.
constexpr std::uint64_t kMostPairs = std::uint64_t{1} << 52;

/// How many of `sorted` are below a key, in as many steps for every key. Needs: size 2^n - 1, filled up at
/// the end.
std::size_t count_below(std::span<const std::uint32_t> sorted, std::uint32_t key) {
  std::size_t below = 0;
  for (std::size_t step = (sorted.size() + 1) / 2; step > 0; step /= 2) {
    below += sorted[below + step - 1] < key ? step : 0;
  }
  return below;
}

}  // namespace

std::optional<double> auc_by_rare_class(std::span<const float> margins, std::span<const float> labels) {
  const auto n_positive = static_cast<std::size_t>(std::ranges::count_if(labels, is_positive));
  const bool positive_is_rare = n_positive <= labels.size() / 2;
  const std::size_t n_rare = positive_is_rare ? n_positive : labels.size() - n_positive;
  const std::uint64_t n_pairs = std::uint64_t{n_rare} * (labels.size() - n_rare);
  if (n_rare == 0 || std::bit_width(n_rare) > kMostSteps || n_pairs >= kMostPairs) return std::nullopt;
  std::vector<std::uint32_t> rare;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (is_positive(labels[i]) == positive_is_rare) rare.push_back(detail::sort_key(margins[i]));
  }
  std::ranges::sort(rare);
  rare.resize((std::size_t{1} << std::bit_width(n_rare)) - 1, UINT32_MAX);
  // Rare rows below a row, and those not above it: together twice as many, a tie counting half.
  std::uint64_t half_below = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (is_positive(labels[i]) == positive_is_rare) continue;
    const std::uint32_t key = detail::sort_key(margins[i]);
    const std::size_t below = count_below(rare, key);
    const bool is_tied = below < rare.size() && rare[below] == key;
    half_below += below + (is_tied ? count_below(rare, key + 1) : below);
  }
  const std::uint64_t half_right = positive_is_rare ? 2 * n_pairs - half_below : half_below;
  return 0.5 * static_cast<double>(half_right) / static_cast<double>(n_pairs);
}

}  // namespace coppice
