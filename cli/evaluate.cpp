// coppice evaluate: how good a model is on a labelled table.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/metric.h>
#include <coppice/scorer.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "options.h"
#include "scores.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice evaluate --model fraud.json test.csv\n"
    "  coppice evaluate --model fraud.json test.csv --threshold 0.2 --json";

struct Arguments {
  std::string model;
  std::vector<std::string> paths;
  std::string label, weight;
  bool has_header = true;
  int threads = 0;
  double threshold = 0.5;
  bool json = false;
};

struct MetricLine {
  std::string name;   ///< as in parameters and logs
  std::string title;  ///< for people
  double value = 0;
};

/// Everything that is told about the scores of one table.
struct Evaluation {
  std::size_t n_rows = 0;
  double weight = 0;    ///< sum over rows
  double positive = 0;  ///< the part of it with label 1
  std::vector<MetricLine> metrics;
  Confusion confusion;
};

std::vector<MetricLine> metrics_for(Objective objective) {
  if (objective == Objective::kBinaryLogistic) {
    return {{"auc", "AUC"}, {"ap", "average precision"}, {"logloss", "log loss"}};
  }
  return {{"rmse", "root mean squared error"}, {"mae", "mean absolute error"}};
}

Evaluation evaluate_table(const Model& model, const Dataset& data, double threshold, int threads) {
  std::vector<float> scores = score_table(Scorer(model), data, Output::kMargin, threads);
  Evaluation evaluation;
  evaluation.n_rows = data.n_rows;
  evaluation.metrics = metrics_for(model.objective);
  for (MetricLine& line : evaluation.metrics) {
    line.value = evaluate(metric_from_string(line.name), model.objective, scores, data.labels, data.weights);
  }
  if (model.objective == Objective::kBinaryLogistic) {
    margins_to_predictions(model.objective, scores);
    const Confusion confusion = coppice::confusion(scores, data.labels, data.weights, threshold);
    evaluation.confusion = confusion;
    evaluation.positive = confusion.true_positive + confusion.false_negative;
    evaluation.weight = evaluation.positive + confusion.true_negative + confusion.false_positive;
    evaluation.metrics.insert(evaluation.metrics.end(), {{"precision", "precision", confusion.precision()},
                                                         {"recall", "recall", confusion.recall()},
                                                         {"f1", "F1", confusion.f1()},
                                                         {"accuracy", "accuracy", confusion.accuracy()}});
  }
  return evaluation;
}

std::string confusion_text(const Confusion& confusion, double threshold) {
  TextTable table({"", "called 0", "called 1"});
  table.add_row({"label 0", sum_text(confusion.true_negative), sum_text(confusion.false_positive)});
  table.add_row({"label 1", sum_text(confusion.false_negative), sum_text(confusion.true_positive)});
  return fmt::format("\nConfusion matrix: called 1 from probability {} on\n{}", threshold, table.text());
}

void print_text(const Model& model, const Evaluation& evaluation, double threshold) {
  const bool is_binary = model.objective == Objective::kBinaryLogistic;
  std::string text = fmt::format("{} rows", count_text(evaluation.n_rows));
  if (is_binary) {
    text += fmt::format(", {} positive ({})", sum_text(evaluation.positive),
                        percent_text(evaluation.positive / evaluation.weight));
  }
  TextTable table({"metric", "value"});
  for (const MetricLine& line : evaluation.metrics) {
    table.add_row({line.title, is_binary ? metric_text(line.value) : number_text(line.value)});
  }
  text += "\n\n" + table.text();
  if (is_binary) text += confusion_text(evaluation.confusion, threshold);
  write_output(text);
}

void print_json(const Model& model, const Evaluation& evaluation, double threshold) {
  Json metrics = Json::object();
  for (const MetricLine& line : evaluation.metrics) metrics[line.name] = line.value;
  Json json = {{"rows", evaluation.n_rows}};
  if (model.objective == Objective::kBinaryLogistic) {
    const Confusion& confusion = evaluation.confusion;
    json["positive"] = evaluation.positive;
    json["threshold"] = threshold;
    json["confusion"] = {{"true_positive", confusion.true_positive},
                         {"false_positive", confusion.false_positive},
                         {"true_negative", confusion.true_negative},
                         {"false_negative", confusion.false_negative}};
  }
  json["metrics"] = metrics;
  write_json(json);
}

ExitCode run(const Arguments& arguments) {
  const Model model = io::load_model(arguments.model);
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, arguments.threads);
  csv.label = arguments.label.empty() ? model.schema.label : arguments.label;
  csv.weight = arguments.weight.empty() ? model.schema.weight : arguments.weight;
  csv.binary_label = model.objective == Objective::kBinaryLogistic;
  if (csv.label.empty()) {
    throw Error("cli.usage", "the model does not name a label column: give it with --label");
  }
  const io::CsvTable table = io::read_csv(arguments.paths, model.schema, csv);
  log_extra_columns(table);
  const Evaluation evaluation = evaluate_table(model, table.data, arguments.threshold, arguments.threads);
  if (arguments.json) {
    print_json(model, evaluation, arguments.threshold);
  } else {
    print_text(model, evaluation, arguments.threshold);
  }
  return kSuccess;
}

}  // namespace

Verb add_evaluate(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("evaluate", "Measure a model on a labelled table: metrics and confusion matrix");
  const auto arguments = std::make_shared<Arguments>();
  add_model(*command, arguments->model);
  add_data(*command, arguments->paths);
  command->add_option("--label", arguments->label, "Label column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  command
      ->add_option("--weight", arguments->weight, "Row weight column, when it is not the one of the training")
      ->type_name("NAME|INDEX");
  add_threshold(*command, arguments->threshold);
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->threads);
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
