#include <coppice/cuts.h>
#include <coppice/detail/hash.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace coppice {
namespace {

using Key = std::uint32_t;

/// Order-preserving integer of a float; -0 and +0 get the same key.
Key key_of(float value) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0F);
  return (bits >> 31) != 0 ? ~bits : bits | 0x80000000U;
}

float value_of(Key key) noexcept { return std::bit_cast<float>((key >> 31) != 0 ? key & 0x7fffffffU : ~key); }

/// Sorts by the high 32 bits, stable. Eight-bit digits: their counters stay in the first-level cache.
template <class T>
void radix_sort(std::vector<T>& items) {
  constexpr int kShift = sizeof(T) == 8 ? 32 : 0;
  std::array<std::array<std::uint32_t, 256>, 4> counts{};
  for (const T item : items)
    for (int digit = 0; digit < 4; ++digit) ++counts[digit][item >> (kShift + 8 * digit) & 255];
  std::vector<T> other(items.size());
  for (int digit = 0; digit < 4; ++digit) {
    auto& count = counts[digit];
    if (std::any_of(count.begin(), count.end(), [&](std::uint32_t c) { return c == items.size(); })) continue;
    std::uint32_t sum = 0;
    for (auto& c : count) c = std::exchange(sum, sum + c);
    for (const T item : items) other[count[item >> (kShift + 8 * digit) & 255]++] = item;
    items.swap(other);
  }
}

/// Distinct values and the rows (or weight) that have them.
struct Runs {
  std::vector<Key> keys;
  std::vector<double> weights;
  void add(Key key, double weight) {
    if (keys.empty() || keys.back() != key) {
      keys.push_back(key);
      weights.push_back(0);
    }
    weights.back() += weight;
  }
};

/// All distinct values, ascending, or nothing when there are more than `limit`.
/// A hash table of four slots a value; a column of many values is given up after a few hundred rows.
std::vector<Key> few_distinct(std::span<const float> column, int limit) {
  constexpr std::uint32_t kSlots = 1024;
  constexpr Key kEmpty = 0;  // the key of a NaN, which is no value
  std::array<Key, kSlots> table{};
  std::vector<Key> found;
  Key previous = kEmpty;
  for (const float value : column) {
    if (std::isnan(value)) continue;
    const Key key = key_of(value);
    if (key == previous) continue;
    previous = key;
    std::uint32_t slot = key * 0x9e3779b1U >> 22;
    while (table[slot] != kEmpty && table[slot] != key) slot = (slot + 1) % kSlots;
    if (table[slot] == key) continue;
    if (static_cast<int>(found.size()) == limit) return {};
    table[slot] = key;
    found.push_back(key);
  }
  std::sort(found.begin(), found.end());
  return found;
}

Runs sampled_runs(std::span<const float> column, std::span<const float> weights,
                  std::span<const std::uint32_t> sample) {
  Runs runs;
  if (weights.empty()) {
    std::vector<Key> keys;
    keys.reserve(sample.size());
    for (const std::uint32_t row : sample)
      if (!std::isnan(column[row])) keys.push_back(key_of(column[row]));
    radix_sort(keys);
    for (const Key key : keys) runs.add(key, 1);
    return runs;
  }
  std::vector<std::uint64_t> pairs;  // key, row: equal keys keep row order, so weights add in row order
  pairs.reserve(sample.size());
  for (const std::uint32_t row : sample)
    if (!std::isnan(column[row]))
      pairs.push_back(static_cast<std::uint64_t>(key_of(column[row])) << 32 | row);
  radix_sort(pairs);
  for (const std::uint64_t pair : pairs)
    runs.add(static_cast<Key>(pair >> 32), static_cast<double>(weights[static_cast<std::uint32_t>(pair)]));
  return runs;
}

/// Half way between neighbours, rounded so that below < cut <= above.
float cut_between(Key below, Key above) noexcept {
  const float a = value_of(below);
  const float b = value_of(above);
  float middle = a + (b - a) * 0.5F;
  if (!(middle > a)) middle = b;
  if (!(middle <= b)) middle = b;
  return middle;
}

/// Cuts runs into at most max_bin stretches of about equal weight: each stretch takes its fair share of what
/// is left, and ends at the nearer of the two gaps around it.
void append_quantiles(const Runs& runs, int max_bin, std::vector<float>& cuts) {
  double remaining = 0;
  for (const double w : runs.weights) remaining += w;
  std::size_t begin = 0;
  for (int bins_left = max_bin; bins_left > 1; --bins_left) {
    const double share = remaining / bins_left;
    double taken = 0;
    std::size_t end = begin;
    while (end < runs.keys.size()) {
      const double with_next = taken + runs.weights[end];
      if (end > begin && with_next > share && with_next - share > share - taken) break;
      taken = with_next;
      ++end;
      if (taken >= share) break;
    }
    if (end >= runs.keys.size()) return;
    cuts.push_back(cut_between(runs.keys[end - 1], runs.keys[end]));
    remaining -= taken;
    begin = end;
  }
}

}  // namespace

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
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t begin = i * n_rows / n;
    const std::uint64_t end = (i + 1) * n_rows / n;
    rows[i] = static_cast<std::uint32_t>(begin + detail::mix64(key + i) % (end - begin));
  }
  return rows;
}

void append_numeric_cuts(std::span<const float> column, std::span<const float> weights,
                         std::span<const std::uint32_t> sample, int max_bin, Cuts& cuts) {
  const std::vector<Key> distinct = few_distinct(column, max_bin);
  for (std::size_t i = 1; i < distinct.size(); ++i)
    cuts.values.push_back(cut_between(distinct[i - 1], distinct[i]));
  if (distinct.empty()) append_quantiles(sampled_runs(column, weights, sample), max_bin, cuts.values);
  cuts.offsets.push_back(static_cast<std::uint32_t>(cuts.values.size()));
  cuts.n_codes.push_back(0);
}

}  // namespace coppice
