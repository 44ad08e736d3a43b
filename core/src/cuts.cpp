#include <coppice/cuts.h>
#include <coppice/detail/hash.h>
#include <coppice/detail/quantiles.h>
#include <coppice/detail/ranked_values.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace coppice {
namespace {

/// All distinct values, ascending, or nothing when there are more than `limit`.
/// A hash table of four slots a value; a column of many values is given up after a few hundred rows.
std::vector<float> few_distinct(std::span<const float> column, int limit) {
  constexpr std::uint32_t kSlots = 1024;
  constexpr std::uint32_t kEmpty = 0xffffffff;  // the bits of a NaN, which is no value
  std::array<std::uint32_t, kSlots> table;
  table.fill(kEmpty);
  std::vector<float> found;
  for (const float value : column) {
    if (std::isnan(value)) continue;
    const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);  // -0 is 0
    std::uint32_t slot = bits * 0x9e3779b1U >> 22;
    while (table[slot] != bits && table[slot] != kEmpty) slot = (slot + 1) % kSlots;
    if (table[slot] == bits) continue;
    if (static_cast<int>(found.size()) == limit) return {};
    table[slot] = bits;
    found.push_back(value + 0.0F);
  }
  std::sort(found.begin(), found.end());
  return found;
}

/// Distinct numbers and their weight, as append_quantiles asks for them.
class WeightedNumbers {
 public:
  /// pairs: (sort key << 32 | row) of numbers, ascending; weights [n_rows]. Weights of equal numbers are
  /// added in row order; a row without weight is not there.
  WeightedNumbers(std::span<const std::uint64_t> pairs, std::span<const float> weights) {
    std::size_t n_rows = 0;
    for (const std::uint64_t pair : pairs) {
      const float weight = weights[static_cast<std::uint32_t>(pair)];
      if (!(weight > 0)) continue;
      const float value = detail::value_of(static_cast<detail::SortKey>(pair >> 32));
      const double before = size();
      if (values_.empty() || values_.back() != value) {
        values_.push_back(value);
        ends_.push_back(before);
      }
      ends_.back() = before + static_cast<double>(weight);
      ++n_rows;
    }
    if (n_rows > 0) mean_weight_ = size() / static_cast<double>(n_rows);
  }

  [[nodiscard]] double size() const { return ends_.empty() ? 0 : ends_.back(); }
  [[nodiscard]] double rows(double length) const { return length / mean_weight_; }
  [[nodiscard]] detail::EqualNumbers run_to(double position) const {
    const auto i = place(std::lower_bound(ends_.begin(), ends_.end(), position));
    return {i == 0 ? 0 : ends_[i - 1], ends_[i], values_[i]};
  }
  [[nodiscard]] float before(double position) const { return run_to(position).value; }
  [[nodiscard]] float at(double position) const {
    return values_[place(std::upper_bound(ends_.begin(), ends_.end(), position))];
  }

 private:
  [[nodiscard]] std::size_t place(std::vector<double>::const_iterator end) const {
    return std::min(static_cast<std::size_t>(end - ends_.begin()), ends_.size() - 1);
  }

  std::vector<float> values_;  ///< ascending
  std::vector<double> ends_;   ///< of each value
  double mean_weight_ = 1;
};

/// Sort key and row of the sampled numbers, ascending.
std::vector<std::uint64_t> sorted_rows(std::span<const float> column, std::span<const std::uint32_t> sample) {
  std::vector<std::uint64_t> pairs;
  pairs.reserve(sample.size());
  for (const std::uint32_t row : sample)
    if (!std::isnan(column[row]))
      pairs.push_back(static_cast<std::uint64_t>(detail::sort_key(column[row])) << 32 | row);
  detail::radix_sort(std::span(pairs));
  return pairs;
}

}  // namespace

void detail::append_weighted_quantiles(std::span<const std::uint64_t> pairs, std::span<const float> weights,
                                       int max_bin, bool fine_tails, std::vector<float>& cuts) {
  append_quantiles(WeightedNumbers(pairs, weights), max_bin, fine_tails,
                   [&](float cut) { cuts.push_back(cut); });
}

std::uint8_t Cuts::bin_of(std::size_t f, float value) const noexcept {
  if (std::isnan(value)) return 0;
  if (is_categorical(f)) return static_cast<std::uint8_t>(1 + static_cast<int>(value));
  const auto cuts = of(f);
  return static_cast<std::uint8_t>(1 + (std::upper_bound(cuts.begin(), cuts.end(), value) - cuts.begin()));
}

float Cuts::threshold_after(std::size_t f, int bin) const noexcept {
  return bin == 0 ? std::numeric_limits<float>::lowest() : of(f)[bin - 1];
}

int Cuts::bin_before(std::size_t f, float threshold) const noexcept {
  if (threshold == std::numeric_limits<float>::lowest()) return 0;
  const auto cuts = of(f);
  const auto found = std::lower_bound(cuts.begin(), cuts.end(), threshold);
  return found != cuts.end() && *found == threshold ? static_cast<int>(found - cuts.begin()) + 1 : -1;
}

std::vector<std::uint32_t> cut_sample(std::size_t n_rows, const CutOptions& options) {
  const std::size_t n = options.sample_rows == 0 ? n_rows : std::min(n_rows, options.sample_rows);
  std::vector<std::uint32_t> rows(n);
  const std::uint64_t key = detail::draw_key(options.seed, detail::Purpose::kCuts, 0);
  // Stretch i ends at (i + 1) n_rows / n, counted up without dividing.
  std::uint64_t begin = 0, end = 0, rest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    end += n_rows / n;
    rest += n_rows % n;
    if (rest >= n) {
      rest -= n;
      ++end;
    }
    const std::uint64_t draw = detail::mix64(key + i) >> 32;
    rows[i] = static_cast<std::uint32_t>(begin + (draw * (end - begin) >> 32));
    begin = end;
  }
  return rows;
}

void append_numeric_cuts(std::span<const float> column, std::span<const float> weights,
                         std::span<const std::uint32_t> sample, const CutOptions& options,
                         detail::RankedValues& ranked, Cuts& cuts) {
  const std::vector<float> distinct = few_distinct(column, options.max_bin);
  detail::append_gaps(distinct, cuts.values);
  if (distinct.empty() && weights.empty()) {
    ranked.assign(column, sample);
    detail::append_quantiles(detail::ByRank(ranked), options.max_bin, options.fine_tails,
                             [&](float cut) { cuts.values.push_back(cut); });
  } else if (distinct.empty()) {
    detail::append_weighted_quantiles(sorted_rows(column, sample), weights, options.max_bin,
                                      options.fine_tails, cuts.values);
  }
  cuts.offsets.push_back(static_cast<std::uint32_t>(cuts.values.size()));
  cuts.n_codes.push_back(0);
}

void append_numeric_cuts(std::span<const float> column, std::span<const float> weights,
                         std::span<const std::uint32_t> sample, const CutOptions& options, Cuts& cuts) {
  detail::RankedValues ranked;
  append_numeric_cuts(column, weights, sample, options, ranked, cuts);
}

}  // namespace coppice
