// coppice inspect: what a model file holds.
#include <coppice/io/model_file.h>
#include <coppice/model.h>
#include <coppice/parameters.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

constexpr const char* kInspectFooter =
    "Examples:\n"
    "  coppice inspect fraud.json\n"
    "  coppice inspect fraud.json --dump | less\n"
    "  coppice inspect fraud.json --json";

struct InspectArguments {
  std::string model;
  bool dump = false;
  bool json = false;
};

int deepest(const Model& model) {
  int depth = 0;
  for (const Tree& tree : model.trees) depth = std::max(depth, tree.depth());
  return depth;
}

std::size_t count_leaves(const Model& model) {
  std::size_t leaves = 0;
  for (const Tree& tree : model.trees) leaves += static_cast<std::size_t>(tree.n_leaves());
  return leaves;
}

/// Metrics at the model's last round.
std::vector<std::pair<std::string, double>> last_metrics(const TrainingSummary& summary) {
  std::vector<std::pair<std::string, double>> metrics;
  for (const MetricCurve& curve : summary.curves) {
    if (!curve.values.empty()) metrics.emplace_back(curve.name, curve.values.back());
  }
  return metrics;
}

/// Is a model another library's? Its parameters are then not known.
bool is_imported(const Model& model) { return model.summary.library_version.empty(); }

std::string summary_text(const InspectArguments& arguments, const Model& model) {
  const TrainingSummary& summary = model.summary;
  std::string text =
      fmt::format("{}: {} trees, {} leaves, depth up to {}, {}, base score {}\n", arguments.model,
                  count_text(model.trees.size()), count_text(count_leaves(model)), deepest(model),
                  to_string(model.objective), model.base_score);
  if (model.threshold != Model::kDefaultThreshold) {
    text += fmt::format("  called positive from probability {} on\n", model.threshold);
  }
  if (is_imported(model)) return text + "  not trained by Coppice: no training summary, no parameters\n";
  TextTable table({"training", ""});
  table.align(1, TextTable::Align::kLeft);
  table.add_row({"Coppice version", summary.library_version});
  table.add_row({"rows", count_text(summary.n_rows)});
  table.add_row({"sum of weights", sum_text(summary.weight_sum)});
  table.add_row({"weighted sum of labels", sum_text(summary.label_sum)});
  if (!summary.data_hash.empty()) table.add_row({"data hash", summary.data_hash});
  if (summary.best_round >= 0) table.add_row({"best round", fmt::format("[{}]", summary.best_round)});
  for (const auto& [name, value] : last_metrics(summary)) table.add_row({name, metric_text(value)});
  return text + "\n" + table.text(0);
}

std::string parameters_text(const Model& model) {
  if (is_imported(model)) return "";
  TextTable table({"parameter", "value", "default"});
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model) continue;
    const std::string value = get_parameter(model.parameters, info.name);
    const bool is_default = value == info.default_text;
    table.add_row({std::string(info.name), value + (is_default ? "  " : " *"), info.default_text});
  }
  return "\n" + table.text(0) + "* differs from the default\n";
}

/// The first categories of a feature: `DE, FR, NL, ... (17)`.
std::string categories_text(const Feature& feature) {
  constexpr std::size_t kShown = 5;
  const auto shown = std::span(feature.categories).first(std::min(kShown, feature.categories.size()));
  std::string text = fmt::format("{}", fmt::join(shown, ", "));
  if (feature.categories.size() > kShown) text += fmt::format(", ... ({})", feature.categories.size());
  return text;
}

