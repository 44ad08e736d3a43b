// What comes out of trials: the median rule, limits, halving, and what makes a study another one.
#include <coppice/error.h>
#include <coppice/tune/study.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace coppice::tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

Study study_of(int n_rounds) {
  Study study;
  study.space = {range_from_text("eta=0:1")};
  study.parameters.num_round = n_rounds;
  study.goal = {"validation-auc", true};
  return study;
}

Trial trial_of(int index, std::vector<double> values) {
  Trial trial;
  trial.index = index;
  trial.parameters = {{"eta", "0.5"}};
  const int n_rounds = static_cast<int>(values.size());
  trial.curves = {{std::move(values), n_rounds, {}}};
  return trial;
}

Trial failed(int index) {
  Trial trial;
  trial.index = index;
  trial.parameters = {{"eta", "0.5"}};
  trial.status = TrialStatus::kFailed;
  trial.error = "no";
  return trial;
}

std::vector<TrialStatus> statuses(const Outcome& outcome) {
  std::vector<TrialStatus> result;
  for (const Trial& trial : outcome.trials) result.push_back(trial.status);
  return result;
}

TEST(Outcome, TheBestSoFarIsTheFirstOfEqualsAndNeverNotANumber) {
  const Goal goal{"validation-auc", true};
  Outcome outcome;
  outcome.add(trial_of(3, {kNan}), goal);
  EXPECT_EQ(outcome.winner(), nullptr);
  EXPECT_TRUE(outcome.is_improved_by(0.1, goal));
  EXPECT_FALSE(outcome.is_improved_by(kNan, goal));
  outcome.add(trial_of(4, {0.5}), goal);
  outcome.add(trial_of(7, {0.5}), goal);
  EXPECT_EQ(outcome.best, 1);
  EXPECT_EQ(outcome.winner()->index, 4);
  EXPECT_FALSE(outcome.is_improved_by(0.5, goal));
  EXPECT_FALSE(outcome.is_improved_by(kNan, goal));
  EXPECT_TRUE(outcome.is_improved_by(0.6, goal));
  const Goal falling{"validation-logloss", false};
  EXPECT_FALSE(outcome.is_improved_by(0.6, falling));
  EXPECT_TRUE(outcome.is_improved_by(0.4, falling));
  outcome.add(trial_of(8, {0.6}), goal);
  EXPECT_EQ(outcome.best, 3);
}

TEST(Decide, TheBestLastRoundWinsAndTheFirstOfEquals) {
  const Study study = study_of(2);
  const Outcome outcome = decide(
      study, {.n_trials = 4},
      std::vector{trial_of(0, {0.9, 0.7}), failed(1), trial_of(2, {0.1, 0.8}), trial_of(3, {0.9, 0.8})});
  EXPECT_EQ(outcome.best, 2);
  EXPECT_EQ(outcome.end, EndReason::kTrials);
  EXPECT_TRUE(std::isnan(outcome.trials[1].score()));
  Study falling = study;
  falling.goal.higher_is_better = false;
  EXPECT_EQ(
      decide(falling, {.n_trials = 2}, std::vector{trial_of(0, {0.1, 0.7}), trial_of(1, {0.9, 0.6})}).best,
      1);
}

TEST(Decide, AScoreIsThatOfTheModelAndTheMeanOfFolds) {
  Trial trial = trial_of(0, {0.5, 0.875, 0.75});
  trial.curves[0].n_rounds = 2;  // early stopping cut the model
  EXPECT_EQ(trial.score(), 0.875);
  trial.curves.push_back({{0.125}, 1, {}});
  EXPECT_EQ(trial.score(), 0.5);
  trial.status = TrialStatus::kStopped;
  EXPECT_TRUE(std::isnan(trial.score()));
}

TEST(Decide, TrialsCountInTheirOrderWhenAllBeforeAreThere) {
  const Study study = study_of(1);
  const Limits limits = {.n_trials = 3};
  const std::vector<Trial> late = {trial_of(2, {0.9}), trial_of(0, {0.5})};
  const Outcome so_far = decide(study, limits, late);
  EXPECT_EQ(so_far.trials.size(), 1U);
  EXPECT_EQ(so_far.end, EndReason::kNotEnded);
  const Outcome all = decide(study, limits, std::vector{late[0], late[1], trial_of(1, {0.6})});
  EXPECT_EQ(all.trials.size(), 3U);
  EXPECT_EQ(all.best, 2);
}

