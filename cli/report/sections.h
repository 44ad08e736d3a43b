// The chapters of a model's report. Each gives HTML for the page, empty where there is nothing to show.
#pragma once

#include <string>

#include "report/model_report.h"

namespace coppice::cli {

// Models that predict a probability (alerts.cpp, class_figures.cpp).

/// What the model catches and at what cost, in words, and the numbers behind it with their intervals.
[[nodiscard]] std::string alerts_header(const ModelReport& report);
/// Confusion matrix, thresholds, all measures.
[[nodiscard]] std::string threshold_section(const ModelReport& report);
/// Precision-recall and ROC curves, score distribution.
[[nodiscard]] std::string ranking_section(const ModelReport& report);
/// Calibration, and every measure.
[[nodiscard]] std::string calibration_section(const ModelReport& report);

// Models that predict a number (number_figures.cpp).

[[nodiscard]] std::string numbers_header(const ModelReport& report);
/// Predicted against actual, residuals.
[[nodiscard]] std::string residual_section(const ModelReport& report);

// All models (model_figures.cpp, tables.cpp).

/// Every metric with its interval.
[[nodiscard]] std::string measures_table(const ModelReport& report);
/// Importance and partial dependence.
[[nodiscard]] std::string features_section(const ModelReport& report);
/// A figure for each metric that was watched in training; empty when none was.
[[nodiscard]] std::string learning_figures(const TrainingSummary& summary);
/// Learning curves and parameters.
[[nodiscard]] std::string training_section(const ModelReport& report);
/// Missing values, ranges and categories of the table.
[[nodiscard]] std::string data_section(const ModelReport& report);
/// What the report was made from.
[[nodiscard]] std::string provenance(const ModelReport& report);

/// Positive rows are so few that shares of them need a log scale.
[[nodiscard]] bool is_rare(const Confusion& confusion);

/// The name of a noun with its number: `5,408 transactions`.
[[nodiscard]] std::string counted(double count, const Noun& noun);

}  // namespace coppice::cli
