// coppice evaluate: how good a model is on a labelled table.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/model_file.h>
#include <coppice/metric.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "evaluation.h"
#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice evaluate --model fraud.json test.csv\n"
    "  coppice evaluate --model fraud.json test.csv --threshold 0.2 --json\n"
    "  coppice evaluate --model fraud.json test.csv --choose 'fpr<=0.001' --metric "
    "'recall@fpr=0.001,precision@k=100'\n"
    "  coppice evaluate --model fraud.json validation.csv --choose max-f1 --store\n"
    "  coppice evaluate --model fraud.json test.csv --bootstrap 1000 --seed 1\n"
    "Metrics and rules, with their formulas: docs/metrics.md.";

struct Arguments {
  std::string model;
  std::vector<std::string> paths;
  std::string label, weight, rule;
  bool has_header = true;
  std::optional<double> threshold;  // none: the model's
  bool store = false;
  EvaluationOptions options;
  bool json = false;
};

std::string confusion_text(const Evaluation& evaluation, const std::string& rule) {
  const Confusion& confusion = evaluation.confusion;
  TextTable table({"", "called 0", "called 1"});
  table.add_row({"label 0", sum_text(confusion.true_negative), sum_text(confusion.false_positive)});
  table.add_row({"label 1", sum_text(confusion.false_negative), sum_text(confusion.true_positive)});
  return fmt::format("\nConfusion matrix: called 1 from probability {} on{}\n{}", evaluation.threshold,
                     rule.empty() ? "" : fmt::format(", chosen by {}", rule), table.text());
}

std::string thresholds_text(const Evaluation& evaluation) {
  TextTable table({"threshold", "alerts", "precision", "recall", "F1", "false positive rate"});
  for (const auto& [threshold, confusion] : evaluation.thresholds) {
    table.add_row({number_text(threshold), sum_text(confusion.alerts()), metric_text(confusion.precision()),
                   metric_text(confusion.recall()), metric_text(confusion.f1()),
                   metric_text(confusion.false_positive_rate())});
  }
  return "\n" + table.text();
}

std::string metrics_text(const Evaluation& evaluation, const EvaluationOptions& options, bool is_binary) {
  const auto value_text = [&](double value) { return is_binary ? metric_text(value) : number_text(value); };
  std::vector<std::string> header = {"metric", "value"};
  if (options.bootstrap.n_replicates > 0) header.emplace_back("95 % interval");
  TextTable table(header);
  for (const MetricLine& line : evaluation.metrics) {
    std::vector<std::string> cells = {line.title, value_text(line.value)};
    if (line.interval) {
      cells.push_back(
          fmt::format("{} to {}", value_text(line.interval->low), value_text(line.interval->high)));
    }
    table.add_row(cells);
  }
  return "\n" + table.text();
}

void print_text(const Model& model, const Evaluation& evaluation, const Arguments& arguments) {
  const bool is_binary = model.objective == Objective::kBinaryLogistic;
  std::string text = fmt::format("{} rows", count_text(evaluation.n_rows));
  if (is_binary) {
    text += fmt::format(", {} positive ({})", sum_text(evaluation.confusion.positive()),
                        percent_text(evaluation.confusion.positive() / evaluation.confusion.total()));
  }
  text += '\n' + metrics_text(evaluation, arguments.options, is_binary);
  if (is_binary) text += confusion_text(evaluation, arguments.rule) + thresholds_text(evaluation);
  if (arguments.store) {
    text += fmt::format("\nThreshold {} stored in {}\n", evaluation.threshold, arguments.model);
  }
  write_output(text);
}

Json confusion_json(const Confusion& confusion) {
  return {{"true_positive", confusion.true_positive},
          {"false_positive", confusion.false_positive},
          {"true_negative", confusion.true_negative},
          {"false_negative", confusion.false_negative}};
}

Json thresholds_json(const std::vector<ThresholdLine>& thresholds) {
  Json lines = Json::array();
  for (const auto& [threshold, confusion] : thresholds) {
    lines.push_back({{"threshold", threshold},
                     {"alerts", confusion.alerts()},
                     {"precision", confusion.precision()},
                     {"recall", confusion.recall()},
                     {"f1", confusion.f1()},
                     {"false_positive_rate", confusion.false_positive_rate()}});
  }
  return lines;
}