TEST(Decide, MedianRuleComparesWithRunningMeansOfEarlierTrials) {
  Study study = study_of(4);
  study.median_rule = {true, 2, 3};
  const Limits limits = {.n_trials = 10};
  // Running means after round 2: 0.5, 0.6, 0.7; their median 0.6. After round 3: 0.5, 0.6, 0.8: 0.6.
  std::vector<Trial> trials = {trial_of(0, {0.4, 0.6, 0.5, 0.5}), trial_of(1, {0.6, 0.6, 0.6, 0.6}),
                               trial_of(2, {0.5, 0.9, 1.0, 1.0})};
  trials.push_back(trial_of(3, {0.0, 0.6, 0.6, 0.0}));  // as good as the median, then at its last round
  // Of trial 3 the means are 0.3 and 0.4, so that the median of four is 0.55 after round 2 and after round 3.
  trials.push_back(trial_of(4, {0.9, 0.54, 0.9, 0.9}));  // worse after round 2
  trials.push_back(trial_of(5, {0.0, 0.9, 0.1}));  // worse after round 3, where its training was stopped
  const Outcome outcome = decide(study, limits, trials);
  EXPECT_THAT(statuses(outcome),
              ElementsAre(TrialStatus::kCompleted, TrialStatus::kCompleted, TrialStatus::kCompleted,
                          TrialStatus::kCompleted, TrialStatus::kStopped, TrialStatus::kStopped));
  EXPECT_THAT(outcome.trials[4].curves[0].values, ElementsAre(0.9, 0.54));
  EXPECT_EQ(outcome.trials[4].curves[0].n_rounds, 2);
  EXPECT_THAT(outcome.trials[5].curves[0].values, ElementsAre(0.0, 0.9, 0.1));
  EXPECT_EQ(outcome.best, 2);
  study.median_rule.min_trials = 5;  // trial 4 has four before it
  EXPECT_EQ(decide(study, limits, trials).trials[4].status, TrialStatus::kCompleted);
}

TEST(Decide, MedianRuleLooksAtEachFold) {
  Study study = study_of(2);
  study.n_folds = 2;
  study.median_rule = {true, 1, 1};
  Trial first = trial_of(0, {0.5, 0.5}), second = trial_of(1, {0.6, 0.4}), third = trial_of(2, {0.9, 0.9});
  first.curves.push_back({{0.7, 0.7}, 2, {}});
  second.curves.push_back({{0.9, 0.9}, 2, {}});
  third.curves.push_back({{0.6, 0.9}, 2, {}});
  const Outcome outcome = decide(study, {.n_trials = 3}, std::vector{first, second, third});
  // The second is worse at the end of its first fold, which saves the other; the third in its second one.
  ASSERT_THAT(statuses(outcome),
              ElementsAre(TrialStatus::kCompleted, TrialStatus::kStopped, TrialStatus::kStopped));
  EXPECT_EQ(outcome.trials[1].curves.size(), 1U);
  EXPECT_THAT(outcome.trials[2].curves[1].values, ElementsAre(0.6));
}

TEST(Decide, NotANumberNeitherStopsNorWins) {
  Study study = study_of(3);
  study.median_rule = {true, 1, 1};
  const Outcome outcome = decide(study, {.n_trials = 3},
                                 std::vector{trial_of(0, {0.5, 0.5, 0.5}), trial_of(1, {kNan, kNan, kNan}),
                                             trial_of(2, {kNan, 0.5, 0.6})});
  EXPECT_THAT(statuses(outcome),
              ElementsAre(TrialStatus::kCompleted, TrialStatus::kCompleted, TrialStatus::kCompleted));
  EXPECT_EQ(outcome.best, 2);
}

TEST(Decide, LimitsEndAStudyInTheOrderOfTrials) {
  const Study study = study_of(1);
  const std::vector<Trial> trials = {trial_of(0, {0.5}), trial_of(1, {0.7}), trial_of(2, {0.6}),
                                     trial_of(3, {0.7}), trial_of(4, {0.9})};
  const auto outcome_with = [&](const Limits& limits) { return decide(study, limits, trials); };
  const Outcome target = outcome_with({.n_trials = 9, .target = 0.7});
  EXPECT_EQ(target.end, EndReason::kTarget);
  EXPECT_EQ(target.trials.size(), 2U);
  const Outcome patience = outcome_with({.n_trials = 9, .patience = 2});
  EXPECT_EQ(patience.end, EndReason::kPatience);  // 2 and 3 did not improve
  EXPECT_EQ(patience.trials.size(), 4U);
  EXPECT_EQ(patience.best, 1);
  EXPECT_EQ(outcome_with({.n_trials = 9, .patience = 3}).end, EndReason::kNotEnded);
  EXPECT_EQ(outcome_with({.n_trials = 3}).trials.size(), 3U);
  EXPECT_EQ(decide(study, {.n_trials = 9, .patience = 2}, std::vector{failed(0), failed(1), failed(2)})
                .trials.size(),
            2U);
}

Study halving_study() {
  Study study = study_of(8);
  study.strategy = Strategy::kHalving;
  study.halving = {4, 2, 2};  // rungs at 2, 4 and 8 rounds
  return study;
}

