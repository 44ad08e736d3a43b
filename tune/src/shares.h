// Shares of rows in whole rows.
#pragma once

#include <coppice/tune/split.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::tune {

inline constexpr std::size_t kMaxParts = kNoPart;

/// Errors: tune.split.fractions.
void check_fractions(std::span<const double> fractions);

/// First row behind each part of n ordered rows: n times the running sum of fractions, rounded up (a sum
/// within the tolerance of a whole row is that row), so that each part has the floor or the ceiling of its
/// share.
[[nodiscard]] std::vector<std::size_t> part_ends(std::size_t n, std::span<const double> fractions);

/// Part of each block of ordered rows that must not be cut; block_rows: positive numbers of rows. A block
/// goes to the part in which its middle falls, so that a part ends at most half a block from its part_end.
[[nodiscard]] Parts parts_of_blocks(std::span<const std::size_t> block_rows,
                                    std::span<const double> fractions);

/// What the order of a seed's shuffle hashes with.
[[nodiscard]] std::uint64_t shuffle_key(std::uint64_t seed) noexcept;
[[nodiscard]] std::uint64_t shuffle_hash(std::uint64_t key, std::uint64_t item) noexcept;

}  // namespace coppice::tune
