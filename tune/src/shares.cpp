#include "shares.h"

#include <coppice/detail/hash.h>
#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace coppice::tune {
namespace {

constexpr double kTolerance = 1e-9;
constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15;  // 2^64 over the golden ratio: spreads the row numbers

}  // namespace

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

Parts parts_of_blocks(std::span<const std::size_t> block_rows, std::span<const double> fractions) {
  const std::vector<std::size_t> ends =
      part_ends(std::reduce(block_rows.begin(), block_rows.end()), fractions);
  Parts parts;
  parts.reserve(block_rows.size());
  std::size_t begin = 0;
  std::uint8_t part = 0;
  for (const std::size_t n_rows : block_rows) {
    const std::size_t end = begin + n_rows;
    while (begin + end > 2 * ends[part]) ++part;  // ends at the last part, for its end is the last row's
    parts.push_back(part);
    begin = end;
  }
  return parts;
}

std::uint64_t shuffle_key(std::uint64_t seed) noexcept { return detail::mix64(seed + kStep); }

std::uint64_t shuffle_hash(std::uint64_t key, std::uint64_t item) noexcept {
  return detail::mix64(key + item * kStep);
}

}  // namespace coppice::tune