void print_json(const Model& model, const Evaluation& evaluation, const Arguments& arguments) {
  Json json = {{"rows", evaluation.n_rows}};
  if (model.objective == Objective::kBinaryLogistic) {
    json["positive"] = evaluation.confusion.positive();
    json["threshold"] = evaluation.threshold;
    if (!arguments.rule.empty()) json["rule"] = arguments.rule;
    json["stored"] = arguments.store;
    json["confusion"] = confusion_json(evaluation.confusion);
    json["thresholds"] = thresholds_json(evaluation.thresholds);
  }
  Json metrics = Json::object(), intervals = Json::object();
  for (const MetricLine& line : evaluation.metrics) {
    metrics[line.name] = line.value;
    if (line.interval) intervals[line.name] = {line.interval->low, line.interval->high};
  }
  json["metrics"] = metrics;
  if (const Bootstrap& bootstrap = arguments.options.bootstrap; bootstrap.n_replicates > 0) {
    json["bootstrap"] = {{"replicates", bootstrap.n_replicates}, {"seed", bootstrap.seed}};
    json["intervals"] = intervals;
  }
  write_json(json);
}

/// What of the command line can be wrong without a look at the table: before it is read.
EvaluationOptions checked_options(const Arguments& arguments, const Model& model) {
  EvaluationOptions options = arguments.options;
  options.threshold = arguments.threshold.value_or(model.threshold);
  for (const std::string& metric : options.metrics) static_cast<void>(metric_from_string(metric));
  if (!arguments.rule.empty()) options.rule = threshold_rule_from_string(arguments.rule);
  if (arguments.store && !options.rule && !arguments.threshold) {
    throw Error("cli.usage", "--store keeps a threshold: choose one with --choose or --threshold");
  }
  if ((options.rule || arguments.store) && model.objective != Objective::kBinaryLogistic) {
    throw Error("cli.usage", fmt::format("{} needs a model of classes, and {} predicts a number",
                                         options.rule ? "--choose" : "--store", arguments.model));
  }
  return options;
}

ExitCode run(const Arguments& arguments) {
  Model model = io::load_model(arguments.model);
  const EvaluationOptions options = checked_options(arguments, model);
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, options.threads);
  csv.label = arguments.label.empty() ? model.schema.label : arguments.label;
  csv.weight = arguments.weight.empty() ? model.schema.weight : arguments.weight;
  csv.binary_label = model.objective == Objective::kBinaryLogistic;
  if (csv.label.empty()) {
    throw Error("cli.usage", "the model does not name a label column: give it with --label");
  }
  const io::CsvTable table = io::read_csv(arguments.paths, model.schema, csv);
  log_extra_columns(table);
  const Evaluation evaluation = evaluate_table(model, table.data, options);
  if (arguments.store) {
    model.threshold = evaluation.threshold;
    io::save_model(model, arguments.model);
  }
  if (arguments.json) {
    print_json(model, evaluation, arguments);
  } else {
    print_text(model, evaluation, arguments);
  }
  return kSuccess;
}

void add_measures(CLI::App& command, Arguments& arguments) {
  EvaluationOptions& options = arguments.options;
  add_threshold(command, arguments.threshold);
  command
      .add_option("--choose", arguments.rule,
                  fmt::format("Choose the threshold from this table: {}", kThresholdRules))
      ->excludes("--threshold")
      ->type_name("RULE");
  command.add_flag("--store", arguments.store,
                   "Keep the threshold in the model file: predict and evaluate then use it");
  command
      .add_option(
          "--metric", options.metrics,
          fmt::format("Metrics beside the usual ones: {}. Without @t: at the threshold in use", kMetricNames))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  command
      .add_option("--bootstrap", options.bootstrap.n_replicates,
                  "Replicates for 95 % intervals of the metrics; 0 is none, 1000 is usual")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  add_seed(command, options.bootstrap.seed, "the bootstrap");
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
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->options.threads);
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
