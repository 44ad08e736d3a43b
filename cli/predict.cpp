// coppice predict: a score for every row of a table, and what drove it.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_writer.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "options.h"
#include "predict_output.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kPredictFooter =
    "Examples:\n"
    "  coppice predict --model fraud.json new.csv --out scores.csv\n"
    "  coppice predict --model fraud.json new.csv --keep Time,Amount --output label --threshold 0.2\n"
    "  coppice predict --model fraud.json new.csv --output prediction,reasons --reasons 5\n"
    "  zcat new.csv.gz | coppice predict --model fraud.json - | head\n"
    "The result is a CSV with a header: the kept columns, then those of each output, one row for each input\n"
    "row, in order. The columns are explained in docs/predict.md.";

struct PredictArguments {
  std::string model;
  std::vector<std::string> paths;
  std::string out;
  std::vector<std::string> outputs = {"prediction"};
  std::optional<double> threshold;  // none: the model's
  std::optional<std::size_t> n_reasons;
  std::vector<std::string> keep;
  bool has_header = true;
  std::string device = "cpu";
  int threads = 0;
  bool json = false;
};

bool asks_for(const PredictArguments& arguments, std::string_view output) {
  return std::ranges::find(arguments.outputs, output) != arguments.outputs.end();
}

void check_arguments(const PredictArguments& arguments) {
  if (arguments.json && (arguments.out.empty() || arguments.out == "-")) {
    throw Error("cli.usage", "--json reports what was written: name a file for the scores with --out");
  }
  if (arguments.n_reasons && !asks_for(arguments, "reasons")) {
    throw Error("cli.usage", "--reasons says how many reasons are shown: ask for them with --output reasons");
  }
}

/// Refuses what the model has no answer to, before the table is read.
void check_outputs(const PredictArguments& arguments, const Model& model) {
  const bool needs_classes = asks_for(arguments, "probability") || asks_for(arguments, "label");
  if (needs_classes && model.objective != Objective::kBinaryLogistic) {
    throw Error(
        "cli.usage",
        fmt::format("{} predicts a number ({}): leave --output away, or take prediction, margin, leaf, "
                    "contributions or reasons",
                    arguments.model, to_string(model.objective)));
  }
}

std::vector<OutputColumns> make_outputs(const PredictArguments& arguments, const Model& model,
                                        const Dataset& data) {
  OutputOptions options{.threshold = arguments.threshold.value_or(model.threshold),
                        .device = arguments.device,
                        .threads = arguments.threads};
  options.n_reasons = arguments.n_reasons.value_or(options.n_reasons);
  std::vector<OutputColumns> outputs;
  for (const std::string& name : arguments.outputs) {
    outputs.push_back(make_output(name, model, data, options));
  }
  return outputs;
}

std::vector<std::string> header_of(const io::CsvTable& table, const std::vector<OutputColumns>& outputs) {
  std::vector<std::string> header = table.kept_names;
  for (const OutputColumns& output : outputs) {
    header.insert(header.end(), output.names.begin(), output.names.end());
  }
  return header;
}

void write_table(io::CsvWriter& writer, const io::CsvTable& table,
                 const std::vector<OutputColumns>& outputs) {
  constexpr std::size_t kStretch = 32768;
  for (const std::string& name : header_of(table, outputs)) writer.field(name);
  writer.end_row();
  for (std::size_t first = 0; first < table.data.n_rows; first += kStretch) {
    const RowRange rows{first, std::min(table.data.n_rows, first + kStretch)};
    for (const OutputColumns& output : outputs) output.compute(rows);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      for (const auto& column : table.kept) writer.field(column[first + i]);
      for (const OutputColumns& output : outputs) output.write(writer, i);
      writer.end_row();
    }
  }
}

ExitCode run_predict(const PredictArguments& arguments) {
  check_arguments(arguments);
  const Model model = io::load_model(arguments.model);
  check_outputs(arguments, model);
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, arguments.threads);
  csv.keep = arguments.keep;
  const io::CsvTable table = io::read_csv(arguments.paths, model.schema, csv);
  log_extra_columns(table);
  const std::vector<OutputColumns> outputs = make_outputs(arguments, model, table.data);
  io::CsvWriter writer(arguments.out);
  write_table(writer, table, outputs);
  writer.commit();
  if (arguments.json) {
    write_json({{"out", arguments.out}, {"rows", table.data.n_rows}, {"columns", header_of(table, outputs)}});
  }
  return kSuccess;
}

void add_outputs(CLI::App& command, PredictArguments& arguments) {
  command
      .add_option("--output", arguments.outputs,
                  fmt::format("What to tell of a row, one or several of {}", fmt::join(kOutputNames, ", ")))
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(
          CLI::IsMember(std::vector<std::string>(kOutputNames.begin(), kOutputNames.end())).description(""))
      ->capture_default_str()
      ->type_name("A,B");
  add_threshold(command, arguments.threshold);
  command
      .add_option("--reasons", arguments.n_reasons,
                  "Reasons to show of each row, the strongest first, with --output reasons; 3 if not given")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("K");
}

}  // namespace

Verb add_predict(CLI::App& program) {
  CLI::App* command = program.add_subcommand("predict", "Score every row of a table, and explain the scores");
  const auto arguments = std::make_shared<PredictArguments>();
  add_model(*command, arguments->model);
  add_data(*command, arguments->paths);
  command->add_option("--out", arguments->out, "CSV file to write; standard output if not given")
      ->type_name("FILE");
  add_outputs(*command, *arguments);
  command->add_option("--keep", arguments->keep, "Columns to copy through, before the outputs")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B");
  add_no_header(*command, arguments->has_header);
  command
      ->add_option("--device", arguments->device,
                   "cpu, or for large tables cuda or cuda:N; the scores are the same")
      ->type_name("DEVICE");
  add_threads(*command, arguments->threads);
  command->add_flag("--json", arguments->json, "Print a report of what was written as JSON; needs --out");
  command->footer(kPredictFooter);
  return {command, [arguments] { return run_predict(*arguments); }};
}

}  // namespace coppice::cli
