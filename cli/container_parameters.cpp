#include "container_parameters.h"

#include <coppice/cuts.h>
#include <coppice/error.h>
#include <coppice/metric.h>
#include <coppice/nearest_name.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <vector>

#include "text.h"

namespace coppice::cli {
namespace {

constexpr std::string_view kTuningMetric = "_tuning_objective_metric";  // the tuner adds it
constexpr std::array<std::string_view, 3> kJobNames = {"csv_weights", "save_model_on_termination",
                                                       kTuningMetric};

/// Of XGBoost's, with no meaning here: any value is taken.
constexpr std::array<std::string_view, 5> kWithoutEffect = {
    "tree_method", "sampling_method", "sketch_eps", "deterministic_histogram", "use_dask_gpu_training"};

/// The managed container has them, Coppice does not: what they ask for would be another model.
constexpr std::array<std::string_view, 16> kNotHere = {"_kfold",
                                                       "_num_cv_round",
                                                       "aft_loss_distribution",
                                                       "aft_loss_distribution_scale",
                                                       "interaction_constraints",
                                                       "monotone_constraints",
                                                       "normalize_type",
                                                       "num_class",
                                                       "one_drop",
                                                       "process_type",
                                                       "rate_drop",
                                                       "refresh_leaf",
                                                       "sample_type",
                                                       "skip_drop",
                                                       "tweedie_variance_power",
                                                       "updater"};

[[noreturn]] void refuse_parameter(std::string_view name, const std::string& why) {
  throw Error("cli.container.hyperparameter", fmt::format("hyperparameter '{}': {}", name, why));
}

template <class Names>
bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != std::ranges::end(names);
}

std::vector<std::string> parameter_names() {
  std::vector<std::string> names(kJobNames.begin(), kJobNames.end());
  for (const ParameterInfo& info : parameter_table()) {
    names.emplace_back(info.name);
    names.insert(names.end(), info.aliases.begin(), info.aliases.end());
  }
  for (const FixedParameter& fixed : fixed_parameter_table()) names.emplace_back(fixed.name);
  return names;
}

void check_name(const std::string& name) {
  if (contains(kNotHere, name)) {
    refuse_parameter(name, "Coppice does not have what it sets; leave it out");
  }
  if (contains(kWithoutEffect, name)) return;
  const std::vector<std::string> known = parameter_names();
  if (contains(known, name)) return;
  const std::string nearest = nearest_name(name, known);
  refuse_parameter(name, nearest.empty() ? "unknown" : fmt::format("unknown; did you mean {}?", nearest));
}

std::string without_blanks(std::string text) {
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t'; });
  return text;
}

bool read_flag(std::string_view name, const std::string& value, std::string_view yes, std::string_view no) {
  if (value == yes) return true;
  if (value != no) refuse_parameter(name, fmt::format("must be {} or {}, not '{}'", yes, no, value));
  return false;
}

/// The service's own trainer takes any number of bins.
std::string limited_bins(const std::string& value) {
  int bins = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), bins);
  if (error != std::errc{} || end != value.data() + value.size() || bins <= kMaxValueBins) return value;
  write_log(
      fmt::format("warning: max_bin {}: Coppice has {} bins at most and takes these\n", bins, kMaxValueBins));
  return fmt::to_string(kMaxValueBins);
}

std::string current_objective(const std::string& value) {
  return value == "reg:linear" ? std::string(to_string(Objective::kSquaredError)) : value;
}

void set_one(const std::string& name, const std::string& value, ContainerJob& job) {
  if (contains(kWithoutEffect, name)) {
    write_log(fmt::format("warning: hyperparameter '{}' has no effect\n", name));
  } else if (name == "csv_weights") {
    job.csv_weights = read_flag(name, value, "1", "0");
  } else if (name == "save_model_on_termination") {
    job.saves_on_termination = read_flag(name, value, "true", "false");
  } else if (name == "max_bin") {
    set_parameter(job.parameters, name, limited_bins(value));
  } else if (name == "objective") {
    set_parameter(job.parameters, name, current_objective(value));
  } else if (name != kTuningMetric) {
    set_parameter(job.parameters, name, value);
  }
}

/// `validation:auc` is what the tuner compares jobs by: it has to be logged, and decides early stopping.
void watch_tuning_metric(const std::string& value, Parameters& parameters) {
  const std::size_t colon = value.find(':');
  const std::string set = value.substr(0, colon);
  if (colon == std::string::npos || (set != "validation" && set != "train")) {
    refuse_parameter(kTuningMetric, fmt::format("expected validation:METRIC, found '{}'", value));
  }
  const std::string metric = metric_from_string(value.substr(colon + 1)).name();
  if (!contains(parameters.eval_metric, metric)) parameters.eval_metric.push_back(metric);
  if (parameters.early_stopping_rounds > 0 && set == "validation") {
    parameters.early_stopping_metric = fmt::format("validation-{}", metric);
  }
}

}  // namespace

void set_hyperparameters(const std::map<std::string, std::string>& hyperparameters, ContainerJob& job) {
  Parameters& parameters = job.parameters;
  parameters.objective = Objective::kSquaredError;  // the service's default
  for (const auto& [name, value] : hyperparameters) {
    check_name(name);
    set_one(name, without_blanks(value), job);
  }
  if (!hyperparameters.contains("num_round")) {
    refuse_parameter("num_round", "missing: it says how many rounds to train");
  }
  if (const auto tuning = hyperparameters.find(std::string(kTuningMetric)); tuning != hyperparameters.end()) {
    watch_tuning_metric(without_blanks(tuning->second), parameters);
  }
  if (parameters.early_stopping_rounds > 0 && !job.validation) {
    write_log("warning: early_stopping_rounds has no effect without a validation channel\n");
    parameters.early_stopping_rounds = 0;
  }
  validate(parameters);
}

}  // namespace coppice::cli
