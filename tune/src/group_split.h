// Parts of whole groups.
#pragma once

#include <coppice/tune/split.h>

namespace coppice::tune {

/// SplitStrategy::kGroup. `classes` may be empty. The columns and fractions are good; parts may be empty.
[[nodiscard]] Parts group_split(std::span<const std::uint64_t> groups, std::span<const std::uint32_t> classes,
                                std::span<const double> fractions, std::uint64_t seed);

/// Leaves out the rows whose group a lower part holds. Rows of kNoPart hold nothing and stay.
void leave_out_seen_groups(std::span<const std::uint64_t> groups, Parts& parts);

}  // namespace coppice::tune
