// coppice split: parts or folds of a table, rows copied as they stand.
#include <coppice/error.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/csv_writer.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "options.h"
#include "split_columns.h"
#include "strategies.h"
#include "text.h"
#include "time_column.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kSplitFooter =
    "Examples:\n"
    "  coppice split all.csv.gz --label Class --out parts --fractions 0.7,0.2,0.1 --seed 1729\n"
    "  coppice split all.csv --strategy time --time-column TX_DATETIME --gap 7d --out parts --fractions "
    "0.8,0.2\n"
    "  coppice split all.csv --strategy group --group-column card_id --label Class --out folds --folds 5\n"
    "  coppice split all.csv --strategy prequential --time-column day --train-length 7 --gap 7 --test-length "
    "7\n"
    "      --folds 4 --out folds\n"
    "Three parts are train.csv, validation.csv and test.csv; two are train.csv and test.csv; others "
    "part1.csv, ...\nFold k is fold_k/train.csv and fold_k/test.csv.";

/// More than this many classes make no readable table.
constexpr std::size_t kMaxShownClasses = 10;

const std::string kPrequential = "prequential";

struct SplitArguments {
  std::vector<std::string> paths;
  SplitColumnNames columns;
  std::string out;
  std::vector<double> fractions;
  std::size_t n_folds = 0;
  std::uint64_t seed = 0;
  std::string strategy_name = "stratified";
  tune::SplitStrategy strategy = tune::SplitStrategy::kStratified;  // of strategy_name
  std::string gap = "0";
  std::string start, train_length, test_length, step;  // of prequential
  bool has_header = true;
  int threads = 0;
  bool json = false;
};

/// Parts of one way to divide the table, and the folder they go to.
struct Division {
  std::string folder;
  std::vector<std::string> part_names;
  tune::Parts part_of_row;
};

/// A part as it was written.
struct Part {
  std::string path;
  std::size_t n_rows = 0;
  std::vector<std::size_t> class_rows;  // [classes], empty without them
};

/// A division as it was written.
struct WrittenDivision {
  std::vector<Part> parts;
  std::size_t n_left_out = 0;
};

void check_usage(const SplitArguments& arguments) {
  const auto refuse = [](const std::string& message) { throw Error("cli.usage", message); };
  const auto& [label, time, group] = arguments.columns;
  const std::string& name = arguments.strategy_name;
  if (arguments.strategy == tune::SplitStrategy::kStratified && label.empty()) {
    refuse("a stratified split needs --label; --strategy random does not");
  }
  if (tune::uses_time(arguments.strategy) == time.empty()) {
    refuse(time.empty() ? fmt::format("--strategy {} needs --time-column", name)
                        : fmt::format("--strategy {} does not look at --time-column; choose time, time-group "
                                      "or prequential",
                                      name));
  }
  if (tune::uses_groups(arguments.strategy) == group.empty()) {
    refuse(group.empty() ? fmt::format("--strategy {} needs --group-column", name)
                         : fmt::format("--strategy {} does not look at --group-column; choose group or "
                                       "time-group",
                                       name));
  }
  const bool is_prequential = arguments.strategy_name == kPrequential;
  if (arguments.fractions.empty() == (arguments.n_folds == 0) || (is_prequential && arguments.n_folds == 0)) {
    refuse(is_prequential ? "--strategy prequential needs --folds, and no --fractions"
                          : "give either --fractions or --folds");
  }
  if (is_prequential && (arguments.train_length.empty() || arguments.test_length.empty())) {
    refuse("--strategy prequential needs --train-length and --test-length");
  }
  const bool has_window = !arguments.train_length.empty() || !arguments.test_length.empty() ||
                          !arguments.step.empty() || !arguments.start.empty();
  if (!is_prequential && has_window) {
    refuse("--train-length, --test-length, --step and --start belong to --strategy prequential");
  }
}

tune::PrequentialOptions prequential_options(const SplitArguments& arguments, const SplitTable& table) {
  tune::PrequentialOptions options;
  options.start = *std::ranges::min_element(table.times);
  if (!arguments.start.empty()) {
    const auto start = io::parse_time(arguments.start);
    if (!start || start->scale != table.scale) {
      throw Error("cli.usage", fmt::format("--start: {} is no {} as those of column {}", arguments.start,
                                           table.scale == io::TimeScale::kDate ? "date" : "number",
                                           arguments.columns.time));
    }
    options.start = start->value;
  }
  options.train_length = length_of("--train-length", arguments.train_length, table.scale);
  options.gap = length_of("--gap", arguments.gap, table.scale);
  options.test_length = length_of("--test-length", arguments.test_length, table.scale);
  options.step =
      arguments.step.empty() ? options.test_length : length_of("--step", arguments.step, table.scale);
  options.n_folds = arguments.n_folds;
  return options;
}

