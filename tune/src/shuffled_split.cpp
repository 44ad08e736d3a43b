#include <coppice/tune/split.h>

#include <algorithm>
#include <cstddef>
#include <tuple>

#include "shares.h"

namespace coppice::tune {
namespace {

struct ShuffledRow {
  std::uint32_t class_id;
  std::uint64_t hash;
  std::size_t row;
};

std::vector<ShuffledRow> shuffle(std::span<const std::uint32_t> classes, std::uint64_t seed) {
  const std::uint64_t key = shuffle_key(seed);
  std::vector<ShuffledRow> rows;
  rows.reserve(classes.size());
  for (std::size_t row = 0; row < classes.size(); ++row) {
    rows.push_back({classes[row], shuffle_hash(key, row), row});
  }
  std::ranges::sort(rows, {},
                    [](const ShuffledRow& row) { return std::tie(row.class_id, row.hash, row.row); });
  return rows;
}

}  // namespace

Parts random_split(std::size_t n_rows, std::span<const double> fractions, std::uint64_t seed) {
  return stratified_split(std::vector<std::uint32_t>(n_rows), fractions, seed);
}

Parts stratified_split(std::span<const std::uint32_t> classes, std::span<const double> fractions,
                       std::uint64_t seed) {
  check_fractions(fractions);
  const std::vector<ShuffledRow> rows = shuffle(classes, seed);
  Parts parts(rows.size());
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(), [class_id = begin->class_id](const ShuffledRow& other) {
      return other.class_id != class_id;
    });
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
