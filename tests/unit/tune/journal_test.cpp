// The journal: what is written is read back, a torn last line does not count, others are refused.
#include <coppice/error.h>
#include <coppice/tune/journal.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

namespace coppice::tune {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

Study some_study() {
  Study study;
  study.space = {range_from_text("max_depth=1:10"), range_from_text("eta=0.01:1:log"),
                 range_from_text("grow_policy=depthwise,lossguide")};
  study.parameters.num_round = 17;
  study.parameters.eval_metric = {"auc", "recall@fpr=0.01"};
  study.parameters.reg_lambda = 0.1;
  study.strategy = Strategy::kHalving;
  study.seed = 18446744073709551615U;
  study.grid_steps = 4;
  study.halving = {9, 3, 2};
  study.median_rule = {true, 7, 2};
  study.goal = {"validation-logloss", false};
  study.n_folds = 2;
  study.data_hash = "abc";
  study.fold_hash = "def";
  study.source = R"({"train":["a \"b\".csv"]})";
  return study;
}

Trial some_trial() {
  Trial trial;
  trial.index = 3;
  trial.parameters = {{"max_depth", "4"}, {"eta", "0.1"}, {"grow_policy", "lossguide"}};
  trial.begin_time = 1000.25;
  trial.end_time = 1001.5;
  trial.curves = {{{0.1, 1.0 / 3, std::numeric_limits<double>::quiet_NaN()}, 2, {{"validation-auc", 0.7}}},
                  {{0.25}, 1, {}}};
  return trial;
}

std::string whole_journal() {
  return study_line(some_study(), 999) + run_line({1000, 42, "host", 3, 2, {.n_trials = 9, .target = 0.5}}) +
         trial_start_line(some_trial()) + trial_end_line(some_trial()) + end_line(EndReason::kTarget, 1002);
}

TEST(Journal, ReadsBackWhatWasWritten) {
  const Journal journal = read_journal(whole_journal(), "j");
  EXPECT_EQ(first_difference(journal.study, some_study()), "");
  EXPECT_EQ(journal.study.source, some_study().source);
  EXPECT_EQ(journal.study.halving, some_study().halving);
  EXPECT_EQ(journal.study.seed, some_study().seed);
  EXPECT_EQ(journal.begin_time, 999);
  EXPECT_EQ(journal.last_time, 1002);
  EXPECT_EQ(journal.end, EndReason::kTarget);
  ASSERT_EQ(journal.runs.size(), 1U);
  EXPECT_EQ(journal.runs[0].process, 42);
  EXPECT_EQ(journal.runs[0].limits.target, 0.5);
  ASSERT_EQ(journal.finished.size(), 1U);
  EXPECT_TRUE(journal.started.empty());
  const Trial &read = journal.finished[0], written = some_trial();
  EXPECT_EQ(read.parameters, written.parameters);
  EXPECT_EQ(read.curves[0].values[1], 1.0 / 3);  // to the bit
  EXPECT_TRUE(std::isnan(read.curves[0].values[2]));
  EXPECT_EQ(read.curves[0].metrics[0].value, 0.7);
  EXPECT_EQ(read.curves[1].n_rounds, 1);
  EXPECT_EQ(read.score(), (1.0 / 3 + 0.25) / 2);
  EXPECT_EQ(trial_end_line(read), trial_end_line(written));
}

TEST(Journal, EveryCutIsAJournal) {
  const std::string text = whole_journal();
  for (std::size_t size = 0; size <= text.size(); ++size) {
    const Journal journal = read_journal(text.substr(0, size), "j");
    const auto n_lines = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size), '\n');
    EXPECT_EQ(journal.is_empty(), n_lines == 0);
    EXPECT_EQ(journal.finished.size(), n_lines >= 4 ? 1U : 0U);
    EXPECT_EQ(journal.started.size(), n_lines == 3 ? 1U : 0U);
  }
}

TEST(Journal, ATrialOfADeadProcessIsBegunAnew) {
  const std::string text = study_line(some_study(), 1) + run_line({}) + trial_start_line(some_trial()) +
                           run_line({}) + trial_start_line(some_trial()) + trial_end_line(some_trial());
  const Journal journal = read_journal(text, "j");
  EXPECT_EQ(journal.finished.size(), 1U);
  EXPECT_TRUE(journal.started.empty());
}

TEST(Journal, TellsTheLineThatIsNone) {
  const std::string study = study_line(some_study(), 1);
  std::string other_format = study;
  other_format.replace(other_format.find("\"format\":1"), 10, "\"format\":2");
  for (const std::string& text :
       {std::string("\n"), std::string("{}\n"), run_line({}), other_format, study + study, study + "[1]\n",
        study + "{\"event\":\"?\",\"time\":1}\n", study + trial_end_line(some_trial()), study + "\xff\n"}) {
    try {
      (void)read_journal(text, "j");
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), StartsWith("[tune.journal] j:"));
      EXPECT_THAT(error.what(), HasSubstr(text.starts_with(study) ? "j:2:" : "j:1:"));
    }
  }
}

TEST(Journal, OutcomeHasNoTimes) {
  Study study = some_study();
  study.strategy = Strategy::kRandom;
  Outcome outcome;
  outcome.trials = {some_trial()};
  outcome.best = 0;
  Outcome later = outcome;
  later.trials[0].begin_time = 5;
  EXPECT_EQ(outcome_json(study, outcome), outcome_json(study, later));
  EXPECT_THAT(outcome_json(study, outcome), HasSubstr(R"("best":{"trial":3,"parameters":{"max_depth":"4")"));
}

}  // namespace
}  // namespace coppice::tune
