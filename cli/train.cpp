// coppice train: a table and parameters in, a model file out.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "container.h"
#include "holdout.h"
#include "model_destination.h"
#include "named_tables.h"
#include "options.h"
#include "progress.h"
#include "side_columns.h"
#include "text.h"
#include "training_parameters.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kTrainFooter =
    "Examples:\n"
    "  coppice train --train train.csv --valid validation.csv --label Class --model fraud.json\n"
    "      --param max_depth=5 --param eta=0.2 --param eval_metric=auc,ap\n"
    "  coppice train --train day1.csv day2.csv --valid recent=day3.csv --label Class --model fraud.ubj\n"
    "      --params params.json --param early_stopping_rounds=20 --json\n"
    "  coppice train --train all.csv --valid-fraction 0.2 --time-column date --label Class --model "
    "fraud.json\n"
    "      --param early_stopping_rounds=20\n"
    "  coppice train --train label_first.csv --no-header --label 0 --model fraud.json\n"
    "  coppice train --train new.csv --continue-from fraud.json --param num_round=20 --model fraud2.json\n"
    "`coppice parameters` lists every parameter.";

struct TrainArguments {
  std::vector<std::string> train;
  std::vector<std::string> validation;  // PATH or NAME=PATH
  HoldoutOptions holdout;
  SideColumnNames sides;
  io::CsvOptions csv;
  ParameterWords parameters;
  std::string model;
  std::string continue_from;
  std::string container_root;
  int log_period = 1;
  bool skip_training_metrics = false;
  bool json = false;
};

class Stopwatch {
 public:
  /// Seconds since the last lap, or since this was made.
  double lap() {
    const auto now = std::chrono::steady_clock::now();
    return std::chrono::duration<double>(now - std::exchange(start_, now)).count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

/// What the job did, for the closing report.
struct Outcome {
  std::string device;
  std::size_t n_rows = 0;
  std::size_t n_held_out = 0;
  std::size_t n_features = 0;
  int n_rounds = 0;  // of this training
  int best_round = -1;
  double read_seconds = 0, bin_seconds = 0, save_seconds = 0;
  TrainReport train;
};

/// A binary model of one class is refused (core.train.one_class); a number that never changes is learned.
void warn_of_constant_label(const Dataset& data, Objective objective) {
  const auto& labels = data.labels;
  if (objective == Objective::kBinaryLogistic || labels.empty()) return;
  const float first = labels[0];
  if (std::ranges::any_of(labels, [first](float label) { return label != first; })) return;
  write_log(
      fmt::format("warning: every label of column '{}' is {}: there is nothing to learn but this number\n",
                  data.schema.label, first));
}

void require_label(const TrainArguments& arguments, const io::CsvOptions& csv) {
  if (!csv.label.empty()) return;
  const io::CsvRows rows(arguments.train, csv.has_header, csv.threads);
  throw Error("cli.usage", fmt::format("name the label with --label; the columns of {} are {}",
                                       arguments.train.front(), fmt::join(rows.names(), ", ")));
}

/// Peak of this program's own memory. getrusage would also count what the process held before it became this
/// program.
std::uint64_t peak_memory_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    if (word == "VmHWM:" && status >> kibibytes) return kibibytes * 1024;
  }
  return 0;
}

double total_seconds(const Outcome& outcome) {
  return outcome.read_seconds + outcome.bin_seconds + outcome.train.total_seconds + outcome.save_seconds;
}

void print_json(const TrainArguments& arguments, const Outcome& outcome) {
  OrderedJson metrics = OrderedJson::object();
  for (const MetricValue& metric : outcome.train.final_metrics) metrics[metric.name] = metric.value;
  const PhaseSeconds& phases = outcome.train.seconds;
  const OrderedJson best_round = outcome.best_round < 0 ? OrderedJson() : OrderedJson(outcome.best_round);
  write_json(OrderedJson{{"model", arguments.model},
                         {"device", outcome.device},
                         {"rows", outcome.n_rows},
                         {"held_out_rows", outcome.n_held_out},
                         {"features", outcome.n_features},
                         {"rounds", outcome.n_rounds},
                         {"best_round", best_round},
                         {"stopped_early", outcome.train.stopped_early},
                         {"kept_row_share", outcome.train.mean_kept_share},
                         {"metrics", metrics},
                         {"seconds",
                          {{"total", total_seconds(outcome)},
                           {"read", outcome.read_seconds},
                           {"bin", outcome.bin_seconds},
                           {"train", outcome.train.total_seconds},
                           {"inside_train",
                            {{"gradient", phases.gradient},
                             {"histogram", phases.histogram},
                             {"split", phases.split},
                             {"partition", phases.partition},
                             {"route", phases.route},
                             {"evaluate", phases.evaluate}}},
                           {"save", outcome.save_seconds}}},
                         {"peak_memory_bytes", peak_memory_bytes()},
                         {"device_memory_bytes", outcome.train.device_bytes}});
}