std::string schema_text(const Schema& schema) {
  TextTable table({"feature", "type", ""});
  table.align(1, TextTable::Align::kLeft);
  table.align(2, TextTable::Align::kLeft);
  for (const Feature& feature : schema.features) {
    const bool is_numeric = feature.kind == FeatureKind::kNumeric;
    table.add_row({feature.name, is_numeric ? "numeric" : "categorical", categories_text(feature)});
  }
  std::string text = "\n" + table.text(0);
  if (!schema.label.empty()) text += fmt::format("label: {}\n", schema.label);
  if (!schema.weight.empty()) text += fmt::format("weight: {}\n", schema.weight);
  if (!schema.ignored.empty()) text += fmt::format("ignored: {}\n", fmt::join(schema.ignored, ", "));
  return text;
}

std::string importance_text(const Model& model) {
  TextTable table({"importance", "gain", "cover", "splits"});
  for (const Importance& feature : importance(model)) {
    table.add_row(
        {feature.feature, number_text(feature.gain), number_text(feature.cover), count_text(feature.count)});
  }
  return "\n" + table.text(0);
}

OrderedJson schema_json(const Schema& schema) {
  OrderedJson features = OrderedJson::array();
  for (const Feature& feature : schema.features) {
    OrderedJson json = {{"name", feature.name}};
    json["type"] = feature.kind == FeatureKind::kNumeric ? "numeric" : "categorical";
    if (feature.kind == FeatureKind::kCategorical) json["categories"] = feature.categories;
    features.push_back(json);
  }
  return {{"features", features},
          {"label", schema.label},
          {"weight", schema.weight},
          {"ignored", schema.ignored},
          {"missing", schema.missing_tokens},
          {"header", schema.has_header}};
}

OrderedJson summary_json(const TrainingSummary& summary) {
  OrderedJson metrics = OrderedJson::object();
  for (const auto& [name, value] : last_metrics(summary)) metrics[name] = value;
  OrderedJson json = {{"version", summary.library_version},
                      {"rows", summary.n_rows},
                      {"weight_sum", summary.weight_sum},
                      {"label_sum", summary.label_sum},
                      {"data_hash", summary.data_hash},
                      {"best_round", nullptr},
                      {"metrics", metrics}};
  if (summary.best_round >= 0) json["best_round"] = summary.best_round;
  return json;
}

void print_json(const Model& model) {
  OrderedJson parameters = OrderedJson::object();
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model || is_imported(model)) continue;
    parameters[std::string(info.name)] = get_parameter(model.parameters, info.name);
  }
  OrderedJson importances = OrderedJson::array();
  for (const Importance& feature : importance(model)) {
    importances.push_back({{"feature", feature.feature},
                           {"gain", feature.gain},
                           {"cover", feature.cover},
                           {"count", feature.count}});
  }
  write_json(OrderedJson{{"objective", to_string(model.objective)},
                         {"base_score", model.base_score},
                         {"threshold", model.threshold},
                         {"trees", model.trees.size()},
                         {"leaves", count_leaves(model)},
                         {"depth", deepest(model)},
                         {"parameters", parameters},
                         {"schema", schema_json(model.schema)},
                         {"importance", importances},
                         {"training", summary_json(model.summary)}});
}

ExitCode run_inspect(const InspectArguments& arguments) {
  const Model model = io::load_model(arguments.model);
  if (arguments.dump) {
    write_output(dump_text(model));
  } else if (arguments.json) {
    print_json(model);
  } else {
    write_output(summary_text(arguments, model) + parameters_text(model) + schema_text(model.schema) +
                 importance_text(model));
  }
  return kSuccess;
}

}  // namespace

Verb add_inspect(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "inspect", "Show what a model file holds: summary, parameters, schema, importance, trees");
  const auto arguments = std::make_shared<InspectArguments>();
  command->add_option("MODEL", arguments->model, "Model file")->required();
  CLI::Option* dump =
      command->add_flag("--dump", arguments->dump, "Print the trees as text, and nothing else");
  add_json(*command, arguments->json);
  command->get_option("--json")->excludes(dump);
  command->footer(kInspectFooter);
  return {command, [arguments] { return run_inspect(*arguments); }};
}

}  // namespace coppice::cli
