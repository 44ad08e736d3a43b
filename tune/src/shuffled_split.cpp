#include <coppice/tune/split.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <tuple>

#include "shares.h"

namespace coppice::tune {

Parts random_split(std::size_t n_rows, std::span<const double> fractions, std::uint64_t seed) {
  return stratified_split(std::vector<std::uint32_t>(n_rows), fractions, seed);
}

Parts stratified_split(std::span<const std::uint32_t> classes, std::span<const double> fractions,
                       std::uint64_t seed) {
  check_fractions(fractions);
  std::map<std::uint32_t, std::size_t> class_rows;
  for (const std::uint32_t class_id : classes) ++class_rows[class_id];
  std::map<std::uint32_t, std::vector<std::size_t>> rows_of_class;
  for (const auto& [class_id, n_rows] : class_rows) rows_of_class[class_id].reserve(n_rows);
  for (std::size_t row = 0; row < classes.size(); ++row) rows_of_class[classes[row]].push_back(row);
  const std::uint64_t key = shuffle_key(seed);
  Parts parts(classes.size());
  for (auto& [class_id, rows] : rows_of_class) {
    // Hashes are made anew for every comparison: that is quick, and a row takes 8 bytes this way.
    std::ranges::sort(rows, {}, [key](std::size_t row) { return std::tuple(shuffle_hash(key, row), row); });
    const std::vector<std::size_t> ends = part_ends(rows.size(), fractions);
    std::uint8_t part = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      while (i == ends[part]) ++part;
      parts[rows[i]] = part;
    }
  }
  return parts;
}

}  // namespace coppice::tune
