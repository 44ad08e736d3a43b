// The boosting loop.
#pragma once

#include <coppice/backend.h>
#include <coppice/binned_matrix.h>
#include <coppice/dataset.h>
#include <coppice/metric.h>
#include <coppice/model.h>
#include <coppice/parameters.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// A table ready for training: binned once, usable for any number of trainings that share max_bin,
/// cut_sample_rows, seed and objective of the cuts.
struct TrainingData {
  Schema schema;
  BinnedMatrix bins;
  Buffer<float> labels;
  Buffer<float> weights;  ///< or empty
  SideColumns side;       ///< for metrics of the training table
};

/// Cuts and bins a table. When `like` is given, its cuts are used (continued training).
/// Errors: core.train.no_rows, core.train.no_features, core.train.no_label.
[[nodiscard]] TrainingData prepare(const Backend& backend, const Parameters& parameters, const Dataset& data,
                                   const Model* like = nullptr);

/// A named table whose metrics are watched.
struct EvaluationSet {
  std::string name;  ///< `validation`
  const Dataset* data = nullptr;
  /// Its bins by the cuts of the training table (`backend.bin(*data, training.bins.cuts, false)`), for many
  /// trainings: then `data` needs labels and weights only. Without, every training makes them.
  const BinnedMatrix* bins = nullptr;
};

struct MetricValue {
  std::string name;  ///< `validation-auc`
  double value = 0;
};

/// What an observer learns after each round.
struct Progress {
  int round = 0;  ///< counted over the whole model, from 0
  int last_round = 0;
  std::span<const MetricValue> metrics;
  double kept_share = 1;         ///< of the rows, by the round's draw
  double seconds = 0;            ///< since training began
  const Model* model = nullptr;  ///< of the rounds so far; valid during the call
};

/// Called after every round; returning false stops training with the trees so far.
using Observer = std::function<bool(const Progress&)>;

struct TrainOptions {
  std::vector<EvaluationSet> evaluation;  ///< in the order in which metrics are shown
  bool evaluate_training = false;         ///< also watch the training table, under the name `train`, first
  Observer observer;
  const Model* continue_from = nullptr;  ///< adds num_round rounds to this model
  /// Fill Model::bin_counts, Model::score_reference and TrainingSummary::data_hash.
  bool describe_data = false;
};

/// What a training tells beside the model.
struct TrainReport {
  PhaseSeconds seconds;
  double total_seconds = 0;
  double mean_kept_share = 1;
  std::size_t device_bytes = 0;            ///< TrainingSession::device_bytes
  std::vector<MetricValue> final_metrics;  ///< of the model as returned
  bool stopped_early = false;
};

/// Trains a model.
/// The bytes of the result depend on data, parameters (those that the table marks) and seed alone: not on
/// backend, device, instruction set or threads. N rounds and then M more equal N + M rounds.
/// Errors: core.parameter.value, core.train.label (not 0 or 1 for binary:logistic), core.train.one_class,
///         core.train.weight, core.train.scale, core.train.evaluation (a set has no labels, or other bins),
///         core.train.continue (the model to continue from does not fit), and what the backend raises.
[[nodiscard]] Model train(const Backend& backend, const Parameters& parameters, const TrainingData& data,
                          const TrainOptions& options = {}, TrainReport* report = nullptr);

/// The same from a table: prepare, then train.
[[nodiscard]] Model train(const Backend& backend, const Parameters& parameters, const Dataset& data,
                          const TrainOptions& options = {}, TrainReport* report = nullptr);

}  // namespace coppice