TEST(Halving, TheBestGoOn) {
  const Study study = halving_study();
  EXPECT_EQ(training_count(study, {}), 4 + 2 + 1);
  std::vector<Trial> trials = {trial_of(3, {0.1, 0.5}), trial_of(0, {0.9, 0.4}), trial_of(1, {0.1, 0.6}),
                               trial_of(2, {0.1, 0.5})};
  for (Trial& trial : trials) trial.status = TrialStatus::kPaused;
  const Outcome first = decide(study, {}, trials);
  // 1, then 2 before its equal 3.
  EXPECT_THAT(statuses(first), ElementsAre(TrialStatus::kStopped, TrialStatus::kPaused, TrialStatus::kPaused,
                                           TrialStatus::kStopped));
  EXPECT_EQ(first.end, EndReason::kNotEnded);
  trials.push_back(trial_of(1, {0.1, 0.6, 0.6, 0.6}));
  trials.push_back(trial_of(2, {0.1, 0.5, 0.6, 0.7}));
  trials[4].status = trials[5].status = TrialStatus::kPaused;
  trials.push_back(trial_of(2, {0.1, 0.5, 0.6, 0.7, 0.7, 0.7, 0.7, 0.8}));
  const Outcome done = decide(study, {}, trials);
  EXPECT_THAT(statuses(done), ElementsAre(TrialStatus::kStopped, TrialStatus::kStopped,
                                          TrialStatus::kCompleted, TrialStatus::kStopped));
  EXPECT_EQ(done.end, EndReason::kTrials);
  EXPECT_EQ(done.winner()->index, 2);
  EXPECT_EQ(done.trials[1].curves[0].n_rounds, 4);
}

TEST(Halving, AFailedTrialLeavesItsPlaceAtTheRungsItReached) {
  const Study study = halving_study();
  std::vector<Trial> trials;
  for (int i = 0; i < 4; ++i) trials.push_back(trial_of(i, {0.1, 0.9 - 0.1 * i}));
  for (Trial& trial : trials) trial.status = TrialStatus::kPaused;
  trials.push_back(trial_of(0, {0.1, 0.9}));  // failed on its way to the second rung
  trials.back().status = TrialStatus::kFailed;
  trials.push_back(trial_of(1, {0.1, 0.8, 0.8, 0.8}));
  trials.back().status = TrialStatus::kPaused;
  trials.push_back(trial_of(1, {0.1, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8, 0.8}));
  const Outcome outcome = decide(study, {}, trials);
  EXPECT_THAT(statuses(outcome), ElementsAre(TrialStatus::kFailed, TrialStatus::kCompleted,
                                             TrialStatus::kStopped, TrialStatus::kStopped));
  EXPECT_EQ(outcome.end, EndReason::kTrials);
}

TEST(Study, TellsWhatChanged) {
  const Study study = study_of(10);
  const auto difference_of = [&](auto&& change) {
    Study changed = study;
    change(changed);
    return first_difference(study, changed);
  };
  EXPECT_EQ(difference_of([](Study&) {}), "");
  EXPECT_EQ(difference_of([](Study& s) { s.parameters.threads = 7; }), "");
  EXPECT_EQ(difference_of([](Study& s) { s.source = "{}"; }), "");
  EXPECT_EQ(difference_of([](Study& s) { s.parameters.max_depth = 7; }), "max_depth was 6, now it is 7");
  EXPECT_EQ(difference_of([](Study& s) { s.data_hash = "x"; }), "its tables had other content");
  EXPECT_THAT(difference_of([](Study& s) { s.space[0].high = 0.5; }),
              HasSubstr(R"(its range was {"eta":"0:1"})"));
  EXPECT_EQ(difference_of([](Study& s) { s.space.push_back(range_from_text("gamma=0:1")); }),
            "it did not vary gamma");
  EXPECT_EQ(difference_of([](Study& s) { s.space.clear(); }), "it varied eta");
  EXPECT_EQ(difference_of([](Study& s) { s.seed = 3; }), "the seed was 0, now it is 3");
  EXPECT_EQ(difference_of([](Study& s) { s.strategy = Strategy::kGrid; }),
            "the strategy was random, now it is grid");
  EXPECT_EQ(difference_of([](Study& s) { s.goal.metric = "validation-ap"; }),
            "the objective was validation-auc, now it is validation-ap");
  EXPECT_EQ(difference_of([](Study& s) { s.median_rule.is_on = true; }),
            "the median rule was off, now it is from 10 rounds and 5 trials on");
}

TEST(Study, RefusesWhatDoesNotGoTogether) {
  const auto error_of = [](auto&& change, Limits limits = {}) -> std::string {
    Study study = halving_study();
    change(study);
    try {
      check_study(study, limits);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(error_of([](Study&) {}), "");
  EXPECT_THAT(error_of([](Study& s) { s.median_rule.is_on = true; }), HasSubstr("leave the median rule out"));
  EXPECT_THAT(error_of([](Study& s) { s.parameters.early_stopping_rounds = 3; }),
              HasSubstr("early_stopping_rounds"));
  EXPECT_THAT(error_of([](Study& s) { s.space.push_back(range_from_text("num_round=1:9")); }),
              HasSubstr("num_round"));
  EXPECT_THAT(error_of([](Study&) {}, {.target = 0.9}), HasSubstr("target"));
  EXPECT_THAT(error_of([](Study&) {}, {.patience = 3}), HasSubstr("patience"));
  EXPECT_THAT(error_of([](Study& s) { s.halving.factor = 1; }), HasSubstr("factor"));
}

}  // namespace
}  // namespace coppice::tune
