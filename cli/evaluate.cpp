// coppice evaluate: how good a model is on a labelled table.
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
  EvaluationArguments evaluation;
  bool json = false;
};

ExitCode run(const Arguments& arguments) {
  const Evaluation evaluation = read_and_evaluate(arguments.evaluation).evaluation;
  if (arguments.json) {
    write_json(evaluation_json(evaluation));
  } else {
    write_output(evaluation_text(evaluation));
  }
  return kSuccess;
}

}  // namespace

Verb add_evaluate(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "evaluate", "Measure a model on a labelled table: metrics, thresholds, confusion matrix");
  const auto arguments = std::make_shared<Arguments>();
  add_evaluation(*command, arguments->evaluation);
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
