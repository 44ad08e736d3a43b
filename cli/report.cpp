// coppice report: what a model does on a labelled table, as a page to look at and to send.
#include <coppice/io/file.h>
#include <coppice/scorer.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "evaluation_arguments.h"
#include "report/model_report.h"
#include "scores.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kReportFooter =
    "Examples:\n"
    "  coppice report --model fraud.json test.csv --out report.html\n"
    "  coppice report --model fraud.json test.csv --choose 'precision>=0.9' --out report.html\n"
    "  coppice report --model claims.json test.csv --row claim --positive 'false claim' --out report.html\n"
    "The page is one file that loads nothing. What it shows: docs/report.md.";

struct ReportArguments {
  EvaluationArguments evaluation;
  std::string out, positive, row;
};

/// `fraud` means `fraud/frauds`.
Noun noun_from(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, text + "s"};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

RowNames row_names(const ReportArguments& arguments) {
  RowNames names;
  if (!arguments.positive.empty()) names.positive = noun_from(arguments.positive);
  if (!arguments.row.empty()) names.row = noun_from(arguments.row);
  return names;
}

ExitCode run_report(const ReportArguments& arguments) {
  const EvaluationArguments& measured = arguments.evaluation;
  const EvaluatedTable table = read_and_evaluate(measured);
  const std::vector<float> predictions =
      score_table(Scorer(table.model), table.data, Output::kPrediction, measured.options.threads);
  io::write_file_atomically(arguments.out, model_report_html({.model = table.model,
                                                              .data = table.data,
                                                              .predictions = predictions,
                                                              .evaluation = table.evaluation,
                                                              .names = row_names(arguments),
                                                              .model_path = measured.model,
                                                              .data_paths = measured.paths,
                                                              .threads = measured.options.threads}));
  return kSuccess;
}

}  // namespace

Verb add_report(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "report", "Write a page about a model on a labelled table: what it catches, at what cost, and why");
  const auto arguments = std::make_shared<ReportArguments>();
  arguments->evaluation.options.bootstrap.n_replicates = 200;
  add_evaluation(*command, arguments->evaluation);
  command->add_option("--out", arguments->out, "HTML file to write")->required()->type_name("FILE");
  command
      ->add_option("--positive", arguments->positive,
                   "What a row with label 1 is called: fraud, or policy/policies for an odd plural")
      ->type_name("NAME");
  command->add_option("--row", arguments->row, "What a row is called: transaction")->type_name("NAME");
  command->footer(kReportFooter);
  return {command, [arguments] { return run_report(*arguments); }};
}

}  // namespace coppice::cli
