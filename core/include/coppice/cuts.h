// Where continuous features are cut into bins.
#pragma once

#include <coppice/dataset.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice {
namespace detail {
class RankedValues;
}

/// A bin is one byte: 0 is *missing*, 1 .. 255 are values. So a feature has at most 255 value bins.
inline constexpr int kMaxValueBins = 255;

/// Cut points of every feature.
/// A number x of a numeric feature is in bin 1 + |{cuts <= x}|: `x < cut` goes left of a cut.
/// A category code c is in bin 1 + c.
struct Cuts {
  std::vector<float> values;              ///< all cuts, ascending within a feature
  std::vector<std::uint32_t> offsets{0};  ///< cuts of f: values[offsets[f] .. offsets[f + 1])
  /// Categorical features: number of codes, *other* included; 0 for numeric features.
  std::vector<std::uint16_t> n_codes;

  bool operator==(const Cuts&) const = default;

  [[nodiscard]] std::size_t n_features() const noexcept { return n_codes.size(); }
  [[nodiscard]] bool is_categorical(std::size_t f) const noexcept { return n_codes[f] > 0; }
  [[nodiscard]] std::span<const float> of(std::size_t f) const noexcept {
    return std::span(values).subspan(offsets[f], offsets[f + 1] - offsets[f]);
  }
  /// Number of bins of a feature, the missing bin included: 2 .. 256.
  [[nodiscard]] int n_bins(std::size_t f) const noexcept {
    return 1 + (is_categorical(f) ? n_codes[f] : static_cast<int>(of(f).size()) + 1);
  }
  /// Bin of one value (or category code); NaN gives 0. Cost: O(log cuts).
  [[nodiscard]] std::uint8_t bin_of(std::size_t f, float value) const noexcept;
  /// The cut that separates bins <= bin from the bins above: what a tree stores as its threshold.
  /// bin 0 (only *missing* goes left) gives the lowest float.
  [[nodiscard]] float threshold_after(std::size_t f, int bin) const noexcept;
  /// Inverse of threshold_after; -1 when the threshold is none of the cuts.
  [[nodiscard]] int bin_before(std::size_t f, float threshold) const noexcept;
};

struct CutOptions {
  int max_bin = kMaxValueBins;      ///< value bins of a numeric feature, 2 .. 255
  std::size_t sample_rows = 65536;  ///< rows looked at when there are more; 0 looks at all
  std::uint64_t seed = 0;
  bool fine_tails = true;  ///< cut long tails finer than by equal shares
};

/// The rows that the cuts of a table of n_rows are computed from, ascending: all of them, or exactly
/// `sample_rows`, one from each of as many equal stretches at a hashed place.
[[nodiscard]] std::vector<std::uint32_t> cut_sample(std::size_t n_rows, const CutOptions& options);

/// Cuts of one numeric feature. A column with at most max_bin distinct values (looked up in *all* rows) gets
/// a cut in each gap; others get quantiles of the sampled rows, weighted when weights are given, of equal
/// share, each moved to the nearest gap between distinct values. A cut lies half way between its
/// neighbours, rounded so that it separates them. Rows of weight 0 do not count.
/// With `fine_tails`, what lies within one such share of an end is cut into up to eight bins of 32 rows or
/// more, if it is over four times as wide as the next share (`detail::find_tails`).
/// Shapes : column [n_rows]; weights [n_rows] or empty; sample as from cut_sample; appends to `cuts`.
/// Cost   : one pass with a small hash set when there are few distinct values; else four passes over the
///          sample, or with weights a radix sort of it. `ranked` is memory to work in, of the calling thread:
///          kept for the next column, its pages are touched only once.
void append_numeric_cuts(std::span<const float> column, std::span<const float> weights,
                         std::span<const std::uint32_t> sample, const CutOptions& options,
                         detail::RankedValues& ranked, Cuts& cuts);

/// The same for a single column.
void append_numeric_cuts(std::span<const float> column, std::span<const float> weights,
                         std::span<const std::uint32_t> sample, const CutOptions& options, Cuts& cuts);

}  // namespace coppice
