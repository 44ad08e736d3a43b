// coppice train: a table and parameters in, a model file out.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "options.h"
#include "progress.h"
#include "text.h"
#include "training_parameters.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice train --train train.csv --valid validation.csv --label Class --model fraud.json\n"
    "      --param max_depth=5 --param eta=0.2 --param eval_metric=auc,ap\n"
    "  coppice train --train day1.csv day2.csv --valid recent=day3.csv --label Class --model fraud.ubj\n"
    "      --params params.json --param early_stopping_rounds=20 --json\n"
    "  coppice train --train label_first.csv --no-header --label 0 --model fraud.json\n"
    "  coppice train --train new.csv --continue-from fraud.json --param num_round=20 --model fraud2.json\n"
    "`coppice parameters` lists every parameter.";

struct Arguments {
  std::vector<std::string> train;
  std::vector<std::string> validation;  // PATH or NAME=PATH
  io::CsvOptions csv;
  std::vector<std::string> words;  // key=value
  std::string parameter_file;
  std::string seed, device, threads;  // texts: the parameter table checks them
  std::string model;
  std::string continue_from;
  int log_period = 1;
  bool skip_training_metrics = false;
  bool json = false;
};

/// A table whose metrics are watched.
struct NamedTable {
  std::string name;
  std::vector<std::string> paths;
  io::CsvTable table;
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
  std::size_t n_features = 0;
  int n_rounds = 0;  // of this training
  int best_round = -1;
  double read_seconds = 0, bin_seconds = 0, save_seconds = 0;
  TrainReport train;
};

Parameters read_parameters(const Arguments& arguments, const Model* previous) {
  Parameters parameters = previous != nullptr ? previous->parameters : Parameters{};
  if (!arguments.parameter_file.empty()) set_from_file(parameters, arguments.parameter_file);
  for (const std::string& word : arguments.words) set_from_word(parameters, word);
  if (!arguments.seed.empty()) set_parameter(parameters, "seed", arguments.seed);
  if (!arguments.device.empty()) set_parameter(parameters, "device", arguments.device);
  if (!arguments.threads.empty()) set_parameter(parameters, "threads", arguments.threads);
  validate(parameters);
  return parameters;
}

/// `NAME=PATH` extends the set NAME, a bare path the set `validation`.
std::vector<NamedTable> group_validation(const std::vector<std::string>& words) {
  std::vector<NamedTable> sets;
  for (const std::string& word : words) {
    const std::size_t end =
        word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    const bool is_named = end != std::string::npos && end > 0 && word[end] == '=';
    const std::string name = is_named ? word.substr(0, end) : "validation";
    auto set = std::ranges::find(sets, name, &NamedTable::name);
    if (set == sets.end()) set = sets.insert(set, NamedTable{name, {}, {}});
    set->paths.push_back(is_named ? word.substr(end + 1) : word);
  }
  if (std::ranges::find(sets, "train", &NamedTable::name) != sets.end()) {
    throw Error("cli.usage", "--valid train=...: the name train belongs to the training table");
  }
  return sets;
}

/// A long training must not end in a model that cannot be saved.
void check_output(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  if (path == "-") throw Error("cli.usage", "--model -: a model goes to a file; name it");
  if (std::filesystem::is_directory(path)) {
    throw Error("io.file.write", fmt::format("{}: is a folder; name a file in it", path));
  }
  if (!std::filesystem::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0) {
    throw Error("io.file.write",
                fmt::format("{}: folder {} does not exist or cannot be written to", path, folder));
  }
}

/// A binary model of one class is refused (core.train.one_class); a number that never changes is learned.
void warn_of_constant_label(const io::CsvTable& table, Objective objective) {
  const auto& labels = table.data.labels;
  if (objective == Objective::kBinaryLogistic || labels.empty()) return;
  const float first = labels[0];
  if (std::ranges::any_of(labels, [first](float label) { return label != first; })) return;
  write_log(
      fmt::format("warning: every label of column '{}' is {}: there is nothing to learn but this number\n",
                  table.data.schema.label, first));
}

void require_label(const Arguments& arguments, const io::CsvOptions& csv) {
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

void print_json(const Arguments& arguments, const Outcome& outcome) {
  Json metrics = Json::object();
  for (const MetricValue& metric : outcome.train.final_metrics) metrics[metric.name] = metric.value;
  const PhaseSeconds& phases = outcome.train.seconds;
  const Json best_round = outcome.best_round < 0 ? Json() : Json(outcome.best_round);
  write_json(Json{{"model", arguments.model},
                  {"device", outcome.device},
                  {"rows", outcome.n_rows},
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
                      {"partition", phases.partition},
                      {"route", phases.route},
                      {"evaluate", phases.evaluate}}},
                    {"save", outcome.save_seconds}}},
                  {"peak_memory_bytes", peak_memory_bytes()},
                  {"device_memory_bytes", outcome.train.device_bytes}});
}

