// Successive halving: which trials go on, and how far.
#pragma once

#include <coppice/tune/study.h>

#include <span>
#include <vector>

namespace coppice::tune {

struct HalvingState {
  int n_rounds = 0;           ///< of the rung that is being trained
  bool is_last_rung = false;  ///< then trials complete, else they pause
  std::vector<int> to_train;  ///< trials that have not reached it, in order
  Outcome outcome;            ///< trials that are done, and paused ones
};

/// Where a study stands. finished: in any order; of a trial the last one counts.
[[nodiscard]] HalvingState halving_state(const Study& study, std::span<const Trial> finished);

}  // namespace coppice::tune
