#include "halving.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

namespace coppice::tune {
namespace {

/// Rounds at which trials are compared; the last is num_round.
std::vector<int> rungs(const Study& study) {
  std::vector<int> result;
  const int n_rounds = study.parameters.num_round;
  for (std::int64_t n = study.halving.min_rounds; n < n_rounds; n *= study.halving.factor)
    result.push_back(static_cast<int>(n));
  result.push_back(n_rounds);
  return result;
}

bool has_reached(const Study& study, const Trial& trial, int n_rounds) {
  return static_cast<int>(trial.curves.size()) == std::max(study.n_folds, 1) &&
         std::ranges::all_of(trial.curves,
                             [&](const TrialCurve& curve) { return curve.n_rounds >= n_rounds; });
}

/// The metric after so many rounds, the mean of the folds.
double value_at(const Trial& trial, int n_rounds) {
  double sum = 0;
  for (const TrialCurve& curve : trial.curves)
    sum += n_rounds > 0 ? curve.values[static_cast<std::size_t>(n_rounds) - 1] : std::nan("");
  return sum / static_cast<double>(trial.curves.size());
}

/// The best of `trials` first; equals in their order, NaN last.
void rank(std::vector<int>& trials, const std::map<int, Trial>& known, const Goal& goal, int n_rounds) {
  std::ranges::stable_sort(trials, [&](int a, int b) {
    const double of_a = value_at(known.at(a), n_rounds), of_b = value_at(known.at(b), n_rounds);
    return std::isnan(of_b) ? !std::isnan(of_a) : goal.is_better(of_a, of_b);
  });
}

/// Ends a trial at a rung.
void stop_at(Trial& trial, int n_rounds) {
  trial.status = TrialStatus::kStopped;
  for (TrialCurve& curve : trial.curves) {
    curve.values.resize(static_cast<std::size_t>(n_rounds));
    curve.n_rounds = n_rounds;
  }
}

Outcome outcome_of(const Study& study, std::map<int, Trial> known, bool is_done) {
  Outcome outcome;
  for (auto& [index, trial] : known) outcome.add(std::move(trial), study.goal);
  outcome.end = is_done ? EndReason::kTrials : EndReason::kNotEnded;
  return outcome;
}

/// Trials that go on, of those that reached a rung.
std::size_t n_kept(const Study& study, std::size_t n_reached) {
  const auto factor = static_cast<std::size_t>(study.halving.factor);
  return (n_reached + factor - 1) / factor;
}

}  // namespace

int training_count(const Study& study, const Limits& limits) {
  if (study.strategy != Strategy::kHalving) return trial_count(study, limits);
  auto n_trials = static_cast<std::size_t>(study.halving.n_trials);
  std::size_t count = 0;
  for (std::size_t rung = 0; rung < rungs(study).size(); ++rung) {
    count += n_trials;
    n_trials = n_kept(study, n_trials);
  }
  return static_cast<int>(count);
}

HalvingState halving_state(const Study& study, std::span<const Trial> finished) {
  std::map<int, Trial> known;
  for (const Trial& trial : finished) known.insert_or_assign(trial.index, trial);
  std::vector<int> alive(static_cast<std::size_t>(study.halving.n_trials));
  std::iota(alive.begin(), alive.end(), 0);
  HalvingState state;
  const std::vector<int> all_rungs = rungs(study);
  for (const int n_rounds : all_rungs) {
    state.n_rounds = n_rounds;
    state.is_last_rung = n_rounds == all_rungs.back();
    std::vector<int> reached;
    for (const int index : alive) {
      const auto trial = known.find(index);
      if (trial != known.end() && has_reached(study, trial->second, n_rounds)) {
        reached.push_back(index);
      } else if (trial == known.end() || trial->second.status != TrialStatus::kFailed) {
        state.to_train.push_back(index);
      }
    }
    if (!state.to_train.empty() || state.is_last_rung) break;
    rank(reached, known, study.goal, n_rounds);
    const std::size_t n_left = n_kept(study, reached.size());
    for (std::size_t i = n_left; i < reached.size(); ++i) stop_at(known.at(reached[i]), n_rounds);
    reached.resize(n_left);
    alive = std::move(reached);
    std::ranges::sort(alive);
  }
  state.outcome = outcome_of(study, std::move(known), state.to_train.empty());
  return state;
}

}  // namespace coppice::tune