tune::SplitOptions split_options(const SplitArguments& arguments, const SplitTable& table) {
  tune::SplitOptions options;
  options.strategy = arguments.strategy;
  options.fractions = arguments.fractions;
  options.n_folds = arguments.n_folds;
  options.seed = arguments.seed;
  options.gap = length_of("--gap", arguments.gap, table.scale);
  return options;
}

/// `--label` of a strategy that stratifies.
void check_classes(const SplitArguments& arguments, const SplitTable& table) {
  const bool stratifies = arguments.strategy == tune::SplitStrategy::kStratified ||
                          arguments.strategy == tune::SplitStrategy::kGroup;
  if (!stratifies || table.class_names.size() <= kMaxClasses) return;
  throw Error("cli.usage",
              fmt::format("column {} has more than {} different values, which are no classes; {}",
                          arguments.columns.label, kMaxClasses,
                          arguments.strategy == tune::SplitStrategy::kGroup ? "leave --label out"
                                                                            : "use --strategy random"));
}

std::vector<std::string> part_names(std::size_t n_parts) {
  if (n_parts == 3) return {"train", "validation", "test"};
  if (n_parts == 2) return {"train", "test"};
  std::vector<std::string> names;
  for (std::size_t i = 1; i <= n_parts; ++i) names.push_back(fmt::format("part{}", i));
  return names;
}

std::vector<Division> divide(const SplitArguments& arguments, const SplitTable& table) {
  check_classes(arguments, table);
  if (arguments.n_folds == 0) {
    const tune::SplitOptions options = split_options(arguments, table);
    return {{arguments.out, part_names(options.fractions.size()), tune::split(table.columns(), options)}};
  }
  std::vector<tune::Parts> folds =
      arguments.strategy_name == kPrequential
          ? tune::prequential_folds(table.times, prequential_options(arguments, table))
          : tune::make_folds(table.columns(), split_options(arguments, table));
  std::vector<Division> divisions;
  for (tune::Parts& fold : folds) {
    const std::string name = fmt::format("fold_{}", divisions.size() + 1);
    divisions.push_back({std::filesystem::path(arguments.out) / name, part_names(2), std::move(fold)});
  }
  return divisions;
}

/// Columns by their names, where they were given by index.
SplitColumnNames named_columns(const io::CsvRows& rows, SplitColumnNames columns) {
  for (std::string* column : {&columns.label, &columns.time, &columns.group}) {
    if (!column->empty()) *column = rows.names()[rows.column_index(*column)];
  }
  return columns;
}

void make_folder(const std::string& folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    throw Error("io.file.write", fmt::format("{}: cannot make the folder: {}", folder, failed.message()));
  }
}

/// All divisions in one pass over the rows; files appear when all of them are whole.
std::vector<WrittenDivision> write_divisions(const std::vector<Division>& divisions, const io::CsvRows& rows,
                                             bool has_header, const SplitTable& table) {
  std::vector<WrittenDivision> written(divisions.size());
  std::vector<std::vector<io::CsvWriter>> writers(divisions.size());
  for (std::size_t d = 0; d < divisions.size(); ++d) {
    make_folder(divisions[d].folder);
    for (const std::string& name : divisions[d].part_names) {
      const auto path = std::filesystem::path(divisions[d].folder) / (name + ".csv");
      const std::size_t n_classes = table.classes.empty() ? 0 : table.class_names.size();
      written[d].parts.push_back({path.string(), 0, std::vector<std::size_t>(n_classes, 0)});
      writers[d].emplace_back(path.string());
      if (has_header) writers[d].back().record(rows.header());
    }
  }
  rows.visit([&](std::size_t row, std::string_view record) {
    for (std::size_t d = 0; d < divisions.size(); ++d) {
      const std::size_t part = divisions[d].part_of_row[row];
      if (part == tune::kNoPart) {
        ++written[d].n_left_out;
        continue;
      }
      writers[d][part].record(record);
      ++written[d].parts[part].n_rows;
      if (!table.classes.empty()) ++written[d].parts[part].class_rows[table.classes[row]];
    }
  });
  for (std::vector<io::CsvWriter>& parts : writers) {
    for (io::CsvWriter& writer : parts) writer.commit();
  }
  return written;
}

