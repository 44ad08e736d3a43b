// The report of a model on a labelled table, as one HTML page.
#pragma once

#include <coppice/dataset.h>
#include <coppice/model.h>

#include <span>
#include <string>
#include <vector>

#include "evaluation.h"

namespace coppice::cli {

/// What people call the rows.
struct Noun {
  std::string singular, plural;

  /// `1 fraud`, `2 frauds`: by the number shown.
  [[nodiscard]] const std::string& of(double count) const { return count == 1 ? singular : plural; }
};

struct RowNames {
  Noun positive{"fraud", "frauds"};
  Noun row{"transaction", "transactions"};
};

/// Everything that a report shows. What it refers to must outlive it.
struct ModelReport {
  const Model& model;
  const Dataset& data;                 ///< labelled, not empty
  std::span<const float> predictions;  ///< [n_rows] of the model on the data
  const Evaluation& evaluation;        ///< of the same
  RowNames names;
  std::string model_path;
  std::vector<std::string> data_paths;
  int threads = 0;
};

/// The page. The same bytes for the same model, table and options, on any number of threads.
[[nodiscard]] std::string model_report_html(const ModelReport& report);

}  // namespace coppice::cli
