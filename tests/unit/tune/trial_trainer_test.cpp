// Trials on real tables: bins are shared and models are those of ordinary trainings.
#include <coppice/kernels/backends.h>
#include <coppice/tune/trial_trainer.h>

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace coppice::tune {
namespace {

Dataset table_of(std::size_t n_rows, std::uint32_t seed) {
  std::vector<float> values, labels;
  std::uint32_t state = seed;
  const auto uniform = [&] {
    state = state * 1664525U + 1013904223U;
    return static_cast<float>(state >> 8) * 0x1p-24F;
  };
  for (std::size_t i = 0; i < n_rows; ++i) {
    values.push_back(uniform());
    values.push_back(uniform());
    labels.push_back(values[2 * i] + values[2 * i + 1] + uniform() > 1.5F ? 1.0F : 0.0F);
  }
  return make_dataset(values, 2, labels);
}

/// Counts how often tables are binned.
class CountingBackend final : public Backend {
 public:
  CountingBackend(int threads, std::atomic<int>& n_binned)
      : backend_(kernels::make_cpu_backend(threads)), n_binned_(n_binned) {}
  [[nodiscard]] std::string name() const override { return backend_->name(); }
  [[nodiscard]] Cuts make_cuts(const Dataset& data, const CutOptions& options) const override {
    return backend_->make_cuts(data, options);
  }
  [[nodiscard]] BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) const override {
    ++n_binned_;
    return backend_->bin(data, cuts, with_records);
  }
  [[nodiscard]] std::unique_ptr<TrainingSession> open(const SessionData& data,
                                                      const Parameters& parameters) const override {
    return backend_->open(data, parameters);
  }

 private:
  std::unique_ptr<Backend> backend_;
  std::atomic<int>& n_binned_;
};

class TrialTrainerTest : public ::testing::Test {
 protected:
  Study study_of(const std::vector<std::string>& ranges) {
    Study study;
    for (const std::string& range : ranges) study.space.push_back(range_from_text(range));
    study.parameters.num_round = 6;
    study.parameters.eval_metric = {"logloss", "auc"};
    study.goal = {"validation-auc", true};
    return study;
  }
  TrialTables tables() {
    TrialTables tables;
    tables.train = table_of(700, 1);
    tables.watched.push_back({"validation", table_of(300, 2)});
    return tables;
  }
  TrialTrainer trainer_of(const Study& study, TrialTables tables) {
    return TrialTrainer(
        study, std::move(tables),
        [this](int threads) { return std::make_unique<CountingBackend>(threads, n_binned_); }, 2);
  }

  std::atomic<int> n_binned_ = 0;
  const RoundObserver go_on_ = [](std::size_t, double) { return true; };
};

TEST_F(TrialTrainerTest, ModelsAreThoseOfOrdinaryTrainings) {
  const Study study = study_of({"eta=0.1:1", "max_depth=2:5"});
  TrialTrainer trainer = trainer_of(study, tables());
  for (int trial = 0; trial < 3; ++trial) {
    const auto point = trial_point(study, trial);
    const TrainedTrial trained = trainer.train({point, 0, 1, {}}, go_on_);
    const TrialTables raw = tables();
    const Model model =
        coppice::train(*kernels::make_cpu_backend(1), trial_parameters(study, point), raw.train,
                       {.evaluation = {{"validation", &raw.watched[0].data}}, .describe_data = true});
    EXPECT_EQ(first_difference(trained.models.at(0), model), "");
    EXPECT_EQ(trained.curves.at(0).values, model.summary.curves[1].values);
    EXPECT_EQ(trained.curves[0].metrics.size(), 2U);
  }
  EXPECT_EQ(n_binned_, 2);  // two tables, once
}

TEST_F(TrialTrainerTest, BinsAreMadeOnceForEachMaxBin) {
  const Study study = study_of({"max_bin=15,63"});
  TrialTrainer trainer = trainer_of(study, tables());
  for (const std::string max_bin : {"15", "63", "15", "63"}) {
    const TrainedTrial trained = trainer.train({{{"max_bin", max_bin}}, 0, 1, {}}, go_on_);
    EXPECT_EQ(trained.models[0].parameters.max_bin, std::stoi(max_bin));
  }
  EXPECT_EQ(n_binned_, 4);
}

TEST_F(TrialTrainerTest, StepOfZeroGivesTheConstantModel) {
  const Study study = study_of({"eta=0:1"});
  TrialTrainer trainer = trainer_of(study, tables());
  const TrainedTrial trained = trainer.train({{{"eta", "0"}}, 0, 1, {}}, go_on_);
  EXPECT_EQ(trained.curves[0].values.back(), 0.5);
  const Model& model = trained.models[0];
  EXPECT_EQ(predict_margin(model, std::vector<float>{0.1F, 0.9F}),
            base_margin(model.objective, model.base_score));
}

TEST_F(TrialTrainerTest, ContinuedTrialsEqualWholeOnes) {
  const Study study = study_of({"eta=0.1:1"});
  TrialTrainer trainer = trainer_of(study, tables());
  const std::vector<Assignment> point = {{"eta", "0.3"}};
  const TrainedTrial begun = trainer.train({point, 2, 1, {}}, go_on_);
  const TrainedTrial continued = trainer.train({point, 6, 1, begun.models}, go_on_);
  const TrainedTrial whole = trainer.train({point, 6, 1, {}}, go_on_);
  EXPECT_EQ(first_difference(continued.models.at(0), whole.models.at(0)), "");
  EXPECT_EQ(continued.curves[0].values, whole.curves[0].values);
  EXPECT_EQ(continued.curves[0].n_rounds, 6);
}

TEST_F(TrialTrainerTest, FoldsAreTrainedOneByOneUntilTheObserverStops) {
  Study study = study_of({"eta=0.1:1"});
  study.n_folds = 3;
  TrialTables tables;
  tables.train = table_of(600, 1);
  SplitOptions options;
  options.strategy = SplitStrategy::kRandom;
  options.n_folds = 3;
  tables.folds = make_folds({600, {}, {}, {}}, options);
  tables.train.side.amounts = Buffer<float>(600);
  for (std::size_t row = 0; row < 600; ++row) tables.train.side.amounts[row] = static_cast<float>(row % 7);
  study.parameters.eval_metric.emplace_back("amount_recall");
  const std::vector<Dataset> first = divide_rows(tables.train, tables.folds[0], 2);
  EXPECT_EQ(first[kTrainPart].n_rows, 400U);
  TrialTrainer trainer = trainer_of(study, std::move(tables));
  const TrainedTrial whole = trainer.train({{{"eta", "0.3"}}, 0, 1, {}}, go_on_);
  EXPECT_EQ(whole.models.size(), 3U);
  const Model model = coppice::train(
      *kernels::make_cpu_backend(1), trial_parameters(study, {{"eta", "0.3"}}), first[kTrainPart],
      {.evaluation = {{kFoldTable, &first[kTestPart]}}, .describe_data = true});
  EXPECT_EQ(first_difference(whole.models[0], model), "");
  EXPECT_EQ(whole.models[0].summary.n_rows, 400U);
  const double amount_recall = whole.curves[0].metrics.back().value;
  EXPECT_EQ(amount_recall, model.summary.curves.back().values.back());
  EXPECT_GT(amount_recall, 0);
  EXPECT_EQ(n_binned_, 6);
  const TrainedTrial stopped =
      trainer.train({{{"eta", "0.3"}}, 0, 1, {}}, [n = 0](std::size_t, double) mutable { return ++n < 8; });
  ASSERT_EQ(stopped.curves.size(), 2U);
  EXPECT_EQ(stopped.curves[1].values.size(), 2U);
  EXPECT_EQ(stopped.models.size(), 1U);
}

TEST_F(TrialTrainerTest, HashesTellTablesApart) {
  TrialTables a = tables(), b = tables();
  EXPECT_EQ(data_hash(a), data_hash(b));
  b.watched[0].data.labels[0] = 1 - b.watched[0].data.labels[0];
  EXPECT_NE(data_hash(a), data_hash(b));
  b = tables();
  b.train.columns[1][3] += 1;
  EXPECT_NE(data_hash(a), data_hash(b));
  b = tables();
  b.train.side.groups = Buffer<std::uint32_t>(700);
  EXPECT_NE(data_hash(a), data_hash(b));
  EXPECT_EQ(fold_hash({}), "");
  EXPECT_NE(fold_hash({{0, 1}}), fold_hash({{1, 0}}));
}

}  // namespace
}  // namespace coppice::tune
