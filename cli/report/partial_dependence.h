// What a model's prediction does when one feature changes and the others stay (Friedman, "Greedy Function
// Approximation", 2001).
#pragma once

#include <coppice/dataset.h>
#include <coppice/model.h>

#include <cstddef>
#include <optional>
#include <vector>

namespace coppice::cli {

/// Mean prediction over rows of a table, for each value that a feature is set to.
struct PartialDependence {
  std::size_t feature = 0;  ///< index in the schema
  /// Numeric: thresholds of the model's trees, ascending. The mean is constant between two of them: means[i]
  /// holds from thresholds[i - 1] up to thresholds[i], so there is one mean more.
  /// Categorical: empty; means[i] is of category codes[i].
  std::vector<float> thresholds;
  std::vector<std::size_t> codes;  ///< of the most frequent categories, by falling frequency in the table
  std::vector<double> means;
  std::optional<double> missing;  ///< the mean where the feature is missing, when it sometimes is
};

struct PartialDependenceOptions {
  std::size_t max_rows = 1000;      ///< of the table, evenly spread
  std::size_t max_thresholds = 63;  ///< more are thinned out evenly
  std::size_t max_categories = 10;
  int threads = 0;
};

/// Of each of these features (indices in the schema). Cost: one scoring of the sampled rows for each mean.
[[nodiscard]] std::vector<PartialDependence> partial_dependence(const Model& model, const Dataset& data,
                                                                const std::vector<std::size_t>& features,
                                                                const PartialDependenceOptions& options);

}  // namespace coppice::cli
