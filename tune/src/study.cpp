#include <coppice/error.h>
#include <coppice/tune/study.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::tune {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error("tune.study", why); }

void check_halving(const Study& study, const Limits& limits) {
  const Halving& halving = study.halving;
  if (halving.n_trials < 1 || halving.min_rounds < 1 || halving.factor < 2)
    refuse("halving needs at least one trial, one round and a factor of 2");
  if (study.median_rule.is_on) refuse("halving stops trials itself: leave the median rule out");
  if (study.parameters.early_stopping_rounds > 0 || varies(study.space, "early_stopping_rounds"))
    refuse("halving decides how many rounds a trial has: leave early_stopping_rounds out");
  if (varies(study.space, "num_round"))
    refuse("halving decides how many rounds a trial has: give num_round one value, the most of them");
  if (limits.target == limits.target || limits.patience > 0)
    refuse("a target or a patience needs trials that end one by one, which those of halving do not");
}

std::string space_difference(const Space& before, const Space& now) {
  for (const Range& range : before) {
    const auto same = std::ranges::find(now, range.name, &Range::name);
    if (same == now.end()) return fmt::format("it varied {}", range.name);
    if (*same != range) return fmt::format("its range was {}", space_to_json({range}));
  }
  for (const Range& range : now) {
    if (std::ranges::find(before, range.name, &Range::name) == before.end())
      return fmt::format("it did not vary {}", range.name);
  }
  return "";
}

bool same_order(const Space& before, const Space& now) {
  return std::ranges::equal(before, now, {}, &Range::name, &Range::name);
}

std::string parameter_difference(const Parameters& before, const Parameters& now) {
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model) continue;
    const std::string was = get_parameter(before, info.name), is = get_parameter(now, info.name);
    if (was != is) return fmt::format("{} was {}, now it is {}", info.name, was, is);
  }
  return "";
}

std::string halving_difference(const Halving& before, const Halving& now) {
  if (before == now) return "";
  return fmt::format("it halved {} trials from {} rounds by {}, now it is {} trials from {} rounds by {}",
                     before.n_trials, before.min_rounds, before.factor, now.n_trials, now.min_rounds,
                     now.factor);
}

std::string median_difference(const MedianRule& before, const MedianRule& now) {
  if (before == now) return "";
  const auto text = [](const MedianRule& rule) {
    return rule.is_on ? fmt::format("from {} rounds and {} trials on", rule.min_rounds, rule.min_trials)
                      : std::string("off");
  };
  return fmt::format("the median rule was {}, now it is {}", text(before), text(now));
}

/// What only some strategies look at.
std::string strategy_difference(const Study& before, const Study& now) {
  if (before.strategy != now.strategy)
    return fmt::format("the strategy was {}, now it is {}", to_string(before.strategy),
                       to_string(now.strategy));
  if (before.strategy != Strategy::kGrid && before.seed != now.seed)
    return fmt::format("the seed was {}, now it is {}", before.seed, now.seed);
  if (before.strategy == Strategy::kGrid && !same_order(before.space, now.space))
    return "its ranges stood in another order";
  if (before.strategy == Strategy::kGrid && before.grid_steps != now.grid_steps)
    return fmt::format("the grid had {} steps, now it has {}", before.grid_steps, now.grid_steps);
  if (before.strategy == Strategy::kHalving) return halving_difference(before.halving, now.halving);
  return "";
}

}  // namespace

std::string_view to_string(Strategy strategy) noexcept {
  if (strategy == Strategy::kGrid) return "grid";
  return strategy == Strategy::kHalving ? "halving" : "random";
}

std::string_view to_string(TrialStatus status) noexcept {
  switch (status) {
    case TrialStatus::kCompleted:
      return "Completed";
    case TrialStatus::kStopped:
      return "Stopped";
    case TrialStatus::kFailed:
      return "Failed";
    case TrialStatus::kPaused:
      break;
  }
  return "Paused";
}

std::string_view to_string(EndReason reason) noexcept {
  switch (reason) {
    case EndReason::kTrials:
      return "trials";
    case EndReason::kTarget:
      return "target";
    case EndReason::kPatience:
      return "patience";
    case EndReason::kTime:
      return "time";
    case EndReason::kNotEnded:
      break;
  }
  return "none";
}

double Trial::score() const {
  double sum = 0;
  for (const TrialCurve& curve : curves) {
    if (curve.n_rounds < 1) return std::numeric_limits<double>::quiet_NaN();
    sum += curve.values[static_cast<std::size_t>(curve.n_rounds) - 1];
  }
  const bool has_score = status == TrialStatus::kCompleted && !curves.empty();
  return has_score ? sum / static_cast<double>(curves.size()) : std::numeric_limits<double>::quiet_NaN();
}

bool Outcome::is_improved_by(double score, const Goal& goal) const {
  const Trial* const so_far = winner();
  return !std::isnan(score) && (so_far == nullptr || goal.is_better(score, so_far->score()));
}

void Outcome::add(Trial trial, const Goal& goal) {
  if (is_improved_by(trial.score(), goal)) best = static_cast<int>(trials.size());
  trials.push_back(std::move(trial));
}

std::vector<Assignment> trial_point(const Study& study, int trial) {
  if (study.strategy == Strategy::kGrid) return grid_point(study.space, study.grid_steps, trial);
  return random_point(study.space, study.seed, trial);
}

Parameters trial_parameters(const Study& study, const std::vector<Assignment>& point) {
  Parameters parameters = study.parameters;
  for (const Assignment& assignment : point) set_parameter(parameters, assignment.name, assignment.value);
  return parameters;
}

int trial_count(const Study& study, const Limits& limits) {
  if (study.strategy == Strategy::kGrid) return grid_size(study.space, study.grid_steps);
  return study.strategy == Strategy::kHalving ? study.halving.n_trials : limits.n_trials;
}

void check_study(const Study& study, const Limits& limits) {
  check_space(study.space);
  if (study.strategy == Strategy::kGrid && study.grid_steps < 2) refuse("a grid needs at least two steps");
  if (study.median_rule.min_rounds < 1 || study.median_rule.min_trials < 1)
    refuse("the median rule needs at least one round and one trial");
  if (study.strategy == Strategy::kHalving) check_halving(study, limits);
  if (trial_count(study, limits) < 1) refuse("a study needs at least one trial");
}

std::string first_difference(const Study& before, const Study& now) {
  if (before.library_version != now.library_version)
    return fmt::format("it was begun by version {}, this is {}", before.library_version, now.library_version);
  if (before.data_hash != now.data_hash) return "its tables had other content";
  if (before.n_folds != now.n_folds)
    return fmt::format("it had {} folds, now it has {}", before.n_folds, now.n_folds);
  if (before.fold_hash != now.fold_hash) return "its folds had other rows";
  if (before.goal != now.goal)
    return fmt::format("the objective was {}, now it is {}", before.goal.metric, now.goal.metric);
  for (const std::string& difference :
       {space_difference(before.space, now.space), parameter_difference(before.parameters, now.parameters),
        strategy_difference(before, now), median_difference(before.median_rule, now.median_rule)}) {
    if (!difference.empty()) return difference;
  }
  return "";
}

}  // namespace coppice::tune
