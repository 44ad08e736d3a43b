#include "evaluation_arguments.h"

#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/metric.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <utility>

#include "options.h"

namespace coppice::cli {
namespace {

/// What of the command line can be wrong without a look at the table: before it is read.
EvaluationOptions checked_options(const EvaluationArguments& arguments, const Model& model) {
  EvaluationOptions options = arguments.options;
  options.threshold = arguments.threshold.value_or(model.threshold);
  const Costs trained = costs_of(model.parameters);
  options.costs.false_positive = arguments.cost_fp.value_or(trained.false_positive);
  options.costs.false_negative = arguments.cost_fn ? arguments.cost_fn : trained.false_negative;
  options.costs.review = arguments.cost_review.value_or(trained.review);
  if (!arguments.rule.empty()) options.rule = threshold_rule_from_string(arguments.rule);
  check_options(options, model.objective, given_columns(arguments.sides));
  return options;
}

void add_measures(CLI::App& command, EvaluationArguments& arguments) {
  EvaluationOptions& options = arguments.options;
  add_threshold(command, arguments.threshold);
  command
      .add_option("--choose", arguments.rule,
                  fmt::format("Choose the threshold from this table: {}", kThresholdRules))
      ->excludes("--threshold")
      ->type_name("RULE");
  command
      .add_option(
          "--metric", options.metrics,
          fmt::format("Metrics beside the usual ones: {}. Without @t: at the threshold in use", kMetricNames))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      .add_option(
          "--bootstrap", options.bootstrap.n_replicates,
          "Replicates for 95 % intervals of the metrics, of rows or, with --group-column, of groups; 0 "
          "is none, 1000 is usual")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  add_seed(command, options.bootstrap.seed, "the bootstrap");
}

void add_cost(CLI::App& command, const std::string& name, std::optional<double>& cost,
              const std::string& what) {
  command.add_option(name, cost, what + "; as in training if not given")
      ->check(CLI::Range(0.0, std::numeric_limits<double>::max()).description(""))
      ->type_name("COST");
}

}  // namespace

void add_evaluation(CLI::App& command, EvaluationArguments& arguments) {
  add_model(command, arguments.model);
  add_data(command, arguments.paths);
  command.add_option("--label", arguments.label, "Label column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  command
      .add_option("--weight", arguments.weight, "Row weight column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  add_measures(command, arguments);
  add_side_columns(command, arguments.sides);
  add_cost(command, "--cost-fp", arguments.cost_fp, "What a false alarm costs");
  add_cost(command, "--cost-fn", arguments.cost_fn,
           "What a missed positive row costs, instead of its amount");
  add_cost(command, "--cost-review", arguments.cost_review, "What an alert costs, right or wrong");
  add_no_header(command, arguments.has_header);
  add_threads(command, arguments.options.threads);
}

EvaluatedTable read_and_evaluate(const EvaluationArguments& arguments) {
  Model model = io::load_model(arguments.model);
  const EvaluationOptions options = checked_options(arguments, model);
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, options.threads);
  csv.label = arguments.label.empty() ? model.schema.label : arguments.label;
  csv.weight = arguments.weight.empty() ? model.schema.weight : arguments.weight;
  csv.binary_label = model.objective == Objective::kBinaryLogistic;
  if (csv.label.empty()) {
    throw Error("cli.usage", "the model does not name a label column: give it with --label");
  }
  io::CsvTable table = read_table(arguments.paths, &model.schema, csv, arguments.sides).csv;
  log_extra_columns(table);
  Evaluation evaluation = evaluate_table(model, table.data, options);
  return {std::move(model), std::move(table.data), std::move(evaluation)};
}

}  // namespace coppice::cli
