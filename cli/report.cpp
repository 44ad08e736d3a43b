// coppice report: what a model does on a labelled table, as a page to look at and to send.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "evaluation.h"
#include "options.h"
#include "report/model_report.h"
#include "scores.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice report --model fraud.json test.csv --out report.html\n"
    "  coppice report --model fraud.json test.csv --choose 'precision>=0.9' --out report.html\n"
    "  coppice report --model claims.json test.csv --row claim --positive 'false claim' --out report.html\n"
    "The page is one file that loads nothing. What it shows: docs/report.md.";

struct Arguments {
  std::string model;
  std::vector<std::string> paths;
  std::string out, label, weight, rule, positive, row;
  bool has_header = true;
  EvaluationOptions options;
  bool json = false;
};

/// `fraud` means `fraud/frauds`.
Noun noun_from(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, text + "s"};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

RowNames row_names(const Arguments& arguments) {
  RowNames names;
  if (!arguments.positive.empty()) names.positive = noun_from(arguments.positive);
  if (!arguments.row.empty()) names.row = noun_from(arguments.row);
  return names;
}

ExitCode run(const Arguments& arguments) {
  const Model model = io::load_model(arguments.model);
  EvaluationOptions options = arguments.options;
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, options.threads);
  csv.label = arguments.label.empty() ? model.schema.label : arguments.label;
  csv.weight = arguments.weight.empty() ? model.schema.weight : arguments.weight;
  csv.binary_label = model.objective == Objective::kBinaryLogistic;
  if (!arguments.rule.empty()) options.rule = threshold_rule_from_string(arguments.rule);
  const io::CsvTable table = io::read_csv(arguments.paths, model.schema, csv);
  log_extra_columns(table);
  const Evaluation evaluation = evaluate_table(model, table.data, options);
  const std::vector<float> predictions =
      score_table(Scorer(model), table.data, Output::kPrediction, options.threads);
  const std::string html = model_report_html({.model = model,
                                              .data = table.data,
                                              .predictions = predictions,
                                              .evaluation = evaluation,
                                              .bootstrap = options.bootstrap,
                                              .rule = arguments.rule,
                                              .names = row_names(arguments),
                                              .model_path = arguments.model,
                                              .data_paths = arguments.paths,
                                              .threads = options.threads});
  io::write_file_atomically(arguments.out, html);
  return kSuccess;
}

}  // namespace

Verb add_report(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "report", "Write a page about a model on a labelled table: what it catches, at what cost, and why");
  const auto arguments = std::make_shared<Arguments>();
  arguments->options.bootstrap.n_replicates = 200;
  add_model(*command, arguments->model);
  add_data(*command, arguments->paths);
  command->add_option("--out", arguments->out, "HTML file to write")->required()->type_name("FILE");
  command->add_option("--label", arguments->label, "Label column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  command
      ->add_option("--weight", arguments->weight, "Row weight column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  command
      ->add_option("--positive", arguments->positive,
                   "What a row with label 1 is called: 'fraud', or 'policy/policies'")
      ->type_name("NAME");
  command->add_option("--row", arguments->row, "What a row is called: 'transaction'")->type_name("NAME");
  add_threshold(*command, arguments->options.threshold);
  command
      ->add_option("--choose", arguments->rule,
                   fmt::format("Choose the threshold from this table: {}", kThresholdRules))
      ->excludes("--threshold")
      ->type_name("RULE");
  command
      ->add_option("--bootstrap", arguments->options.bootstrap.n_replicates,
                   "Replicates for 95 % intervals of the metrics; 0 is none")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  add_seed(*command, arguments->options.bootstrap.seed, "the bootstrap");
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->options.threads);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
