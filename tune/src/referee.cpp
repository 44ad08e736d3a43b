#include "referee.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::tune {
namespace {

/// Of an even number of values, the mean of the middle two. Needs: at least one value.
double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*std::max_element(values.begin(), middle) + *middle) / 2;
}

/// Forgets what a trial was trained for beyond a place.
void cut(Trial& trial, CurvePoint point) {
  trial.status = TrialStatus::kStopped;
  trial.curves.resize(point.fold + 1);
  TrialCurve& last = trial.curves.back();
  last.values.resize(point.n_rounds);
  last.n_rounds = static_cast<int>(point.n_rounds);
  last.metrics.clear();
}

}  // namespace

void Referee::add(Trial trial) {
  const int index = trial.index;
  waiting_.insert_or_assign(index, std::move(trial));
  while (!waiting_.empty() && is_next(waiting_.begin()->first)) {
    decide(std::move(waiting_.extract(waiting_.begin()).mapped()));
  }
}

bool Referee::is_hopeless(double value, CurvePoint point) const {
  if (point.fold >= means_.size() || point.n_rounds > means_[point.fold].size()) return false;
  const std::vector<double>& means = means_[point.fold][point.n_rounds - 1];
  if (means.size() < static_cast<std::size_t>(study_.median_rule.min_trials)) return false;
  return study_.goal.is_better(median(means), value);  // not when the value is NaN
}

std::optional<CurvePoint> Referee::find_stop(std::span<const TrialCurve> curves, int n_rounds,
                                             CurvePoint from) const {
  if (!study_.median_rule.is_on) return std::nullopt;
  const auto first = static_cast<std::size_t>(study_.median_rule.min_rounds);
  for (std::size_t fold = from.fold; fold < curves.size(); ++fold) {
    // After the last round there is nothing to save, but in folds to come.
    const bool is_last = fold + 1 == static_cast<std::size_t>(std::max(study_.n_folds, 1));
    const std::size_t end = static_cast<std::size_t>(n_rounds) + (is_last ? 0 : 1);
    const std::vector<double>& values = curves[fold].values;
    for (std::size_t n = std::max(first, fold == from.fold ? from.n_rounds : 0);
         n <= values.size() && n < end; ++n) {
      if (is_hopeless(values[n - 1], {fold, n})) return CurvePoint{fold, n};
    }
  }
  return std::nullopt;
}

void Referee::remember(const Trial& trial) {
  if (!study_.median_rule.is_on) return;
  means_.resize(std::max(means_.size(), trial.curves.size()));
  for (std::size_t fold = 0; fold < trial.curves.size(); ++fold) {
    const std::vector<double>& values = trial.curves[fold].values;
    means_[fold].resize(std::max(means_[fold].size(), values.size()));
    double sum = 0;
    for (std::size_t round = 0; round < values.size(); ++round) {
      sum += values[round];
      if (!std::isnan(sum)) means_[fold][round].push_back(sum / static_cast<double>(round + 1));
    }
  }
}

void Referee::decide(Trial trial) {
  if (trial.status != TrialStatus::kFailed) {
    const int n_rounds = trial_parameters(study_, trial.parameters).num_round;
    if (const auto stop = find_stop(trial.curves, n_rounds)) cut(trial, *stop);
    remember(trial);
  }
  outcome_.add(std::move(trial), study_.goal);
  end_if_due();
}

void Referee::end_if_due() {
  const auto n = static_cast<int>(outcome_.trials.size());
  const Trial* best = outcome_.winner();
  const bool has_target = !std::isnan(limits_.target) && best != nullptr;
  if (has_target && !study_.goal.is_better(limits_.target, best->score())) {
    outcome_.end = EndReason::kTarget;
  } else if (n >= trial_count(study_, limits_)) {
    outcome_.end = EndReason::kTrials;
  } else if (limits_.patience > 0 && n - 1 - outcome_.best >= limits_.patience) {
    outcome_.end = EndReason::kPatience;
  }
}

}  // namespace coppice::tune
