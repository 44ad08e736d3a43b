#include "tune_study.h"

#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/metric.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "named_tables.h"
#include "options.h"
#include "split_columns.h"
#include "strategies.h"
#include "text.h"
#include "time_column.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

[[noreturn]] void refuse(const std::string& why) { throw Error("cli.usage", why); }

tune::Strategy search_strategy(const std::string& name) {
  if (name == "grid") return tune::Strategy::kGrid;
  return name == "halving" ? tune::Strategy::kHalving : tune::Strategy::kRandom;
}

tune::Space read_space(const TuneArguments& arguments) {
  tune::Space space;
  if (!arguments.space_file.empty()) {
    space = tune::space_from_json(io::read_file(arguments.space_file), arguments.space_file);
  }
  for (const std::string& text : arguments.ranges) space.push_back(tune::range_from_text(text));
  for (const std::string& word : arguments.parameters.words) {
    const std::string_view name = tune::parameter_name(std::string_view(word).substr(0, word.find('=')));
    if (tune::varies(space, name)) {
      refuse(fmt::format("--param {}: {} has a range, too; leave one of them out", word, name));
    }
  }
  return space;
}

/// Names of the sets that an objective can be of.
std::vector<std::string> set_names(const TuneArguments& arguments) {
  if (arguments.n_folds > 0) return {tune::kFoldTable, "train"};
  std::vector<std::string> names;
  for (const NamedTable& table : group_validation(arguments.tables.validation)) names.push_back(table.name);
  names.emplace_back("train");
  return names;
}

/// `validation:auc` (or `validation-auc`, as logs have it), `auc` of the last set; the metric is watched from
/// now on.
tune::Goal make_goal(const TuneArguments& arguments, Parameters& parameters) {
  const std::vector<std::string> sets = set_names(arguments);
  std::string set = sets[sets.size() - 2], text = arguments.objective;
  for (const std::string& name : sets) {
    const bool is_prefix = text.starts_with(name) && text.size() > name.size() &&
                           (text[name.size()] == ':' || text[name.size()] == '-');
    if (!is_prefix) continue;
    set = name;
    text = text.substr(name.size() + 1);
    break;
  }
  if (text.find(':') != std::string::npos) {
    refuse(fmt::format("--objective {}: there is no set {}; there are {}", arguments.objective,
                       text.substr(0, text.find(':')), fmt::join(sets, ", ")));
  }
  std::vector<std::string>& watched = parameters.eval_metric;
  if (text.empty()) text = watched.empty() ? default_metric(parameters.objective).name() : watched.back();
  const Metric metric = metric_from_string(text);
  const bool is_watched = std::ranges::any_of(
      watched, [&](const std::string& name) { return metric_from_string(name) == metric; });
  if (!is_watched) watched.push_back(metric.name());
  return {set + "-" + metric.name(), metric.higher_is_better()};
}

OrderedJson source_json(const TableSource& source) {
  const io::CsvOptions& csv = source.csv;
  return {{"train", source.train},
          {"valid", source.validation},
          {"label", csv.label},
          {"weight", csv.weight},
          {"ignore", csv.ignored},
          {"categorical", csv.categorical},
          {"missing", csv.missing_tokens},
          {"header", csv.has_header},
          {"time", source.sides.time},
          {"group", source.sides.group},
          {"amount", source.sides.amount},
          {"day_length", source.sides.day_length}};
}

io::CsvOptions csv_options(const TableSource& source, const Parameters& parameters) {
  io::CsvOptions csv = source.csv;
  csv.threads = parameters.threads;
  csv.binary_label = parameters.objective == Objective::kBinaryLogistic;
  // What tells rows apart, or when they came, is not learned from.
  for (const std::string* name : {&source.sides.time, &source.sides.group}) {
    if (!name->empty()) csv.ignored.push_back(*name);
  }
  return csv;
}

void check_folds(const TuneArguments& arguments, const Parameters& parameters) {
  if (arguments.n_folds == 0) return;
  if (!arguments.tables.validation.empty()) refuse("give either --valid or --folds");
  check_strategy(arguments.fold_strategy, given_columns(arguments.tables.sides));
  if (arguments.fold_strategy == "stratified" && parameters.objective != Objective::kBinaryLogistic) {
    refuse("stratified folds need classes; use --strategy random");
  }
  if (std::ranges::find(arguments.tables.train, "-") != arguments.tables.train.end()) {
    refuse("folds end in a training on all rows, which standard input does not give again; name a file");
  }
}

