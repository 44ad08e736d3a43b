// A study: many trainings that differ in some parameters, and the rules that say what came out of it.
#pragma once

#include <coppice/model.h>
#include <coppice/parameters.h>
#include <coppice/train.h>
#include <coppice/tune/space.h>

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::tune {

enum class Strategy : std::uint8_t { kRandom, kGrid, kHalving };
/// `random`, `grid`, `halving`.
[[nodiscard]] std::string_view to_string(Strategy strategy) noexcept;

/// Ends trials that promise nothing: the median rule of Automatic Model Tuning. A trial stops after round r
/// when its metric then is worse than the median, over the earlier trials (by number) that came as far, of
/// the mean of their metric up to round r. Only once r >= min_rounds and that many trials can be compared
/// with.
struct MedianRule {
  bool is_on = false;
  int min_rounds = 10;
  int min_trials = 5;
  bool operator==(const MedianRule&) const = default;
};

/// Successive halving (Jamieson and Talwalkar 2016): all trials train min_rounds rounds, the best 1 / factor
/// of them `factor` times as many, and so on up to num_round.
struct Halving {
  int n_trials = 27;
  int min_rounds = 10;
  int factor = 3;
  bool operator==(const Halving&) const = default;
};

/// The metric that trials are judged by.
struct Goal {
  std::string metric;  ///< as observers see it: `validation-auc`
  bool higher_is_better = true;
  [[nodiscard]] bool is_better(double a, double b) const noexcept { return higher_is_better ? a > b : a < b; }
  bool operator==(const Goal&) const = default;
};

/// What a study is. Two runs with the same study give the same trials.
struct Study {
  Space space;
  Parameters parameters;  ///< of every trial, where the space does not choose
  Strategy strategy = Strategy::kRandom;
  std::uint64_t seed = 0;
  int grid_steps = 3;  ///< kGrid
  Halving halving;     ///< kHalving
  MedianRule median_rule;
  Goal goal;
  int n_folds = 0;        ///< 0: trials are judged on a validation table
  std::string data_hash;  ///< of all tables
  std::string fold_hash;  ///< of which rows are in which fold; empty without folds
  std::string source;     ///< where the tables come from, a JSON object: told, not compared
  std::string library_version{version()};
};

/// When a study ends before all its trials have been. The trials that come out are the same for any number of
/// trials at once, but for `seconds`.
struct Limits {
  int n_trials = 20;   ///< kRandom; a grid and halving know how many they have
  double seconds = 0;  ///< wall time of one run; 0: no limit
  double target = std::numeric_limits<double>::quiet_NaN();  ///< ends with the first trial as good as this
  int patience = 0;  ///< ends when so many trials in a row did not improve on the best; 0: no limit
};

enum class TrialStatus : std::uint8_t {
  kCompleted,
  kStopped,  ///< by the median rule, or not among the best at a rung of halving: it cannot win
  kFailed,
  kPaused,  ///< has reached a rung of halving and waits for the others
};
/// `Completed`, `Stopped`, `Failed`, `Paused`.
[[nodiscard]] std::string_view to_string(TrialStatus status) noexcept;

/// What a trial showed on the validation table, or on one fold.
struct TrialCurve {
  std::vector<double> values;        ///< the goal's metric after each round that was trained
  int n_rounds = 0;                  ///< of the model: fewer when early_stopping_rounds cut it
  std::vector<MetricValue> metrics;  ///< of the model, all that were watched; empty without one
};

struct Trial {
  int index = 0;
  std::vector<Assignment> parameters;  ///< those of the space, in its order
  TrialStatus status = TrialStatus::kCompleted;
  std::vector<TrialCurve> curves;  ///< one, or one for each fold that was trained
  std::string error;               ///< kFailed
  double begin_time = 0;           ///< seconds since 1970, as end_time
  double end_time = 0;
  /// The goal's metric of the model (mean over the folds); NaN when the trial has not completed.
  [[nodiscard]] double score() const;
};

enum class EndReason : std::uint8_t { kNotEnded, kTrials, kTarget, kPatience, kTime };
/// `trials`, `target`, `patience`, `time`; `none`.
[[nodiscard]] std::string_view to_string(EndReason reason) noexcept;

/// What came out of a study so far.
struct Outcome {
  std::vector<Trial> trials;  ///< by index; those that are decided, and of halving the paused ones
  int best = -1;  ///< place in `trials` of the completed one with the best score (the first of equals); or -1
  EndReason end = EndReason::kNotEnded;

  /// The best trial, or none.
  [[nodiscard]] const Trial* winner() const noexcept {
    return best < 0 ? nullptr : &trials[static_cast<std::size_t>(best)];
  }
  /// Would a trial with this score, behind all others, be the best? NaN never is.
  [[nodiscard]] bool is_improved_by(double score, const Goal& goal) const;
  /// Takes a trial behind all others.
  void add(Trial trial, const Goal& goal);
};

/// Values that the space gives to a trial.
[[nodiscard]] std::vector<Assignment> trial_point(const Study& study, int trial);
/// All parameters of a trial. Whether they go together is for `train` to say. Errors: core.parameter.value.
[[nodiscard]] Parameters trial_parameters(const Study& study, const std::vector<Assignment>& point);
/// How many trials there are at most.
[[nodiscard]] int trial_count(const Study& study, const Limits& limits);

/// How many trainings that makes: in halving one for each trial and rung.
[[nodiscard]] int training_count(const Study& study, const Limits& limits);

/// Errors: tune.study when parts do not go together; those of check_space; core.parameter.value.
void check_study(const Study& study, const Limits& limits);

/// Why the two are not the same study, in words; empty when they are.
[[nodiscard]] std::string first_difference(const Study& before, const Study& now);

/// What came out, from finished trials in any order, as a journal has them. A trial counts when all before it
/// are there; its curve ends where the median rule stops it, even if it was trained further. So the result
/// depends on the trials alone, not on when they ran.
[[nodiscard]] Outcome decide(const Study& study, const Limits& limits, std::span<const Trial> finished);

}  // namespace coppice::tune
