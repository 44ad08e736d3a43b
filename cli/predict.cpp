// coppice predict: a score for every row of a table.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_writer.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/scorer.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>
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

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice predict --model fraud.json new.csv --out scores.csv\n"
    "  coppice predict --model fraud.json new.csv --keep Time,Amount --output label --threshold 0.2\n"
    "  zcat new.csv.gz | coppice predict --model fraud.json - | head\n"
    "The result is a CSV with a header: the kept columns, then score (or leaf_0, leaf_1, ...), one row for\n"
    "each input row, in order.";

struct Arguments {
  std::string model;
  std::vector<std::string> paths;
  std::string out;
  std::string output;  // empty: the model's prediction
  double threshold = 0.5;
  std::vector<std::string> keep;
  bool has_header = true;
  std::string device = "cpu";
  int threads = 0;
  bool json = false;
};

/// A writer of one row's scores.
using WriteRow = std::function<void(std::size_t row)>;

/// Writes the header and every row: kept columns, then what write_row adds. Returns the header.
std::vector<std::string> write_table(io::CsvWriter& writer, const io::CsvTable& table,
                                     const std::vector<std::string>& names, const WriteRow& write_row) {
  std::vector<std::string> header = table.kept_names;
  header.insert(header.end(), names.begin(), names.end());
  for (const std::string& name : header) writer.field(name);
  writer.end_row();
  for (std::size_t row = 0; row < table.data.n_rows; ++row) {
    for (const auto& column : table.kept) writer.field(column[row]);
    write_row(row);
    writer.end_row();
  }
  return header;
}

std::vector<std::string> write_leaves(io::CsvWriter& writer, const io::CsvTable& table, const Scorer& scorer,
                                      int threads) {
  const std::size_t n_trees = scorer.n_trees();
  const std::vector<std::int32_t> leaves = leaves_of_table(scorer, table.data, threads);
  std::vector<std::string> names;
  for (std::size_t t = 0; t < n_trees; ++t) names.push_back(fmt::format("leaf_{}", t));
  return write_table(writer, table, names, [&](std::size_t row) {
    for (std::size_t t = 0; t < n_trees; ++t) writer.field(leaves[row * n_trees + t]);
  });
}

std::vector<std::string> write_scores(io::CsvWriter& writer, const io::CsvTable& table, const Model& model,
                                      const Arguments& arguments) {
  const Output output = arguments.output == "margin" ? Output::kMargin : Output::kPrediction;
  const Scorer scorer(model);  // for a GPU too: it checks the model
  const std::vector<float> scores =
      arguments.device == "cpu" ? score_table(scorer, table.data, output, arguments.threads)
                                : kernels::score_on_device(arguments.device, model, table.data, output);
  return write_table(writer, table, {"score"}, [&](std::size_t row) {
    if (arguments.output == "label") {
      writer.field(scores[row] >= arguments.threshold ? 1 : 0);
    } else {
      writer.field(scores[row]);
    }
  });
}

ExitCode run(const Arguments& arguments) {
  if (arguments.json && (arguments.out.empty() || arguments.out == "-")) {
    throw Error("cli.usage", "--json reports what was written: name a file for the scores with --out");
  }
  if (arguments.output == "leaf" && arguments.device != "cpu")
    throw Error("cli.usage", "leaves are found on the CPU: leave --device away");
  const Model model = io::load_model(arguments.model);
  const bool needs_classes = arguments.output == "probability" || arguments.output == "label";
  if (needs_classes && model.objective != Objective::kBinaryLogistic) {
    throw Error("cli.usage",
                fmt::format("{} predicts a number ({}): leave --output away, or take margin or leaf",
                            arguments.model, to_string(model.objective)));
  }
  io::CsvOptions csv = reading_for(model.schema, arguments.has_header, arguments.threads);
  csv.keep = arguments.keep;
  const io::CsvTable table = io::read_csv(arguments.paths, model.schema, csv);
  log_extra_columns(table);
  io::CsvWriter writer(arguments.out);
  const std::vector<std::string> header = arguments.output == "leaf"
                                              ? write_leaves(writer, table, Scorer(model), arguments.threads)
                                              : write_scores(writer, table, model, arguments);
  writer.commit();
  if (arguments.json) {
    write_json({{"out", arguments.out}, {"rows", table.data.n_rows}, {"columns", header}});
  }
  return kSuccess;
}

}  // namespace

Verb add_predict(CLI::App& program) {
  CLI::App* command = program.add_subcommand("predict", "Score every row of a table");
  const auto arguments = std::make_shared<Arguments>();
  add_model(*command, arguments->model);
  add_data(*command, arguments->paths);
  command->add_option("--out", arguments->out, "CSV file to write; standard output if not given")
      ->type_name("FILE");
  command
      ->add_option(
          "--output", arguments->output,
          "probability, margin (raw score), leaf (of every tree) or label (0 or 1 by --threshold); the\n"
          "model's prediction if not given")
      ->check(CLI::IsMember({"probability", "margin", "leaf", "label"}).description(""))
      ->type_name("KIND");
  add_threshold(*command, arguments->threshold);
  command->add_option("--keep", arguments->keep, "Columns to copy through, before the score")
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
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
