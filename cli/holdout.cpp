#include "holdout.h"

#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <utility>
#include <vector>

#include "split_columns.h"
#include "strategies.h"
#include "text.h"
#include "time_column.h"

namespace coppice::cli {
namespace {

tune::SplitStrategy holdout_strategy(const HoldoutOptions& options, bool has_times, bool has_groups,
                                     Objective objective) {
  if (!options.strategy.empty()) return strategy_of_name(options.strategy);
  if (has_times) return has_groups ? tune::SplitStrategy::kTimeGroup : tune::SplitStrategy::kTime;
  if (has_groups) return tune::SplitStrategy::kGroup;
  return objective == Objective::kBinaryLogistic ? tune::SplitStrategy::kStratified
                                                 : tune::SplitStrategy::kRandom;
}

/// Numbered in the order of their appearance, as `coppice split` does.
std::vector<std::uint32_t> classes_of(const Buffer<float>& labels) {
  std::vector<std::uint32_t> classes;
  classes.reserve(labels.size());
  for (const float label : labels) classes.push_back(label == labels[0] ? 0 : 1);
  return classes;
}

std::vector<std::string> column_names(const Schema& schema) {
  std::vector<std::string> names = schema.ignored;
  for (const Feature& feature : schema.features) names.push_back(feature.name);
  return names;
}

}  // namespace

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
  command
      .add_option("--gap", options.gap,
                  "Leave out the rows so long after the training rows, for labels that arrive late: a number "
                  "in the unit of the "
                  "times, or for dates 90s, 30m, 12h, 7d")
      ->needs("--valid-fraction")
      ->capture_default_str()
      ->type_name("LENGTH");
}

void check_holdout(const HoldoutOptions& options, const SideColumnNames& names) {
  if (options.strategy.empty()) return;
  const tune::SplitStrategy strategy = strategy_of_name(options.strategy);
  if (tune::uses_time(strategy) && names.time.empty()) {
    throw Error("cli.usage", fmt::format("--strategy {} needs --time-column", options.strategy));
  }
  if (tune::uses_groups(strategy) && names.group.empty()) {
    throw Error("cli.usage", fmt::format("--strategy {} needs --group-column", options.strategy));
  }
}

TrainingTables hold_out(TableWithSides table, const HoldoutOptions& options, Objective objective,
                        std::uint64_t seed) {
  Dataset& data = table.csv.data;
  if (options.fraction == 0) return {std::move(data), {}};
  const SideTable& sides = table.sides;
  const std::vector<std::uint32_t> classes =
      objective == Objective::kBinaryLogistic ? classes_of(data.labels) : std::vector<std::uint32_t>();
  tune::SplitOptions split;
  split.strategy = holdout_strategy(options, !sides.times.empty(), !sides.groups.empty(), objective);
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
