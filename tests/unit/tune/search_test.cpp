// Searching with trainings that are made up: the same outcome for any number of trials at once.
#include <coppice/error.h>
#include <coppice/tune/journal.h>
#include <coppice/tune/search.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace coppice::tune {
namespace {

constexpr int kRounds = 12;

Study study_of(Strategy strategy) {
  Study study;
  study.space = {range_from_text("eta=0:1"), range_from_text("max_depth=1:9")};
  study.parameters.num_round = kRounds;
  study.strategy = strategy;
  study.goal = {"validation-auc", true};
  study.seed = 3;
  study.grid_steps = 4;
  study.halving = {13, 2, 2};
  return study;
}

/// A curve that rises to a height and with a speed that the point gives, and takes the longer the deeper. Of
/// a grid the first trials are the best, so that others stop.
TrainedTrial train(const TrialJob& job, const RoundObserver& observer) {
  const double eta = std::stod(job.point[0].value);
  const int depth = std::stoi(job.point[1].value);
  if (depth == 4 || depth == 5) throw Error("test.depth", "a bad depth");
  TrainedTrial trained;
  TrialCurve& curve = trained.curves.emplace_back();
  Model model;
  if (!job.continue_from.empty()) model = job.continue_from[0];
  for (int round = 0; round < (job.n_rounds > 0 ? job.n_rounds : kRounds); ++round) {
    const double value = (1 - eta) * (1 - std::exp2(-(round + 1) / static_cast<double>(depth)));
    curve.values.push_back(value);
    ++curve.n_rounds;
    if (round < static_cast<int>(model.trees.size())) continue;
    model.trees.emplace_back();
    std::this_thread::sleep_for(std::chrono::microseconds(40 * depth));
    if (!observer(0, value)) return trained;
  }
  trained.models.push_back(std::move(model));
  return trained;
}

std::string outcome_of(const Study& study, const SearchOptions& options, std::vector<Trial> finished = {},
                       const SearchObserver& observer = {}) {
  return outcome_json(study, search(study, options, std::move(finished), train, observer));
}

TEST(Search, TheOutcomeIsTheSameForAnyNumberAtOnce) {
  for (const Strategy strategy : {Strategy::kRandom, Strategy::kGrid, Strategy::kHalving}) {
    for (const bool uses_median : {false, true}) {
      Study study = study_of(strategy);
      if (strategy == Strategy::kHalving && uses_median) continue;
      study.median_rule = {uses_median, 2, 2};
      Limits limits = {.n_trials = 30};
      if (strategy == Strategy::kRandom) limits.patience = 12;
      const std::string alone = outcome_of(study, {1, 1, limits});
      EXPECT_EQ(alone.find("Stopped") != std::string::npos, uses_median || strategy == Strategy::kHalving);
      EXPECT_NE(alone.find("a bad depth"), std::string::npos);
      for (const int parallel : {2, 3, 8}) EXPECT_EQ(outcome_of(study, {parallel, 8, limits}), alone);
    }
  }
}

TEST(Search, ALimitIsReachedByTheTrialsInTheirOrder) {
  const Study study = study_of(Strategy::kRandom);
  const Limits limits = {.n_trials = 1000, .target = 0.9};
  const Outcome alone = search(study, {1, 1, limits}, {}, train);
  EXPECT_EQ(alone.end, EndReason::kTarget);
  EXPECT_EQ(alone.winner()->index, static_cast<int>(alone.trials.size()) - 1);
  EXPECT_EQ(outcome_of(study, {3, 3, limits}), outcome_json(study, alone));
}

TEST(Search, GoesOnWithoutRepeatingWhatHasFinished) {
  for (const Strategy strategy : {Strategy::kRandom, Strategy::kHalving}) {
    const Study study = study_of(strategy);
    const Limits limits = {.n_trials = 14};
    std::vector<Trial> finished;  // in the order in which trials ended
    SearchObserver observer;
    observer.on_end = [&](const Trial& trial, std::span<const Model>, const Outcome&) {
      finished.push_back(trial);
    };
    const std::string whole = outcome_of(study, {3, 3, limits}, {}, observer);
    for (std::size_t n = 0; n <= finished.size(); n += 3) {
      std::set<std::pair<int, std::size_t>> done, repeated;
      const std::vector<Trial> begin(finished.begin(), finished.begin() + static_cast<std::ptrdiff_t>(n));
      const auto key = [](const Trial& trial) {
        return std::pair(trial.index, trial.curves.empty() ? 0 : trial.curves[0].values.size());
      };
      for (const Trial& trial : begin) done.insert(key(trial));
      SearchObserver watch;
      watch.on_end = [&](const Trial& trial, std::span<const Model>, const Outcome&) {
        if (done.contains(key(trial))) repeated.insert(key(trial));
      };
      EXPECT_EQ(outcome_of(study, {2, 2, limits}, begin, watch), whole);
      EXPECT_TRUE(repeated.empty());
    }
  }
}

TEST(Search, MoreTrialsGoOnFromFewer) {
  const Study study = study_of(Strategy::kRandom);
  const Outcome few = search(study, {2, 2, {.n_trials = 6}}, {}, train);
  EXPECT_EQ(outcome_of(study, {2, 2, {.n_trials = 12}}, few.trials),
            outcome_of(study, {1, 1, {.n_trials = 12}}));
}

TEST(Search, ThreadsOfTrialsStayWithinTheBudget) {
  const Study study = study_of(Strategy::kRandom);
  for (const auto& [parallel, threads] :
       {std::pair(3, 2), std::pair(2, 5), std::pair(4, 4), std::pair(1, 3)}) {
    std::atomic<int> in_use = 0, most = 0, at_once = 0, most_at_once = 0;
    const auto raise = [](std::atomic<int>& peak, int value) {
      for (int seen = peak; seen < value && !peak.compare_exchange_weak(seen, value);) {
      }
    };
    const TrainJob counting = [&](const TrialJob& job, const RoundObserver& observer) {
      raise(most, in_use += job.threads);
      raise(most_at_once, ++at_once);
      TrainedTrial trained;
      try {
        trained = train(job, observer);
      } catch (const Error&) {
      }
      --at_once;
      in_use -= job.threads;
      return trained;
    };
    (void)search(study, {parallel, threads, {.n_trials = 12}}, {}, counting);
    EXPECT_LE(most, threads);
    EXPECT_LE(most_at_once, std::min(parallel, threads));
  }
}

TEST(Search, TimeEndsIt) {
  const Study study = study_of(Strategy::kRandom);
  const Outcome outcome = search(study, {2, 2, {.n_trials = 1'000'000, .seconds = 0.05}}, {}, train);
  EXPECT_EQ(outcome.end, EndReason::kTime);
  EXPECT_LT(outcome.trials.size(), 1'000'000U);
}

TEST(Search, AnObserverThatFailsEndsItWithItsError) {
  const Study study = study_of(Strategy::kRandom);
  SearchObserver on_end, on_round;
  on_end.on_end = [](const Trial&, std::span<const Model>, const Outcome&) {
    throw Error("disk.full", "no room");
  };
  on_round.on_round = [](const Trial&, int) { throw Error("disk.full", "no room"); };
  for (const SearchObserver& observer : {on_end, on_round}) {
    EXPECT_THROW((void)search(study, {3, 3, {.n_trials = 9}}, {}, train, observer), Error);
  }
}

TEST(Search, ModelsComeWithTrialsThatComplete) {
  const Study study = study_of(Strategy::kHalving);
  SearchObserver observer;
  int n_models = 0;
  observer.on_end = [&](const Trial& trial, std::span<const Model> models, const Outcome&) {
    EXPECT_EQ(models.size(), trial.status == TrialStatus::kCompleted ? 1U : 0U);
    if (models.empty()) return;
    ++n_models;
    EXPECT_EQ(models[0].trees.size(), static_cast<std::size_t>(kRounds));
  };
  (void)search(study, {2, 2, {}}, {}, train, observer);
  EXPECT_GT(n_models, 0);
}

}  // namespace
}  // namespace coppice::tune
