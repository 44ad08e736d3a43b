// What the parity tests of all backends share: problems, and how models are compared.
#pragma once

#include <coppice/detail/grow_tree.h>
#include <coppice/io/model_file.h>
#include <coppice/train.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "reference/naive_trainer.h"
#include "reference/random_problem.h"

namespace coppice::reference {

/// Size of a problem and its parameters that are not at their defaults.
inline std::string describe(const RandomProblem& problem) {
  std::string text = fmt::format("{} rows, {} features, {}", problem.data.n_rows, problem.data.n_features(),
                                 problem.data.weights.empty() ? "no weights" : "weights");
  for (const ParameterInfo& info : parameter_table()) {
    const std::string value = get_parameter(problem.parameters, info.name);
    if (value != info.default_text) text += fmt::format(", {}={}", info.name, value);
  }
  return text;
}

/// The model as its file.
inline std::string bytes_of(const Model& model) { return io::write_model(model, io::ModelFormat::kUbjson); }

/// Watches the training table, and the evaluation table if there is one.
inline TrainOptions options_of(const RandomProblem& problem) {
  TrainOptions options;
  options.evaluate_training = true;
  if (problem.evaluation.n_rows > 0) options.evaluation = {{"validation", &problem.evaluation}};
  return options;
}

/// Are the bins in both layouts equal? Backends may keep spare bytes behind them.
inline bool equal_bins(const BinnedMatrix& a, const BinnedMatrix& b) {
  const std::size_t last = a.n_groups() - 1;
  const std::size_t n_records = a.group_offset(last) + a.n_padded_rows() * a.group_stride(last);
  return a.cuts == b.cuts && a.n_rows == b.n_rows &&
         std::equal(a.columns.data(), a.columns.data() + a.n_padded_rows() * a.n_features(),
                    b.columns.data()) &&
         std::equal(a.records.data(), a.records.data() + n_records, b.records.data());
}

struct NamedBackend {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/// Trains a problem with the textbook and with every one of `backends`, and compares bins, models and model
/// files.
inline void expect_parity(const RandomProblem& problem, const std::vector<NamedBackend>& backends) {
  SCOPED_TRACE(describe(problem));
  const NaiveBackend naive;
  const TrainOptions options = options_of(problem);
  const TrainingData expected_data = prepare(naive, problem.parameters, problem.data);
  TrainReport expected_report;
  const Model expected = train(naive, problem.parameters, expected_data, options, &expected_report);
  const std::string expected_bytes = bytes_of(expected);
  for (const auto& [name, backend] : backends) {
    SCOPED_TRACE(name);
    const TrainingData data = prepare(*backend, problem.parameters, problem.data);
    ASSERT_TRUE(equal_bins(data.bins, expected_data.bins));
    TrainReport report;
    const Model model = train(*backend, problem.parameters, data, options, &report);
    ASSERT_EQ(first_difference(expected, model), "");
    ASSERT_TRUE(bytes_of(model) == expected_bytes);
    ASSERT_EQ(report.mean_kept_share, expected_report.mean_kept_share);
  }
}

/// Trains 7 rounds, and 4 with the textbook and 3 more with each of `backends`.
inline void expect_parity_of_added_rounds(RandomProblem problem, const std::vector<NamedBackend>& backends) {
  Parameters& parameters = problem.parameters;
  SCOPED_TRACE(describe(problem));
  const TrainOptions options = options_of(problem);
  parameters.num_round = 7;
  const Model expected = train(NaiveBackend(), parameters, problem.data, options);
  parameters.num_round = 4;
  const Model first = train(NaiveBackend(), parameters, problem.data, options);
  parameters.num_round = 3;
  TrainOptions more = options;
  more.continue_from = &first;
  for (const auto& [name, backend] : backends) {
    SCOPED_TRACE(name);
    const Model model = train(*backend, parameters, problem.data, more);
    ASSERT_EQ(first_difference(expected, model), "");
    ASSERT_TRUE(bytes_of(model) == bytes_of(expected));
  }
}

/// A table with columns of every kind.
inline TablePlan mixed_plan(Objective objective) {
  TablePlan plan;
  plan.objective = objective;
  plan.n_rows = 1100;
  plan.positive_share = 0.1;
  plan.columns = {{.kind = ColumnKind::kContinuous},
                  {.kind = ColumnKind::kContinuous, .missing_share = 0.3},
                  {.kind = ColumnKind::kHeavyTies, .n_values = 12},
                  {.kind = ColumnKind::kTwoValues, .missing_share = 0.1},
                  {.kind = ColumnKind::kSkewed},
                  {.kind = ColumnKind::kAllMissing},
                  {.kind = ColumnKind::kOneValue, .missing_share = 0.5},
                  {.kind = ColumnKind::kCategorical, .n_values = 2, .missing_share = 0.1},
                  {.kind = ColumnKind::kCategorical, .n_values = 40},
                  {.kind = ColumnKind::kCategorical, .n_values = 254, .missing_share = 0.2}};
  return plan;
}

/// Names and values of parameters.
using Setting = std::vector<std::pair<std::string, std::string>>;

/// Every parameter by itself.
inline std::vector<Setting> every_setting() {
  return {
      Setting{},
      Setting{{"max_depth", "1"}},
      Setting{{"max_depth", "2"}},
      Setting{{"max_depth", "3"}},
      Setting{{"max_depth", "9"}},
      Setting{{"max_depth", "10"}, {"min_child_weight", "0"}},
      Setting{{"max_leaves", "2"}},
      Setting{{"max_leaves", "13"}},
      Setting{{"max_depth", "0"}, {"max_leaves", "400"}, {"min_child_weight", "0"}},
      Setting{{"grow_policy", "lossguide"}},
      Setting{{"grow_policy", "lossguide"}, {"max_leaves", "9"}},
      Setting{{"grow_policy", "lossguide"}, {"max_depth", "0"}, {"max_leaves", "300"}},
      Setting{{"gamma", "0.5"}},
      Setting{{"gamma", "5"}},
      Setting{{"lambda", "0"}},
      Setting{{"lambda", "0"}, {"min_child_weight", "0"}},
      Setting{{"alpha", "1"}},
      Setting{{"min_child_weight", "0"}},
      Setting{{"min_child_weight", "6"}},
      Setting{{"max_delta_step", "0"}},
      Setting{{"max_delta_step", "0.3"}},
      Setting{{"subsample", "0.8"}},
      Setting{{"subsample", "0.3"}, {"sampling_noise", "0"}},
      Setting{{"colsample_bytree", "0.5"}},
      Setting{{"colsample_bylevel", "0.5"}},
      Setting{{"colsample_bynode", "0.3"}},
      Setting{{"colsample_bynode", "0.5"}, {"grow_policy", "lossguide"}, {"max_leaves", "20"}},
      Setting{{"base_score", "0.2"}},
      Setting{{"sampling_noise", "0"}},
      Setting{{"sampling_noise", "1"}},
      Setting{{"sampling_noise", "0.001"}},
      Setting{{"sampling_rows", "30"}},
      Setting{{"max_bin", "2"}},
      Setting{{"max_bin", "16"}},
      Setting{{"max_bin", "254"}},
      Setting{{"max_cat_to_onehot", "255"}},
      Setting{{"max_cat_to_onehot", "0"}},
      Setting{{"cat_smooth", "0"}, {"cat_l2", "0"}},
      Setting{{"max_cat_threshold", "1"}},
      Setting{{"cut_sample_rows", "1000"}},
      Setting{{"seed", "77"}},
      Setting{{"num_round", "15"}, {"screening", "0.3"}, {"screening_rows", "0"}},
      Setting{
          {"num_round", "12"}, {"screening", "0.1"}, {"screening_rows", "0"}, {"colsample_bytree", "0.6"}},
      Setting{
          {"num_round", "12"}, {"screening", "0.5"}, {"screening_rows", "0"}, {"grow_policy", "lossguide"}},
      Setting{{"learning_rate", "1"}}};
}

/// Grows a tree from all rows.
inline Tree grow_full_tree(TrainingSession& session, int round) {
  session.set_sampling_threshold(0);
  return detail::grow_tree(session, round);
}

/// A learning rate of 1024, which `train` would refuse, takes the margins far away from the labels, which are
/// all 1: residuals are -1, then 1023. The 64-bit sums have room for four times their bound, so the second
/// tree is right only if the first one, grown here or replayed, has raised it.
inline void expect_residual_bound_grows(const Backend& backend) {
  constexpr std::size_t kRows = 600;  // two blocks
  const Dataset data = make_dataset(std::vector<float>(kRows, 0), 1, std::vector<float>(kRows, 1));
  Parameters parameters;
  parameters.objective = Objective::kSquaredError;
  parameters.learning_rate = 1024;
  parameters.reg_lambda = 0;
  const BinnedMatrix bins = backend.bin(data, backend.make_cuts(data, {}), true);
  const auto session = backend.open({&bins, data.labels, {}, {}}, parameters);
  session->start(0);
  const Tree first = grow_full_tree(*session, 0);
  ASSERT_EQ(first.nodes.size(), 1U);
  EXPECT_EQ(first.nodes[0].weight, 1024);
  EXPECT_EQ(grow_full_tree(*session, 1).nodes[0].weight, -1023 * 1024);
  session->start(0);
  session->add_tree(first);
  EXPECT_EQ(grow_full_tree(*session, 1).nodes[0].weight, -1023 * 1024);
}

}  // namespace coppice::reference
