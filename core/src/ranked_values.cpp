#include <coppice/detail/ranked_values.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace coppice::detail {
namespace {

/// A rising function of numbers: where they are on the way from `low`, in steps.
struct Scale {
  float low = 0;
  float steps_per_unit = 1;
};

/// A scale that gives most numbers like these about equal shares of n_steps. It spans the extremes of a few
/// of them, but outliers no more than half of what lies between the outer twentieths to either side.
/// Where no such scale is a finite number, any will do: buckets are then large and sorted as a whole.
Scale scale_for(std::span<const float> values, std::size_t n_steps) {
  std::array<float, 256> probe;
  for (std::size_t i = 0; i < probe.size(); ++i) probe[i] = values[i * values.size() / probe.size()];
  std::sort(probe.begin(), probe.end());
  const auto n = static_cast<std::size_t>(std::unique(probe.begin(), probe.end()) - probe.begin());
  const float inner_low = probe[n / 20], inner_high = probe[n - 1 - n / 20];
  const float margin = (inner_high - inner_low) / 2;
  const float low = std::max(probe[0], inner_low - margin);
  const float high = std::min(probe[n - 1], inner_high + margin);
  const float steps_per_unit = static_cast<float>(n_steps) / (high - low);
  if (!std::isfinite(steps_per_unit) || steps_per_unit == 0) return {};
  return {low, steps_per_unit};
}

}  // namespace

void RankedValues::assign(std::span<const float> column, std::span<const std::uint32_t> rows) {
  gather(column, rows);
  if (n_ == 0) return;
  choose_buckets();
  deal();
}

void RankedValues::gather(std::span<const float> column, std::span<const std::uint32_t> rows) {
  constexpr std::size_t kAhead = 512;  // floats; the processor itself looks ahead only to the end of a page
  values_.resize(std::max(values_.size(), rows.size()));
  n_ = 0;
  for (const std::uint32_t row : rows) {
    __builtin_prefetch(column.data() + row + kAhead);
    values_[n_] = column[row];
    n_ += std::isnan(column[row]) ? 0 : 1;
  }
}

void RankedValues::choose_buckets() {
  constexpr std::size_t kMostBuckets = 16384;  // of a cut sample's 65536 values, four each
  n_buckets_ = std::min(kMostBuckets, n_ / 4 + 1);
  const Scale scale = scale_for({values_.data(), n_}, n_buckets_);
  const auto last = static_cast<float>(n_buckets_ - 1);
  buckets_.resize(values_.size());
  for (std::size_t i = 0; i < n_; ++i) {
    const float step = (values_[i] - scale.low) * scale.steps_per_unit;
    buckets_[i] = static_cast<std::uint16_t>(static_cast<int>(std::max(0.0F, std::min(step, last))));
  }
}

void RankedValues::deal() {
  // Counts are two places further on, so that sums are one place further on, and move to their own place
  // while values are dealt.
  starts_.assign(n_buckets_ + 2, 0);
  for (std::size_t i = 0; i < n_; ++i) ++starts_[buckets_[i] + 2];
  for (std::size_t b = 2; b < starts_.size(); ++b) starts_[b] += starts_[b - 1];
  keys_.resize(values_.size());
  for (std::size_t i = 0; i < n_; ++i) keys_[starts_[buckets_[i] + 1]++] = sort_key(values_[i]);
  is_sorted_.assign(n_buckets_, false);
  bucket_ = 0;
}

std::span<const SortKey> RankedValues::sorted_bucket(std::size_t rank) {
  constexpr std::size_t kFew = 256;   // fewer are faster by comparisons than by counting digits
  constexpr std::size_t kNear = 256;  // buckets: the way from one of 255 quantiles to the next
  if (rank < starts_[bucket_] || rank >= starts_[std::min(bucket_ + kNear, n_buckets_)]) {
    const auto first_after = std::upper_bound(starts_.begin(), starts_.begin() + n_buckets_, rank);
    bucket_ = static_cast<std::size_t>(first_after - starts_.begin()) - 1;
  }
  while (starts_[bucket_ + 1] <= rank) ++bucket_;
  const std::span<SortKey> keys(keys_.begin() + starts_[bucket_], keys_.begin() + starts_[bucket_ + 1]);
  if (is_sorted_[bucket_]) return keys;
  if (keys.size() < kFew)
    std::sort(keys.begin(), keys.end());
  else
    radix_sort(keys);
  is_sorted_[bucket_] = true;
  return keys;
}

float RankedValues::at(std::size_t rank) {
  sorted_bucket(rank);
  return value_of(keys_[rank]);
}

Run RankedValues::run_of(std::size_t rank) {
  // Equal numbers are in the same bucket.
  const std::span<const SortKey> bucket = sorted_bucket(rank);
  const auto [first, last] = std::equal_range(bucket.begin(), bucket.end(), keys_[rank]);
  const std::size_t begin = starts_[bucket_] + static_cast<std::size_t>(first - bucket.begin());
  return {begin, begin + static_cast<std::size_t>(last - first)};
}

}  // namespace coppice::detail
