#include "tune_study.h"

#include <coppice/error.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/file.h>
#include <coppice/metric.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "named_tables.h"
#include "options.h"
#include "text.h"
#include "time_column.h"

namespace coppice::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array kFoldStrategies = {
    std::pair(std::string_view("stratified"), tune::SplitStrategy::kStratified),
    std::pair(std::string_view("random"), tune::SplitStrategy::kRandom),
    std::pair(std::string_view("time"), tune::SplitStrategy::kTime),
    std::pair(std::string_view("group"), tune::SplitStrategy::kGroup),
    std::pair(std::string_view("time-group"), tune::SplitStrategy::kTimeGroup)};

[[noreturn]] void refuse(const std::string& why) { throw Error("cli.usage", why); }

tune::Strategy search_strategy(const std::string& name) {
  if (name == "grid") return tune::Strategy::kGrid;
  return name == "halving" ? tune::Strategy::kHalving : tune::Strategy::kRandom;
}

bool varies(const tune::Space& space, std::string_view parameter) {
  return std::ranges::any_of(
      space, [&](const tune::Range& range) { return tune::parameter_name(range.name) == parameter; });
}

tune::Space read_space(const TuneArguments& arguments) {
  tune::Space space;
  if (!arguments.space_file.empty()) {
    space = tune::space_from_json(io::read_file(arguments.space_file), arguments.space_file);
  }
  for (const std::string& text : arguments.ranges) space.push_back(tune::range_from_text(text));
  for (const std::string& word : arguments.parameters.words) {
    const std::string_view name = tune::parameter_name(std::string_view(word).substr(0, word.find('=')));
    if (varies(space, name)) {
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

Json source_json(const TableSource& source) {
  const io::CsvOptions& csv = source.csv;
  return {{"train", source.train},         {"valid", source.validation}, {"label", csv.label},
          {"weight", csv.weight},          {"ignore", csv.ignored},      {"categorical", csv.categorical},
          {"missing", csv.missing_tokens}, {"header", csv.has_header}};
}

io::CsvOptions csv_options(io::CsvOptions csv, const Parameters& parameters) {
  csv.threads = parameters.threads;
  csv.binary_label = parameters.objective == Objective::kBinaryLogistic;
  return csv;
}

void check_folds(const TuneArguments& arguments, const Parameters& parameters) {
  const auto& [label, time, group] = arguments.fold_columns;
  if (arguments.n_folds == 0) {
    if (!time.empty() || !group.empty()) refuse("--time-column and --group-column belong to --folds");
    return;
  }
  if (!arguments.tables.validation.empty()) refuse("give either --valid or --folds");
  const std::string& name = arguments.fold_strategy;
  const bool uses_time = name.starts_with("time"), uses_groups = name.ends_with("group");
  if (uses_time == time.empty()) {
    refuse(fmt::format("--strategy {} {} --time-column", name, uses_time ? "needs" : "does not look at"));
  }
  if (uses_groups == group.empty()) {
    refuse(fmt::format("--strategy {} {} --group-column", name, uses_groups ? "needs" : "does not look at"));
  }
  if (name == "stratified" && parameters.objective != Objective::kBinaryLogistic) {
    refuse("stratified folds need classes; use --strategy random");
  }
  if (std::ranges::find(arguments.tables.train, "-") != arguments.tables.train.end()) {
    refuse("folds read the table twice, which standard input cannot be; name a file");
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
  const bool stops_early =
      study.parameters.early_stopping_rounds > 0 || varies(study.space, "early_stopping_rounds");
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
  const Json json = Json::parse(study.source);
  TableSource source;
  source.train = json.at("train").get<std::vector<std::string>>();
  source.validation = json.at("valid").get<std::vector<std::string>>();
  source.csv.label = json.at("label");
  source.csv.weight = json.at("weight");
  source.csv.ignored = json.at("ignore").get<std::vector<std::string>>();
  source.csv.categorical = json.at("categorical").get<std::vector<std::string>>();
  source.csv.missing_tokens = json.at("missing").get<std::vector<std::string>>();
  source.csv.has_header = json.at("header");
  return source;
}

tune::TrialTables read_tables(const TableSource& source, const Parameters& parameters) {
  tune::TrialTables tables;
  io::CsvOptions csv = csv_options(source.csv, parameters);
  tables.train = io::read_csv(source.train, csv).data;
  warn_of_numeric_names(tables.train.schema);
  csv.has_header = tables.train.schema.has_header;
  for (NamedTable& named : group_validation(source.validation)) {
    Dataset data = io::read_csv(named.paths, tables.train.schema, csv).data;
    tables.watched.push_back({std::move(named.name), std::move(data)});
  }
  return tables;
}

Dataset read_as_one(const TableSource& source, const Parameters& parameters) {
  std::vector<std::string> paths = source.train;
  for (const NamedTable& named : group_validation(source.validation)) {
    paths.insert(paths.end(), named.paths.begin(), named.paths.end());
  }
  return io::read_csv(paths, csv_options(source.csv, parameters)).data;
}

std::vector<tune::Parts> make_folds(const TuneArguments& arguments, const tune::Study& study) {
  if (arguments.n_folds == 0) return {};
  SplitColumnNames columns = arguments.fold_columns;
  tune::SplitOptions options;
  options.strategy = std::ranges::find(kFoldStrategies, arguments.fold_strategy, [](const auto& known) {
                       return known.first;
                     })->second;
  const bool stratifies =
      options.strategy == tune::SplitStrategy::kStratified || options.strategy == tune::SplitStrategy::kGroup;
  if (stratifies && study.parameters.objective == Objective::kBinaryLogistic)
    columns.label = arguments.tables.csv.label;
  const io::CsvRows rows(arguments.tables.train, arguments.tables.csv.has_header, study.parameters.threads);
  write_log(note_on_unused_columns(rows.names(), columns));
  const SplitTable table = read_split_table(rows, columns);
  options.n_folds = arguments.n_folds;
  options.seed = study.seed;
  options.gap = length_of("--gap", arguments.gap, table.scale);
  return tune::make_folds(table.columns(), options);
}

}  // namespace coppice::cli