void print_text(const Arguments& arguments, const Outcome& outcome) {
  std::string text = fmt::format("{}: {} rounds on {} rows and {} features, {} of the rows kept per round\n",
                                 arguments.model, outcome.n_rounds, count_text(outcome.n_rows),
                                 outcome.n_features, percent_text(outcome.train.mean_kept_share));
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

/// The training table, binned; the text and the raw numbers are gone when this returns.
TrainingData read_training_data(const Arguments& arguments, const io::CsvOptions& csv, const Backend& backend,
                                const Parameters& parameters, const Model* previous, Outcome& outcome) {
  Stopwatch watch;
  const io::CsvTable table = previous != nullptr ? io::read_csv(arguments.train, previous->schema, csv)
                                                 : io::read_csv(arguments.train, csv);
  log_extra_columns(table);
  if (previous == nullptr) warn_of_numeric_names(table.data.schema);
  warn_of_constant_label(table, parameters.objective);
  outcome.read_seconds += watch.lap();
  outcome.n_rows = table.data.n_rows;
  outcome.n_features = table.data.n_features();
  TrainingData data = prepare(backend, parameters, table.data, previous);
  outcome.bin_seconds += watch.lap();
  return data;
}

Model train_model(const Arguments& arguments, const Backend& backend, const Parameters& parameters,
                  io::CsvOptions csv, const Model* previous, Outcome& outcome) {
  std::vector<NamedTable> sets = group_validation(arguments.validation);
  const TrainingData data = read_training_data(arguments, csv, backend, parameters, previous, outcome);
  TrainOptions options;
  csv.has_header = data.schema.has_header;
  Stopwatch watch;
  for (NamedTable& set : sets) {
    set.table = io::read_csv(set.paths, data.schema, csv);
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

ExitCode run(const Arguments& arguments) {
  std::optional<Model> loaded;
  if (!arguments.continue_from.empty()) loaded = io::load_model(arguments.continue_from);
  const Model* previous = loaded ? &*loaded : nullptr;
  const Parameters parameters = read_parameters(arguments, previous);
  check_output(arguments.model);

  io::CsvOptions csv = arguments.csv;
  csv.threads = parameters.threads;
  csv.binary_label = parameters.objective == Objective::kBinaryLogistic;
  if (previous != nullptr) {
    csv.has_header = csv.has_header && previous->schema.has_header;
    if (csv.label.empty()) csv.label = previous->schema.label;
    if (csv.weight.empty()) csv.weight = previous->schema.weight;
  }
  require_label(arguments, csv);

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

void add_training_parameters(CLI::App& command, Arguments& arguments) {
  command.add_option("--param", arguments.words, "One training parameter; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command
      .add_option("--params", arguments.parameter_file, "Training parameters as a JSON object; --param wins")
      ->type_name("FILE.json");
  command.add_option("--seed", arguments.seed, "Seed of every random choice")->type_name("N");
  command
      .add_option("--threads", arguments.threads, "Threads; 0 is all cores. The model does not depend on it")
      ->type_name("N");
  command.add_option("--device", arguments.device, "cpu, cuda, cuda:N or auto")->type_name("DEVICE");
}

}  // namespace

Verb add_train(CLI::App& program) {
  CLI::App* command = program.add_subcommand("train", "Train a model on a table");
  const auto arguments = std::make_shared<Arguments>();
  command->add_option("--train", arguments->train, "Training table: files with the same columns, or -")
      ->required()
      ->type_name("DATA");
  command
      ->add_option("--valid", arguments->validation,
                   "Table whose metrics are watched; named validation, or NAME by NAME=DATA")
      ->type_name("DATA");
  command->add_option("--label", arguments->csv.label, "Label column, by name or index")
      ->type_name("NAME|INDEX");
  command->add_option("--weight", arguments->csv.weight, "Row weight column, by name or index")
      ->type_name("NAME|INDEX");
  add_training_parameters(*command, *arguments);
  command->add_option("--model", arguments->model, "Model file to write: .json or .ubj")
      ->required()
      ->type_name("OUT");
  command
      ->add_option("--continue-from", arguments->continue_from,
                   "Add num_round rounds to this model; its parameters are the defaults")
      ->type_name("MODEL");
  add_reading(*command, arguments->csv);
  command->add_option("--log-period", arguments->log_period, "Log every Nth round; 0 logs nothing")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  command->add_flag("--no-train-metrics", arguments->skip_training_metrics,
                    "Do not compute metrics of the training table in every round (faster)");
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
