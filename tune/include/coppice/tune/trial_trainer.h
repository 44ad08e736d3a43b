// Trains the trials of a study on tables that are binned once.
#pragma once

#include <coppice/backend.h>
#include <coppice/dataset.h>
#include <coppice/tune/search.h>
#include <coppice/tune/split.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace coppice::tune {

/// A table that trials are watched on.
struct WatchedTable {
  std::string name;  ///< `validation`
  Dataset data;
};

/// What the trials of a study train on.
struct TrialTables {
  Dataset train;
  std::vector<WatchedTable> watched;
  std::vector<Parts> folds;  ///< of the training table, as make_folds gives them; then `watched` is empty
};

/// The name of the test part of a fold among watched tables.
inline constexpr const char* kFoldTable = "validation";

/// A digest of all that the tables hold: equal for equal content. Cost: one pass.
[[nodiscard]] std::string data_hash(const TrialTables& tables);
/// The same of folds; empty when there are none.
[[nodiscard]] std::string fold_hash(const std::vector<Parts>& folds);

/// A backend with so many threads.
using MakeBackend = std::function<std::unique_ptr<Backend>(int threads)>;

/// Trains jobs. Tables are binned once for all trials that share what decides about bins: max_bin,
/// cut_sample_rows and seed. Where the study varies none of them, raw numbers are gone after construction;
/// else they and each set of bins stay. Thread-safe.
class TrialTrainer {
 public:
  /// Bins the tables for the first trial, on `threads` threads. The study must outlive the trainer.
  /// Errors: those of `prepare`.
  TrialTrainer(const Study& study, TrialTables tables, MakeBackend make_backend, int threads);
  ~TrialTrainer();

  /// A TrainJob. Models describe their data (TrainOptions::describe_data).
  /// Errors: those of `train`.
  [[nodiscard]] TrainedTrial train(const TrialJob& job, const RoundObserver& observer);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::tune
