// coppice evaluate: how good a model is on a labelled table.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/metric.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "evaluation.h"
#include "options.h"
#include "side_columns.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice evaluate --model fraud.json test.csv\n"
    "  coppice evaluate --model fraud.json test.csv --threshold 0.2 --json\n"
    "  coppice evaluate --model fraud.json test.csv --choose 'fpr<=0.001' --metric "
    "'recall@fpr=0.001,precision@k=100'\n"
    "  coppice evaluate --model fraud.json test.csv --bootstrap 1000 --seed 1 --group-column card\n"
    "  coppice evaluate --model fraud.json test.csv --amount-column Amount --cost-review 5 --choose "
    "min-cost\n"
    "  coppice evaluate --model fraud.json test.csv --time-column date --group-column card\n"
    "      --metric card_precision@k=50 --choose 'alerts-per-day<=50'\n"
    "Metrics and rules, with their formulas: docs/metrics.md.";

struct Arguments {
  std::string model;
  std::vector<std::string> paths;
  std::string label, weight, rule;
  bool has_header = true;
  SideColumnNames sides;
  std::optional<double> cost_fp, cost_fn, cost_review;  // not given: as in training
  EvaluationOptions options;
  bool json = false;
};

/// What of the command line can be wrong without a look at the table: before it is read.
EvaluationOptions checked_options(const Arguments& arguments, const Model& model) {
  EvaluationOptions options = arguments.options;
  const Costs trained = costs_of(model.parameters);
  options.costs.false_positive = arguments.cost_fp.value_or(trained.false_positive);
  options.costs.false_negative = arguments.cost_fn ? arguments.cost_fn : trained.false_negative;
  options.costs.review = arguments.cost_review.value_or(trained.review);
  if (!arguments.rule.empty()) options.rule = threshold_rule_from_string(arguments.rule);
  check_options(options, model.objective, given_columns(arguments.sides));
  return options;
}

ExitCode run(const Arguments& arguments) {
  const Model model = io::load_model(arguments.model);
  const EvaluationOptions options = checked_options(arguments, model);
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, options.threads);
  csv.label = arguments.label.empty() ? model.schema.label : arguments.label;
  csv.weight = arguments.weight.empty() ? model.schema.weight : arguments.weight;
  csv.binary_label = model.objective == Objective::kBinaryLogistic;
  if (csv.label.empty()) {
    throw Error("cli.usage", "the model does not name a label column: give it with --label");
  }
  const io::CsvTable table = read_table(arguments.paths, &model.schema, csv, arguments.sides).csv;
  log_extra_columns(table);
  const Evaluation evaluation = evaluate_table(model, table.data, options);
  if (arguments.json) {
    write_json(evaluation_json(evaluation));
  } else {
    write_output(evaluation_text(evaluation));
  }
  return kSuccess;
}

void add_measures(CLI::App& command, Arguments& arguments) {
  EvaluationOptions& options = arguments.options;
  add_threshold(command, options.threshold);
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

Verb add_evaluate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "Measure a model on a labelled table: metrics, thresholds, confusion matrix");
  const auto arguments = std::make_shared<Arguments>();
  add_model(*command, arguments->model);
  add_data(*command, arguments->paths);
  command->add_option("--label", arguments->label, "Label column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  command
      ->add_option("--weight", arguments->weight, "Row weight column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  add_measures(*command, *arguments);
  add_side_columns(*command, arguments->sides);
  add_cost(*command, "--cost-fp", arguments->cost_fp, "What a false alarm costs");
  add_cost(*command, "--cost-fn", arguments->cost_fn,
           "What a missed positive row costs, instead of its amount");
  add_cost(*command, "--cost-review", arguments->cost_review, "What an alert costs, right or wrong");
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->options.threads);
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
