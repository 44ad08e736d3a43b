#include <coppice/detail/hash.h>
#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <tuple>

namespace coppice::tune {
namespace {

constexpr double kTolerance = 1e-9;
constexpr std::size_t kMaxParts = 256;  // a part is one byte

void check_fractions(std::span<const double> fractions) {
  const auto refuse = [](const std::string& message) { throw Error("tune.split.fractions", message); };
  if (fractions.empty() || fractions.size() > kMaxParts) {
    refuse(fmt::format("{} fractions; give 1 to {}", fractions.size(), kMaxParts));
  }
  for (const double fraction : fractions) {
    if (!(fraction > 0)) refuse(fmt::format("fraction {} is not positive", fraction));
  }
  const double sum = std::reduce(fractions.begin(), fractions.end());
  if (!(std::abs(sum - 1) <= kTolerance)) refuse(fmt::format("fractions sum to {:.12g}, not to 1", sum));
}

/// First row behind each part of n ordered rows: n times the running sum of fractions, rounded up (a sum
/// within the tolerance of a whole row is that row), so that each part has the floor or the ceiling of its
/// share.
std::vector<std::size_t> part_ends(std::size_t n, std::span<const double> fractions) {
  std::vector<std::size_t> ends;
  const auto rows = static_cast<double>(n);
  double sum = 0;
  for (const double fraction : fractions) {
    sum += fraction;
    const double end = std::max(0.0, std::ceil(rows * sum - rows * kTolerance));
    ends.push_back(std::min(n, static_cast<std::size_t>(end)));
  }
  ends.back() = n;
  return ends;
}

struct ShuffledRow {
  std::uint32_t group;
  std::uint64_t hash;
  std::size_t row;
};

std::vector<ShuffledRow> shuffle(std::span<const std::uint32_t> classes, std::uint64_t seed) {
  constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio: spreads the row numbers
  const std::uint64_t key = detail::mix64(seed + kStep);
  std::vector<ShuffledRow> rows;
  rows.reserve(classes.size());
  for (std::size_t row = 0; row < classes.size(); ++row) {
    rows.push_back({classes[row], detail::mix64(key + row * kStep), row});
  }
  std::ranges::sort(rows, {}, [](const ShuffledRow& row) { return std::tie(row.group, row.hash, row.row); });
  return rows;
}

}  // namespace

std::vector<std::uint8_t> random_split(std::size_t n_rows, std::span<const double> fractions,
                                       std::uint64_t seed) {
  return stratified_split(std::vector<std::uint32_t>(n_rows), fractions, seed);
}

std::vector<std::uint8_t> stratified_split(std::span<const std::uint32_t> classes,
                                           std::span<const double> fractions, std::uint64_t seed) {
  check_fractions(fractions);
  const std::vector<ShuffledRow> rows = shuffle(classes, seed);
  std::vector<std::uint8_t> parts(rows.size());
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(
        begin, rows.end(), [group = begin->group](const ShuffledRow& other) { return other.group != group; });
    const std::vector<std::size_t> ends = part_ends(static_cast<std::size_t>(end - begin), fractions);
    std::uint8_t part = 0;
    for (std::size_t i = 0; begin != end; ++begin, ++i) {
      while (i == ends[part]) ++part;
      parts[begin->row] = part;
    }
  }
  return parts;
}

}  // namespace coppice::tune
