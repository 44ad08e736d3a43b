// Trains on a matrix in memory and scores another one: what bench/compare measures Coppice with.
#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/scorer.h>
#include <coppice/train.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "matrix_file.h"
#include "program.h"

namespace coppice::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string train, test, margins;  // test and margins: both or neither
  std::vector<std::string> parameters;
  int threads = 0;
  int repeats = 1;
  bool from_rows = false;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// A number of kilobytes that the kernel tells about this process, as VmHWM (peak) or VmRSS (now); 0 if none.
double memory_mib(std::string_view name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(name)) return std::stod(line.substr(name.size() + 1)) / 1024;
  }
  return 0;
}

/// Makes the peak that the kernel reports begin again from what is used now.
void reset_peak_memory() { std::ofstream("/proc/self/clear_refs") << 5; }

/// FNV-1a of the model file's bytes: equal for equal models.
std::string digest(const Model& model) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : io::write_model(model, io::ModelFormat::kUbjson)) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
  }
  return fmt::format("{:016x}", hash);
}

void write_margins(const Model& model, const Dataset& test, const std::string& path) {
  std::vector<const float*> columns;
  for (const Buffer<float>& column : test.columns) columns.push_back(column.data());
  std::vector<float> margins(test.n_rows);
  Scorer(model).score_columns(columns, 0, margins, Output::kMargin);
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(margins.data()),
             static_cast<std::streamsize>(margins.size() * sizeof(float)));
  if (!file) throw Error("bench.margins.write", fmt::format("{}: cannot be written", path));
}

/// One training, from the matrix to the model. `rows` is the row-major matrix to start from; without it the
/// columns of `data` are used as they are.
struct Training {
  Model model;
  TrainReport report;
  double columns_seconds = 0;  ///< rows to columns
  double prepare_seconds = 0;  ///< cuts and bins
  double train_seconds = 0;
  double loaded_mib = 0;  ///< used before it began
  double peak_mib = 0;
};

Training train_once(const Backend& backend, const Parameters& parameters, const Dataset& data,
                    const std::optional<std::vector<float>>& rows) {
  Training result;
  reset_peak_memory();
  result.loaded_mib = memory_mib("VmRSS");
  const double start = now();
  Dataset copied;
  if (rows) {
    copied = make_dataset(*rows, data.schema.features.size(), data.labels);
    copied.schema = data.schema;
    copied.weights = data.weights;
  }
  const double have_columns = now();
  const TrainingData prepared = prepare(backend, parameters, rows ? copied : data);
  const double have_bins = now();
  result.model = train(backend, parameters, prepared, {}, &result.report);
  result.train_seconds = now() - have_bins;
  result.prepare_seconds = have_bins - have_columns;
  result.columns_seconds = have_columns - start;
  result.peak_mib = memory_mib("VmHWM");
  return result;
}

Json describe(const Training& training) {
  const PhaseSeconds& phases = training.report.seconds;
  double leaves = 0;
  for (const Tree& tree : training.model.trees) leaves += tree.n_leaves();
  const auto n_trees = static_cast<double>(training.model.trees.size());
  return {{"seconds", training.columns_seconds + training.prepare_seconds + training.train_seconds},
          {"columns_seconds", training.columns_seconds},
          {"prepare_seconds", training.prepare_seconds},
          {"train_seconds", training.train_seconds},
          {"phases",
           {{"gradient", phases.gradient},
            {"histogram", phases.histogram},
            {"split", phases.split},
            {"partition", phases.partition},
            {"route", phases.route}}},
          {"kept_share", training.report.mean_kept_share},
          {"leaves_per_tree", n_trees > 0 ? leaves / n_trees : 0},
          {"loaded_mib", training.loaded_mib},
          {"peak_mib", training.peak_mib},
          {"digest", digest(training.model)}};
}

Parameters read_parameters(const std::vector<std::string>& assignments) {
  Parameters parameters;
  for (const std::string& assignment : assignments) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos) {
      throw Error("bench.parameter", fmt::format("'{}': expected key=value", assignment));
    }
    set_parameter(parameters, assignment.substr(0, equals), assignment.substr(equals + 1));
  }
  validate(parameters);
  return parameters;
}

/// A tiny training, as the other libraries have one (compare/peers.py): what a process pays for once, its
/// threads and code that it has not run yet, is not counted.
void warm_up(const Backend& backend, const Parameters& parameters) {
  constexpr std::size_t kRows = 200;
  std::vector<float> rows;
  Buffer<float> labels(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    rows.push_back(static_cast<float>(i * 37 % 101));
    rows.push_back(static_cast<float>(i * 61 % 89));
    labels[i] = rows[2 * i] > 50 ? 1.0F : 0.0F;
  }
  (void)train(backend, parameters, prepare(backend, parameters, make_dataset(rows, 2, labels)), {});
}

void run(const Arguments& arguments) {
  const Parameters parameters = read_parameters(arguments.parameters);
  Dataset data = read_matrix(arguments.train);
  std::optional<std::vector<float>> rows;
  if (arguments.from_rows) {
    rows = row_major(data);
    data.columns.clear();
  }
  const auto backend = kernels::make_cpu_backend(arguments.threads);
  warm_up(*backend, parameters);
  for (int repeat = 0; repeat < arguments.repeats; ++repeat) {
    const Training training = train_once(*backend, parameters, data, rows);
    if (!arguments.test.empty())
      write_margins(training.model, read_matrix(arguments.test), arguments.margins);
    fmt::print("{}\n", describe(training).dump());
  }
}

void declare(CLI::App& app, Arguments& arguments) {
  app.description("Trains Coppice on a matrix in memory and prints one JSON line for each repeat.");
  app.add_option("train", arguments.train, "Matrix file to train on (bench/matrix_file.h)")->required();
  app.add_option("parameters", arguments.parameters, "Training parameters, key=value");
  app.add_option("--threads", arguments.threads, "Threads; 0 is all cores");
  app.add_option("--repeats", arguments.repeats, "Trainings in this process")->check(CLI::PositiveNumber);
  app.add_flag("--from-rows", arguments.from_rows,
               "Start from a row-major matrix, as other libraries do: making columns counts too");
  CLI::Option* test = app.add_option("--test", arguments.test, "Matrix file to score");
  CLI::Option* margins = app.add_option("--margins", arguments.margins, "File for its margins, float32");
  test->needs(margins);
  margins->needs(test);
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program(argc, argv, coppice::bench::declare, coppice::bench::run);
}
