// A trained model: everything that scoring, inspection and continued training need.
#pragma once

#include <coppice/cuts.h>
#include <coppice/objective.h>
#include <coppice/parameters.h>
#include <coppice/schema.h>
#include <coppice/score_reference.h>
#include <coppice/tree.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// One metric of one data set over the rounds, `curve[i]` after round first_round + i.
struct MetricCurve {
  std::string name;  ///< `validation-auc`
  int first_round = 0;
  std::vector<double> values;
  bool operator==(const MetricCurve&) const = default;
};

/// What a model remembers of its training.
struct TrainingSummary {
  std::string library_version;
  std::string data_hash;  ///< hex digest of bins, labels and weights: equal for equal training data
  std::uint64_t n_rows = 0;
  double label_sum = 0;  ///< weighted
  double weight_sum = 0;
  int best_round = -1;  ///< set by early stopping; the model ends with it
  std::vector<MetricCurve> curves;
  /// Sampling threshold (mu) that round i would draw with, i = 0 .. number of rounds: continuing needs the
  /// last.
  std::vector<float> sampling_thresholds;
  bool operator==(const TrainingSummary&) const = default;
};

/// An additive model. The margin of a row is base_margin(objective, base_score) plus the leaf weight of every
/// tree, in tree order, in float32.
struct Model {
  static constexpr double kDefaultThreshold = 0.5;

  Schema schema;
  Objective objective = Objective::kBinaryLogistic;
  float base_score = 0.5F;  ///< in prediction space
  /// A row is called positive when its prediction is >= this: 0.5 until one is chosen for the model. Means
  /// nothing to a model that predicts a number.
  double threshold = kDefaultThreshold;
  std::vector<Tree> trees;
  Parameters parameters;  ///< as trained; default for an imported model
  Cuts cuts;              ///< as trained; empty for an imported model
  /// Training rows per bin, `bin_counts[f][bin]`: the reference that drift is measured against. May be empty.
  std::vector<std::vector<std::uint32_t>> bin_counts;
  /// Of this model's predictions on its training rows, as bin_counts. May be empty.
  ScoreReference score_reference;
  TrainingSummary summary;

  bool operator==(const Model&) const = default;
};

/// Margin of one row by walking the trees: the oracle that every faster scorer is tested against.
/// row [n_features]: numbers or category codes; NaN is missing. Cost: O(trees * depth).
[[nodiscard]] float predict_margin(const Model& model, std::span<const float> row) noexcept;

/// How much a feature contributed to the splits.
struct Importance {
  std::string feature;
  double gain = 0;   ///< total loss reduction
  double cover = 0;  ///< total hessian of the rows that met its splits
  std::uint64_t count = 0;
};
/// One entry for each feature that splits somewhere, by falling gain (ties in feature order).
[[nodiscard]] std::vector<Importance> importance(const Model& model);

/// The trees as text, one node a line, features by name: for people and for diff.
[[nodiscard]] std::string dump_text(const Model& model);

/// The first difference between two models in words, `tree 0, node 2: gain: 9.5 and 9.25`; empty when their
/// model files would be equal: numbers are compared by their bits, parameters only where the table says
/// in_model.
[[nodiscard]] std::string first_difference(const Model& a, const Model& b);

/// The library's version, `0.1.0`.
[[nodiscard]] std::string_view version() noexcept;

}  // namespace coppice