void print_text(const TrainArguments& arguments, const Outcome& outcome) {
  std::string text = fmt::format("{}: {} rounds on {} rows and {} features, {} of the rows kept per round\n",
                                 arguments.model, outcome.n_rounds, count_text(outcome.n_rows),
                                 outcome.n_features, percent_text(outcome.train.mean_kept_share));
  if (outcome.n_held_out > 0) text += fmt::format("  {} rows held out\n", count_text(outcome.n_held_out));
  if (outcome.best_round >= 0) {
    text += fmt::format("  best round [{}]{}\n", outcome.best_round,
                        outcome.train.stopped_early ? ", training stopped early" : "");
  }
  for (const MetricValue& metric : outcome.train.final_metrics) {
    text += fmt::format("  {} {}\n", metric.name, metric_text(metric.value));
  }
  text +=
      fmt::format("  {} (read {}, bin {}, train {}), peak memory {}\n", seconds_text(total_seconds(outcome)),
                  seconds_text(outcome.read_seconds), seconds_text(outcome.bin_seconds),
                  seconds_text(outcome.train.total_seconds), bytes_text(peak_memory_bytes()));
  write_output(text);
}

/// The training table in numbers, and the rows that are held out of it; the text is gone when this returns.
TrainingTables read_training_tables(const TrainArguments& arguments, const io::CsvOptions& csv,
                                    const Parameters& parameters, const Model* previous) {
  TableWithSides table =
      read_table(arguments.train, previous != nullptr ? &previous->schema : nullptr, csv, arguments.sides);
  log_extra_columns(table.csv);
  if (previous == nullptr) warn_of_numeric_names(table.csv.data.schema);
  warn_of_constant_label(table.csv.data, parameters.objective);
  return hold_out(std::move(table), arguments.holdout, parameters.objective, parameters.seed);
}

Model train_model(const TrainArguments& arguments, const Backend& backend, const Parameters& parameters,
                  io::CsvOptions csv, const Model* previous, Outcome& outcome) {
  std::vector<NamedTable> sets = group_validation(arguments.validation);
  Stopwatch watch;
  TrainingTables tables = read_training_tables(arguments, csv, parameters, previous);
  outcome.read_seconds += watch.lap();
  outcome.n_rows = tables.train.n_rows;
  outcome.n_held_out = tables.validation.n_rows;
  outcome.n_features = tables.train.n_features();
  const TrainingData data = prepare(backend, parameters, tables.train, previous);
  tables.train = {};  // the bins stand for it
  outcome.bin_seconds += watch.lap();
  csv.has_header = data.schema.has_header;
  TrainOptions options;
  if (outcome.n_held_out > 0) options.evaluation.push_back({"validation", &tables.validation});
  for (NamedTable& set : sets) {
    set.table = read_table(set.paths, &data.schema, csv, arguments.sides).csv;
    options.evaluation.push_back({set.name, &set.table.data});
  }
  outcome.read_seconds += watch.lap();
  ProgressLog log(arguments.log_period);
  options.evaluate_training = !arguments.skip_training_metrics;
  options.continue_from = previous;
  options.describe_data = true;
  options.observer = [&log](const Progress& progress) {
    log.show(progress);
    return true;
  };
  Model model = train(backend, parameters, data, options, &outcome.train);
  log.finish();
  return model;
}

/// The root of a managed training job, if this is one; `n_options` were given. The job has options of its
/// own.
std::optional<std::string> container_root(const TrainArguments& arguments, std::size_t n_options) {
  if (arguments.container_root.empty()) {
    return n_options == 0 && is_container(kContainerRoot) ? std::optional(kContainerRoot) : std::nullopt;
  }
  if (n_options == 1) return arguments.container_root;
  throw Error("cli.usage",
              "--container-root: the options of a managed training job are in its files; give no others");
}

