// coppice evaluate: how good a model is on a labelled table.
#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "evaluation.h"
#include "evaluation_arguments.h"
#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kEvaluateFooter =
    "Examples:\n"
    "  coppice evaluate --model fraud.json test.csv\n"
    "  coppice evaluate --model fraud.json test.csv --threshold 0.2 --json\n"
    "  coppice evaluate --model fraud.json test.csv --choose 'fpr<=0.001' --metric "
    "'recall@fpr=0.001,precision@k=100'\n"
    "  coppice evaluate --model fraud.json validation.csv --choose max-f1 --store\n"
    "  coppice evaluate --model fraud.json test.csv --bootstrap 1000 --seed 1 --group-column card\n"
    "  coppice evaluate --model fraud.json test.csv --amount-column Amount --cost-review 5 --choose "
    "min-cost\n"
    "  coppice evaluate --model fraud.json test.csv --time-column date --group-column card\n"
    "      --metric card_precision@k=50 --choose 'alerts-per-day<=50'\n"
    "Metrics and rules, with their formulas: docs/metrics.md.";

struct EvaluateArguments {
  EvaluationArguments evaluation;
  bool store = false;
  bool json = false;
};

/// Keeps the threshold in use in the model file.
void store_threshold(EvaluatedTable evaluated, const std::string& path) {
  if (!evaluated.evaluation.is_binary) {
    throw Error("cli.usage", fmt::format("--store needs a model of classes, and {} predicts a number", path));
  }
  evaluated.model.threshold = evaluated.evaluation.threshold;
  io::save_model(evaluated.model, path);
}

ExitCode run_evaluate(const EvaluateArguments& arguments) {
  const std::string& model = arguments.evaluation.model;
  if (arguments.store && arguments.evaluation.rule.empty() && !arguments.evaluation.threshold) {
    throw Error("cli.usage", "--store keeps a threshold: choose one with --choose or --threshold");
  }
  EvaluatedTable evaluated = read_and_evaluate(arguments.evaluation);
  const Evaluation evaluation = evaluated.evaluation;
  if (arguments.store) store_threshold(std::move(evaluated), model);
  if (arguments.json) {
    nlohmann::ordered_json json = evaluation_json(evaluation);
    if (evaluation.is_binary) json["stored"] = arguments.store;
    write_json(json);
  } else {
    write_output(evaluation_text(evaluation));
    if (arguments.store)
      write_output(fmt::format("\nThreshold {} stored in {}\n", evaluation.threshold, model));
  }
  return kSuccess;
}

}  // namespace

Verb add_evaluate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "Measure a model on a labelled table: metrics, thresholds, confusion matrix");
  const auto arguments = std::make_shared<EvaluateArguments>();
  add_evaluation(*command, arguments->evaluation);
  command->add_flag("--store", arguments->store,
                    "Keep the threshold in the model file: predict and evaluate then use it");
  add_json(*command, arguments->json);
  command->footer(kEvaluateFooter);
  return {command, [arguments] { return run_evaluate(*arguments); }};
}

}  // namespace coppice::cli
