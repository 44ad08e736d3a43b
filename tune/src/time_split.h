// Parts by time.
#pragma once

#include <coppice/tune/split.h>

namespace coppice::tune {

/// A table cut along time.
struct TimeBlocks {
  Parts parts;                     ///< of each row
  std::vector<double> last_times;  ///< of each part; -infinity where it has no row
};

/// SplitStrategy::kTime without the gap. The times and fractions are good; parts may be empty.
[[nodiscard]] TimeBlocks cut_times(std::span<const double> times, std::span<const double> fractions);

}  // namespace coppice::tune