ExitCode run_train(const TrainArguments& arguments, std::size_t n_options) {
  if (const auto root = container_root(arguments, n_options)) return train_in_container(*root);
  if (arguments.train.empty()) throw Error("cli.usage", "--train is required; see coppice train --help");
  if (arguments.model.empty()) throw Error("cli.usage", "--model is required; see coppice train --help");
  std::optional<Model> loaded;
  if (!arguments.continue_from.empty()) loaded = io::load_model(arguments.continue_from);
  const Model* previous = loaded ? &*loaded : nullptr;
  const Parameters parameters =
      read_parameters(arguments.parameters, previous != nullptr ? previous->parameters : Parameters{});
  check_model_destination(arguments.model);

  io::CsvOptions csv = arguments.csv;
  csv.threads = parameters.threads;
  csv.binary_label = parameters.objective == Objective::kBinaryLogistic;
  if (previous != nullptr) {
    csv.has_header = csv.has_header && previous->schema.has_header;
    if (csv.label.empty()) csv.label = previous->schema.label;
    if (csv.weight.empty()) csv.weight = previous->schema.weight;
  }
  require_label(arguments, csv);
  check_holdout(arguments.holdout, arguments.sides);
  for (const std::string& metric : parameters.eval_metric) {
    require_columns(metric_from_string(metric), costs_of(parameters), given_columns(arguments.sides));
  }
  // What tells rows apart, or when they came, is not learned from.
  for (const std::string* name : {&arguments.sides.time, &arguments.sides.group}) {
    if (!name->empty()) csv.ignored.push_back(*name);
  }

  const auto backend = kernels::make_backend(parameters.device, parameters.threads);
  Outcome outcome;
  outcome.device = backend->name();
  const Model model = train_model(arguments, *backend, parameters, csv, previous, outcome);
  Stopwatch watch;
  io::save_model(model, arguments.model);
  outcome.save_seconds = watch.lap();
  outcome.n_rounds = static_cast<int>(model.trees.size() - (loaded ? loaded->trees.size() : 0));
  outcome.best_round = model.summary.best_round;
  arguments.json ? print_json(arguments, outcome) : print_text(arguments, outcome);
  return kSuccess;
}

}  // namespace

Verb add_train(CLI::App& program) {
  CLI::App* command = program.add_subcommand("train", "Train a model on a table");
  const auto arguments = std::make_shared<TrainArguments>();
  command
      ->add_option("--train", arguments->train, "Training table, required: files with the same columns, or -")
      ->type_name("DATA");
  command
      ->add_option("--valid", arguments->validation,
                   "Table whose metrics are watched; named validation, or NAME by NAME=DATA")
      ->type_name("DATA");
  add_holdout(*command, arguments->holdout);
  add_side_columns(*command, arguments->sides);
  command->add_option("--label", arguments->csv.label, "Label column, by name or index")
      ->type_name("NAME|INDEX");
  command->add_option("--weight", arguments->csv.weight, "Row weight column, by name or index")
      ->type_name("NAME|INDEX");
  add_training_parameters(*command, arguments->parameters);
  command->add_option("--model", arguments->model, "Model file to write, required: .json or .ubj")
      ->type_name("OUT");
  command
      ->add_option("--continue-from", arguments->continue_from,
                   "Add num_round rounds to this model; its parameters are the defaults")
      ->type_name("MODEL");
  command
      ->add_option(
          "--container-root", arguments->container_root,
          "Train as the files of a managed training job in this folder ask for (docs/container.md); /opt/ml\n"
          "if no option is given and there is a job")
      ->type_name("DIR");
  add_reading(*command, arguments->csv);
  command->add_option("--log-period", arguments->log_period, "Log every Nth round; 0 logs nothing")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  command->add_flag("--no-train-metrics", arguments->skip_training_metrics,
                    "Do not compute metrics of the training table in every round (faster)");
  add_json(*command, arguments->json);
  command->footer(kTrainFooter);
  return {command, [=] { return run_train(*arguments, command->parse_order().size()); }};
}

}  // namespace coppice::cli