void check_metrics(const Parameters& parameters, const SideColumnNames& sides) {
  for (const std::string& metric : parameters.eval_metric) {
    require_columns(metric_from_string(metric), costs_of(parameters), given_columns(sides));
  }
}

}  // namespace

tune::Study make_study(const TuneArguments& arguments) {
  tune::Study study;
  study.parameters = read_parameters(arguments.parameters);
  check_folds(arguments, study.parameters);
  if (arguments.tables.validation.empty() && arguments.n_folds == 0) {
    refuse("trials are judged on a validation table or on folds: give --valid or --folds");
  }
  study.space = read_space(arguments);
  study.strategy = search_strategy(arguments.search);
  study.seed = study.parameters.seed;
  study.grid_steps = arguments.grid_steps;
  study.halving = {arguments.limits.n_trials, arguments.min_rounds, arguments.factor};
  study.median_rule = {arguments.uses_median_rule, arguments.min_rounds, arguments.min_trials};
  study.goal = make_goal(arguments, study.parameters);
  check_metrics(study.parameters, arguments.tables.sides);
  const bool stops_early =
      study.parameters.early_stopping_rounds > 0 || tune::varies(study.space, "early_stopping_rounds");
  if (stops_early && study.parameters.early_stopping_metric.empty()) {
    study.parameters.early_stopping_metric = study.goal.metric;
  }
  study.n_folds = static_cast<int>(arguments.n_folds);
  study.source = source_json(arguments.tables).dump();
  tune::check_study(study, arguments.limits);
  if (study.strategy == tune::Strategy::kGrid && arguments.has_trials) {
    refuse(fmt::format("a grid has as many trials as points, here {}: leave --trials out",
                       tune::trial_count(study, arguments.limits)));
  }
  return study;
}

TableSource source_of(const tune::Study& study) {
  const OrderedJson json = OrderedJson::parse(study.source);
  TableSource source;
  source.train = json.at("train").get<std::vector<std::string>>();
  source.validation = json.at("valid").get<std::vector<std::string>>();
  source.csv.label = json.at("label");
  source.csv.weight = json.at("weight");
  source.csv.ignored = json.at("ignore").get<std::vector<std::string>>();
  source.csv.categorical = json.at("categorical").get<std::vector<std::string>>();
  source.csv.missing_tokens = json.at("missing").get<std::vector<std::string>>();
  source.csv.has_header = json.at("header");
  source.sides = {.time = json.at("time"),
                  .group = json.at("group"),
                  .amount = json.at("amount"),
                  .day_length = json.at("day_length")};
  return source;
}

StudyTables read_tables(const TableSource& source, const Parameters& parameters) {
  StudyTables tables;
  io::CsvOptions csv = csv_options(source, parameters);
  TableWithSides train = read_table(source.train, nullptr, csv, source.sides);
  tables.trial.train = std::move(train.csv.data);
  tables.sides = std::move(train.sides);
  const Schema& schema = tables.trial.train.schema;
  warn_of_numeric_names(schema);
  csv.has_header = schema.has_header;
  for (NamedTable& named : group_validation(source.validation)) {
    Dataset data = read_table(named.paths, &schema, csv, source.sides).csv.data;
    tables.trial.watched.push_back({std::move(named.name), std::move(data)});
  }
  return tables;
}

Dataset read_as_one(const TableSource& source, const Parameters& parameters) {
  std::vector<std::string> paths = source.train;
  for (const NamedTable& named : group_validation(source.validation)) {
    paths.insert(paths.end(), named.paths.begin(), named.paths.end());
  }
  return io::read_csv(paths, csv_options(source, parameters)).data;
}

std::vector<tune::Parts> make_folds(const TuneArguments& arguments, const tune::Study& study,
                                    const Dataset& train, const SideTable& sides) {
  if (arguments.n_folds == 0) return {};
  const Objective objective = study.parameters.objective;
  tune::SplitOptions options;
  options.strategy =
      choose_strategy(arguments.fold_strategy, given_columns(arguments.tables.sides), objective);
  options.n_folds = arguments.n_folds;
  options.seed = study.seed;
  options.gap = length_of("--gap", arguments.gap, sides.scale);
  write_log(note_on_unused_columns(column_names(train.schema),
                                   {.label = train.schema.label,
                                    .time = tune::uses_time(options.strategy) ? sides.time_name : "",
                                    .group = tune::uses_groups(options.strategy) ? sides.group_name : ""}));
  const std::vector<std::uint32_t> classes = classes_of(train, objective);
  return tune::make_folds({train.n_rows, classes, sides.times, sides.groups}, options);
}

}  // namespace coppice::cli
