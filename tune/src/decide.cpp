#include <coppice/tune/study.h>

#include "halving.h"
#include "referee.h"

namespace coppice::tune {

Outcome decide(const Study& study, const Limits& limits, std::span<const Trial> finished) {
  if (study.strategy == Strategy::kHalving) return halving_state(study, finished).outcome;
  Referee referee(study, limits);
  for (const Trial& trial : finished) referee.add(trial);
  return referee.take_outcome();
}

}  // namespace coppice::tune