std::string report_text(const SplitArguments& arguments, const SplitTable& table,
                        const std::vector<WrittenDivision>& divisions) {
  const bool show_classes = !table.classes.empty() && table.class_names.size() <= kMaxShownClasses;
  std::vector<std::string> header = {"part", "rows"};
  if (show_classes) {
    for (const std::string& name : table.class_names) {
      header.push_back(fmt::format("{} = {}", arguments.columns.label, name));
    }
  }
  TextTable text(std::move(header));
  for (const WrittenDivision& division : divisions) {
    for (const Part& part : division.parts) {
      std::vector<std::string> cells = {part.path, count_text(part.n_rows)};
      if (show_classes) {
        for (const std::size_t n : part.class_rows) {
          cells.push_back(fmt::format("{} ({})", count_text(n), percent_text(share(n, part.n_rows))));
        }
      }
      text.add_row(std::move(cells));
    }
    if (division.n_left_out == 0) continue;
    std::vector<std::string> cells(show_classes ? 2 + table.class_names.size() : 2);
    cells[0] = "(left out)";
    cells[1] = count_text(division.n_left_out);
    text.add_row(std::move(cells));
  }
  return text.text();
}

OrderedJson division_json(const SplitTable& table, const WrittenDivision& division) {
  OrderedJson json = {{"parts", OrderedJson::array()}, {"left_out", division.n_left_out}};
  for (const Part& part : division.parts) {
    OrderedJson counts = OrderedJson::object();
    for (std::size_t c = 0; c < part.class_rows.size(); ++c) {
      counts[table.class_names[c]] = part.class_rows[c];
    }
    json["parts"].push_back({{"path", part.path}, {"rows", part.n_rows}, {"classes", counts}});
  }
  return json;
}

OrderedJson report_json(const SplitArguments& arguments, const SplitTable& table,
                        const std::vector<WrittenDivision>& divisions) {
  if (arguments.n_folds == 0) return division_json(table, divisions.front());
  OrderedJson json = {{"folds", OrderedJson::array()}};
  for (const WrittenDivision& division : divisions) json["folds"].push_back(division_json(table, division));
  return json;
}

ExitCode run_split(SplitArguments arguments) {
  // A prequential split is one by time into windows.
  arguments.strategy = arguments.strategy_name == kPrequential ? tune::SplitStrategy::kTime
                                                               : strategy_of_name(arguments.strategy_name);
  check_usage(arguments);
  const io::CsvRows rows(arguments.paths, arguments.has_header, arguments.threads);
  warn_of_numeric_names(rows.names());
  const SplitTable table = read_split_table(rows, arguments.columns);
  const std::vector<Division> divisions = divide(arguments, table);
  write_log(note_on_unused_columns(rows.names(), named_columns(rows, arguments.columns)));
  const std::vector<WrittenDivision> written = write_divisions(divisions, rows, arguments.has_header, table);
  if (arguments.json) {
    write_json(report_json(arguments, table, written));
  } else {
    write_output(report_text(arguments, table, written));
  }
  return kSuccess;
}

void add_strategy(CLI::App& command, SplitArguments& arguments) {
  std::vector<std::string> names = strategy_names();
  names.push_back(kPrequential);
  command
      .add_option("--strategy", arguments.strategy_name,
                  "stratified (each part has its share of every class, to within one row), random, time "
                  "(oldest rows first), group (a group is never in two parts), time-group or prequential")
      ->check(CLI::IsMember(names).description(""))
      ->capture_default_str()
      ->type_name("NAME");
  add_time_column(command, arguments.columns.time);
  add_group_column(command, arguments.columns.group);
  add_gap(command, arguments.gap, "a part");
  command.add_option("--train-length", arguments.train_length, "Prequential: time that a fold trains on")
      ->type_name("LENGTH");
  command.add_option("--test-length", arguments.test_length, "Prequential: time that a fold tests on")
      ->type_name("LENGTH");
  command
      .add_option("--step", arguments.step, "Prequential: from fold to fold; as --test-length if not given")
      ->type_name("LENGTH");
  command.add_option("--start", arguments.start, "Prequential: begin of the first fold; else the first time")
      ->type_name("TIME");
}

}  // namespace

Verb add_split(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("split", "Divide a table into parts or folds: by chance, time or group");
  const auto arguments = std::make_shared<SplitArguments>();
  add_data(*command, arguments->paths);
  command
      ->add_option("--label", arguments->columns.label,
                   "Column, by name or index, whose classes a stratified or group split keeps")
      ->type_name("NAME|INDEX");
  command->add_option("--out", arguments->out, "Folder for the parts")->required()->type_name("DIR");
  command->add_option("--fractions", arguments->fractions, "Shares of the rows; they sum to 1")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,..");
  command->add_option("--folds", arguments->n_folds, "Number of folds, instead of --fractions")
      ->check(CLI::Range(1, 254).description(""))
      ->type_name("K");
  add_seed(*command, arguments->seed, "the shuffle, or of the order of the groups");
  add_strategy(*command, *arguments);
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->threads);
  add_json(*command, arguments->json);
  command->footer(kSplitFooter);
  return {command, [arguments] { return run_split(*arguments); }};
}

}  // namespace coppice::cli
