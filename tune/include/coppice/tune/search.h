// Runs the trials of a study.
#pragma once

#include <coppice/tune/study.h>

#include <functional>
#include <span>
#include <vector>

namespace coppice::tune {

/// A training that a trial needs: of the whole trial, or of one more rung of halving.
struct TrialJob {
  std::vector<Assignment> point;
  int n_rounds = 0;  ///< train so many in all; 0: as the parameters say
  int threads = 1;
  std::span<const Model> continue_from;  ///< models of an earlier rung, one for each fold; or empty
};

/// What came out of a job.
struct TrainedTrial {
  std::vector<TrialCurve> curves;  ///< one, or one for each fold
  std::vector<Model> models;       ///< the same; fewer when the job was stopped
};

/// Told after each round of a fold; `value` is the goal's metric. Returning false stops the job.
using RoundObserver = std::function<bool(std::size_t fold, double value)>;

/// Trains a job: a function of study and job, but for threads. Called from several threads at once. What it
/// throws makes the trial a failed one.
using TrainJob = std::function<TrainedTrial(const TrialJob& job, const RoundObserver& observer)>;

/// Told how a search goes. The calls come one at a time, from any thread; what they throw ends the search.
struct SearchObserver {
  std::function<void(const Trial& trial)> on_start;
  /// After a round: `trial` with its curves so far, and the number of rounds that its fold will have.
  std::function<void(const Trial& trial, int n_rounds)> on_round;
  /// A trial is trained (status Stopped: as far as it was worth it) and counts from now on: time to write it
  /// down. models: of each fold; empty unless the trial completed. so_far: before it counts.
  std::function<void(const Trial& trial, std::span<const Model> models, const Outcome& so_far)> on_end;
  /// The outcome after it counts.
  std::function<void(const Outcome& outcome)> on_outcome;
};

struct SearchOptions {
  int parallel = 1;  ///< trials at once, if there are as many threads
  int threads = 1;   ///< of all trials together, at least 1
  Limits limits;
};

/// Trains the trials of a study that have not finished yet, until a limit ends it.
/// The outcome is the same for any `parallel` and `threads`, unless limits.seconds ends the search: trials
/// are decided in their order (see `decide`). Trials that run ahead and turn out not to be needed are
/// dropped. Errors: those of check_study, and of the observer.
[[nodiscard]] Outcome search(const Study& study, const SearchOptions& options, std::vector<Trial> finished,
                             const TrainJob& train, const SearchObserver& observer = {});

}  // namespace coppice::tune
