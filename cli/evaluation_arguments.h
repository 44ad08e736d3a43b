// What is typed to measure a model on a table, for every verb that does.
#pragma once

#include <coppice/dataset.h>
#include <coppice/model.h>

#include <optional>
#include <string>
#include <vector>

#include "evaluation.h"
#include "side_columns.h"

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
}

namespace coppice::cli {

struct EvaluationArguments {
  std::string model;
  std::vector<std::string> paths;
  std::string label, weight, rule;
  bool has_header = true;
  SideColumnNames sides;
  std::optional<double> threshold;                      // not given: the model's
  std::optional<double> cost_fp, cost_fn, cost_review;  // not given: as in training
  EvaluationOptions options;
};

/// --model and DATA, and everything that decides how the table is read and measured. The number of bootstrap
/// replicates that `arguments` has is the default.
void add_evaluation(CLI::App& command, EvaluationArguments& arguments);

struct EvaluatedTable {
  Model model;
  Dataset data;
  Evaluation evaluation;
};

/// Loads, reads and measures. Errors: those of evaluate_table and of reading; cli.usage without a label
/// column.
[[nodiscard]] EvaluatedTable read_and_evaluate(const EvaluationArguments& arguments);

}  // namespace coppice::cli
