// Checks of labels and weights before a training. The csv reader refuses bad labels with their line; these
// guard tables that were made in memory.
#pragma once

#include <coppice/train.h>

#include <span>

namespace coppice {

/// Errors: core.train.label, with the row.
void check_labels(std::span<const float> labels, Objective objective);

/// Errors: core.train.weight, with the row.
void check_weights(std::span<const float> weights);

/// What base scores and class shares follow from.
struct LabelSums {
  double label = 0;   ///< weighted
  double weight = 0;  ///< of all rows
};

/// Sums of a fixed shape. Needs: weights [n_rows] or empty.
[[nodiscard]] LabelSums sum_labels(std::span<const float> labels, std::span<const float> weights);

/// Errors: core.train.weight (all are 0), core.train.one_class, core.train.scale.
void check_sums(const LabelSums& sums, const Parameters& parameters, const TrainingData& data);

}  // namespace coppice
