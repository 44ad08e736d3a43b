// coppice split: seeded parts of a table, rows copied as they stand.
#include <coppice/error.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/csv_writer.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFooter =
    "Examples:\n"
    "  coppice split all.csv.gz --label Class --out parts --fractions 0.7,0.2,0.1 --seed 1729\n"
    "  coppice split all.csv --strategy random --out parts --fractions 0.8,0.2 --seed 1\n"
    "Three parts are train.csv, validation.csv and test.csv; two are train.csv and test.csv; others "
    "part1.csv, ...";

/// More than this many different labels are quantities, not classes.
constexpr std::size_t kMaxClasses = 256;
/// More than this many classes make no readable table.
constexpr std::size_t kMaxShownClasses = 10;

struct Arguments {
  std::vector<std::string> paths;
  std::string label;
  std::string out;
  std::vector<double> fractions;
  std::uint64_t seed = 0;
  std::string strategy = "stratified";
  bool has_header = true;
  int threads = 0;
  bool json = false;
};

/// The class of every row, by label text.
struct Classes {
  std::vector<std::string> names;      // in order of first appearance
  std::vector<std::uint32_t> of_rows;  // [n_rows], indices into names
};

/// A part as it was written.
struct Part {
  std::string path;
  std::size_t n_rows = 0;
  std::vector<std::size_t> class_rows;  // [classes], empty without a label
};

Classes find_classes(const io::CsvRows& rows, const std::string& label) {
  Classes classes;
  std::map<std::string, std::uint32_t> indices;
  for (const std::string& text : rows.column(label)) {
    const auto [entry, is_new] = indices.try_emplace(text, static_cast<std::uint32_t>(indices.size()));
    if (is_new) classes.names.push_back(text);
    classes.of_rows.push_back(entry->second);
  }
  return classes;
}

std::vector<std::uint8_t> assign(const Arguments& arguments, const Classes& classes, std::size_t n_rows) {
  if (arguments.strategy == "random") return tune::random_split(n_rows, arguments.fractions, arguments.seed);
  if (classes.names.size() > kMaxClasses) {
    throw Error("cli.usage", fmt::format("column {} has {} different values, which are no classes; use "
                                         "--strategy random",
                                         arguments.label, count_text(classes.names.size())));
  }
  return tune::stratified_split(classes.of_rows, arguments.fractions, arguments.seed);
}

std::string part_name(std::size_t part, std::size_t n_parts) {
  if (n_parts == 3) return std::vector{"train", "validation", "test"}[part];
  if (n_parts == 2) return std::vector{"train", "test"}[part];
  return fmt::format("part{}", part + 1);
}

std::vector<Part> write_parts(const Arguments& arguments, const io::CsvRows& rows, const Classes& classes,
                              const std::vector<std::uint8_t>& part_of_row) {
  const std::filesystem::path folder = arguments.out;
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    throw Error("io.file.write",
                fmt::format("{}: cannot make the folder: {}", arguments.out, failed.message()));
  }
  std::vector<Part> parts;
  std::vector<io::CsvWriter> writers;
  for (std::size_t i = 0; i < arguments.fractions.size(); ++i) {
    const auto path = folder / (part_name(i, arguments.fractions.size()) + ".csv");
    parts.push_back({path.string(), 0, std::vector<std::size_t>(classes.names.size(), 0)});
    writers.emplace_back(path.string());
    if (arguments.has_header) writers.back().record(rows.header());
  }
  rows.visit([&](std::size_t row, std::string_view record) {
    const std::size_t part = part_of_row[row];
    writers[part].record(record);
    ++parts[part].n_rows;
    if (!classes.names.empty()) ++parts[part].class_rows[classes.of_rows[row]];
  });
  for (io::CsvWriter& writer : writers) writer.commit();
  return parts;
}

double share(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

std::string report_text(const Arguments& arguments, const Classes& classes, const std::vector<Part>& parts) {
  const bool show_classes = classes.names.size() <= kMaxShownClasses;
  std::vector<std::string> header = {"part", "rows"};
  if (show_classes) {
    for (const std::string& name : classes.names)
      header.push_back(fmt::format("{} = {}", arguments.label, name));
  }
  TextTable table(std::move(header));
  for (const Part& part : parts) {
    std::vector<std::string> cells = {part.path, count_text(part.n_rows)};
    if (show_classes) {
      for (const std::size_t n : part.class_rows) {
        cells.push_back(fmt::format("{} ({})", count_text(n), percent_text(share(n, part.n_rows))));
      }
    }
    table.add_row(std::move(cells));
  }
  return table.text();
}

Json report_json(const Classes& classes, const std::vector<Part>& parts) {
  Json json = {{"parts", Json::array()}};
  for (const Part& part : parts) {
    Json counts = Json::object();
    for (std::size_t c = 0; c < classes.names.size(); ++c) counts[classes.names[c]] = part.class_rows[c];
    json["parts"].push_back({{"path", part.path}, {"rows", part.n_rows}, {"classes", counts}});
  }
  return json;
}

/// The parser alone would take -1 for 2^64 - 1.
std::string check_seed(const std::string& text) {
  return text.starts_with('-') ? fmt::format("{} is no whole number from 0 on", text) : "";
}

ExitCode run(const Arguments& arguments) {
  if (arguments.strategy == "stratified" && arguments.label.empty()) {
    throw Error("cli.usage", "a stratified split needs --label; --strategy random does not");
  }
  const io::CsvRows rows(arguments.paths, arguments.has_header, arguments.threads);
  warn_of_numeric_names(rows.names());
  const Classes classes = arguments.label.empty() ? Classes{} : find_classes(rows, arguments.label);
  const std::vector<Part> parts =
      write_parts(arguments, rows, classes, assign(arguments, classes, rows.size()));
  if (arguments.json) {
    write_json(report_json(classes, parts));
  } else {
    write_output(report_text(arguments, classes, parts));
  }
  return kSuccess;
}

}  // namespace

Verb add_split(CLI::App& program) {
  CLI::App* command = program.add_subcommand("split", "Divide a table into seeded random parts");
  const auto arguments = std::make_shared<Arguments>();
  add_data(*command, arguments->paths);
  command
      ->add_option("--label", arguments->label,
                   "Column, by name or index, whose classes a stratified split keeps")
      ->type_name("NAME");
  command->add_option("--out", arguments->out, "Folder for the parts")->required()->type_name("DIR");
  command->add_option("--fractions", arguments->fractions, "Shares of the rows; they sum to 1")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("A,B,..");
  command->add_option("--seed", arguments->seed, "Seed of the shuffle")
      ->check(check_seed)
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--strategy", arguments->strategy,
                   "stratified (each part has its share of every class, to within one row) or random")
      ->check(CLI::IsMember({"stratified", "random"}).description(""))
      ->capture_default_str()
      ->type_name("NAME");
  add_no_header(*command, arguments->has_header);
  add_threads(*command, arguments->threads);
  add_json(*command, arguments->json);
  command->footer(kFooter);
  return {command, [arguments] { return run(*arguments); }};
}

}  // namespace coppice::cli
