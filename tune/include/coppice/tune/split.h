// Seeded splits of a table into parts.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace coppice::tune {

/// Part of each row, `part[row]` in 0 .. fractions.size() - 1, by a seeded shuffle: parts get floor or ceil
/// of their share of the rows, earlier parts first. fractions are positive and sum to 1 (within 1e-9).
/// The same for any thread count; a counter-based hash of (seed, row) orders the rows.
/// Errors: tune.split.fractions.
[[nodiscard]] std::vector<std::uint8_t> random_split(std::size_t n_rows, std::span<const double> fractions,
                                                     std::uint64_t seed);

/// The same within each class, so that every part has its share of each class to within one row.
/// classes [n_rows]: any small integers.
[[nodiscard]] std::vector<std::uint8_t> stratified_split(std::span<const std::uint32_t> classes,
                                                         std::span<const double> fractions,
                                                         std::uint64_t seed);

}  // namespace coppice::tune
