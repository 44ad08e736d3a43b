#include "holdout.h"

#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>
#include <vector>

#include "options.h"
#include "split_columns.h"
#include "strategies.h"
#include "text.h"
#include "time_column.h"

namespace coppice::cli {

void add_holdout(CLI::App& command, HoldoutOptions& options) {
  const auto check = [](const std::string& text) {
    double value = 0;
    const bool good = CLI::detail::lexical_cast(text, value) && value > 0 && value < 1;
    return good ? std::string() : fmt::format("{} is no number between 0 and 1", text);
  };
  command
      .add_option(
          "--valid-fraction", options.fraction,
          "Hold out this share of the training table as validation, the rows that `coppice split` with "
          "this seed puts last")
      ->check(check)
      ->excludes("--valid")
      ->type_name("F");
  command
      .add_option("--strategy", options.strategy,
                  "How rows are held out; if not given: time, group or time-group by the columns that are "
                  "named, else stratified (random for numbers)")
      ->check(CLI::IsMember(strategy_names()).description(""))
      ->needs("--valid-fraction")
      ->type_name("NAME");
  add_gap(command, options.gap, "the training rows")->needs("--valid-fraction");
}

void check_holdout(const HoldoutOptions& options, const SideColumnNames& names) {
  check_strategy(options.strategy, given_columns(names));
}

TrainingTables hold_out(TableWithSides table, const HoldoutOptions& options, Objective objective,
                        std::uint64_t seed) {
  Dataset& data = table.csv.data;
  if (options.fraction == 0) return {std::move(data), {}};
  const SideTable& sides = table.sides;
  const std::vector<std::uint32_t> classes = classes_of(data, objective);
  tune::SplitOptions split;
  split.strategy = choose_strategy(options.strategy, given_columns(evaluation_columns(data)), objective);
  split.fractions = {1 - options.fraction, options.fraction};
  split.seed = seed;
  split.gap = length_of("--gap", options.gap, sides.scale);
  write_log(note_on_unused_columns(column_names(data.schema),
                                   {.label = data.schema.label,
                                    .time = tune::uses_time(split.strategy) ? sides.time_name : "",
                                    .group = tune::uses_groups(split.strategy) ? sides.group_name : ""}));
  const tune::Parts parts = tune::split({data.n_rows, classes, sides.times, sides.groups}, split);
  std::vector<Dataset> divided = divide_rows(std::move(data), parts, 2);
  if (divided[1].n_rows == 0) {
    throw Error("cli.usage", fmt::format("--valid-fraction {} holds out none of the {} rows",
                                         options.fraction, parts.size()));
  }
  return {std::move(divided[0]), std::move(divided[1])};
}

}  // namespace coppice::cli
