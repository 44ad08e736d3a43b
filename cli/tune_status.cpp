#include "tune_status.h"

#include <coppice/io/append_file.h>
#include <coppice/tune/journal.h>
#include <coppice/tune/study.h>
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "study_folder.h"
#include "text.h"
#include "tune_log.h"

namespace coppice::cli {
namespace {

using OrderedJson = nlohmann::ordered_json;

/// How a study stands.
struct Status {
  std::string name;  ///< of the study: its folder's
  tune::Journal journal;
  tune::Limits limits;  ///< of the last run
  tune::Outcome outcome;
  std::vector<tune::Trial> ahead;  ///< finished, and not decided yet
  bool is_running = false;
};

/// The folder's name in the letters that a job may have.
std::string job_name(const std::string& folder) {
  constexpr std::size_t kMostLetters = 32;
  const std::filesystem::path path = std::filesystem::absolute(folder).lexically_normal();
  std::string name =
      (path.has_filename() ? path : path.parent_path()).filename().string().substr(0, kMostLetters);
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '-';
  }
  return name;
}

Status status_of(const std::string& folder) {
  Status status;
  status.name = job_name(folder);
  status.is_running = io::AppendFile::is_locked(journal_path(folder));  // before reading: then all is there
  status.journal = read_study(folder);
  const tune::Journal& journal = status.journal;
  status.limits = journal.limits();
  status.outcome = tune::decide(journal.study, status.limits, journal.finished);
  for (const tune::Trial& trial : journal.finished) {
    const bool is_decided = std::ranges::find(status.outcome.trials, trial.index, &tune::Trial::index) !=
                            status.outcome.trials.end();
    if (!is_decided && status.outcome.end == tune::EndReason::kNotEnded) status.ahead.push_back(trial);
  }
  return status;
}

bool has_failed(const tune::Trial& trial) { return trial.status == tune::TrialStatus::kFailed; }

/// InProgress, Completed, Failed, or Stopped: it can be gone on with.
std::string_view job_status(const Status& status) {
  if (status.is_running) return "InProgress";
  const tune::EndReason end = status.journal.end;
  if (end == tune::EndReason::kNotEnded || end == tune::EndReason::kTime) return "Stopped";
  return std::ranges::all_of(status.outcome.trials, has_failed) ? "Failed" : "Completed";
}

// ---------------------------------------------------------------------------------------------------------
// DescribeHyperParameterTuningJob

/// `validation:auc`, as the service names metrics of its own XGBoost.
std::string metric_name(const tune::Goal& goal) {
  std::string name = goal.metric;
  name[name.find('-')] = ':';
  return name;
}

OrderedJson objective_json(const tune::Goal& goal) {
  return {{"Type", goal.higher_is_better ? "Maximize" : "Minimize"}, {"MetricName", metric_name(goal)}};
}

std::string arn(std::string_view kind, const std::string& name) {
  return fmt::format("arn:aws:sagemaker:local:000000000000:{}/{}", kind, name);
}

OrderedJson config_json(const Status& status) {
  const tune::Study& study = status.journal.study;
  const tune::Limits& limits = status.limits;
  const char* strategy = study.strategy == tune::Strategy::kHalving ? "Hyperband"
                         : study.strategy == tune::Strategy::kGrid  ? "Grid"
                                                                    : "Random";
  OrderedJson resources = {{"MaxNumberOfTrainingJobs", tune::trial_count(study, limits)}};
  if (!status.journal.runs.empty())
    resources["MaxParallelTrainingJobs"] = status.journal.runs.back().parallel;
  if (limits.seconds > 0) resources["MaxRuntimeInSeconds"] = limits.seconds;
  OrderedJson config = {{"Strategy", strategy},
                        {"HyperParameterTuningJobObjective", objective_json(study.goal)},
                        {"ResourceLimits", resources},
                        {"ParameterRanges", OrderedJson::parse(tune::parameter_ranges(study.space))},
                        {"TrainingJobEarlyStoppingType", study.median_rule.is_on ? "Auto" : "Off"},
                        {"RandomSeed", study.seed}};
  if (study.strategy == tune::Strategy::kHalving) {
    config["StrategyConfig"] = {
        {"HyperbandStrategyConfig",
         {{"MinResource", study.halving.min_rounds}, {"MaxResource", study.parameters.num_round}}}};
  }
  OrderedJson criteria = OrderedJson::object();
  if (!std::isnan(limits.target)) criteria["TargetObjectiveMetricValue"] = limits.target;
  if (limits.patience > 0) {
    criteria["BestObjectiveNotImproving"] = {{"MaxNumberOfTrainingJobsNotImproving", limits.patience}};
  }
  if (!criteria.empty()) config["TuningJobCompletionCriteria"] = criteria;
  return config;
}

OrderedJson definition_json(const tune::Study& study) {
  OrderedJson fixed = OrderedJson::object();
  for (const ParameterInfo& info : parameter_table()) {
    if (info.in_model && !tune::varies(study.space, info.name))
      fixed[info.name] = get_parameter(study.parameters, info.name);
  }
  return {{"StaticHyperParameters", fixed},
          {"AlgorithmSpecification", {{"AlgorithmName", "coppice"}, {"TrainingInputMode", "File"}}}};
}

OrderedJson job_json(const Status& status, const tune::Trial& trial) {
  const std::string name = fmt::format("{}-{:03}", status.name, trial.index);
  OrderedJson tuned = OrderedJson::object();
  for (const auto& [parameter, value] : trial.parameters) tuned[parameter] = value;
  OrderedJson metric = objective_json(status.journal.study.goal);
  metric["Value"] = trial.score();
  return {{"TrainingJobName", name},           {"TrainingJobArn", arn("training-job", name)},
          {"CreationTime", trial.begin_time},  {"TrainingStartTime", trial.begin_time},
          {"TrainingEndTime", trial.end_time}, {"TrainingJobStatus", "Completed"},
          {"TunedHyperParameters", tuned},     {"FinalHyperParameterTuningJobObjectiveMetric", metric},
          {"ObjectiveStatus", "Succeeded"}};
}

/// TrainingJobStatusCounters and ObjectiveStatusCounters.
void add_counters(const Status& status, OrderedJson& json) {
  int completed = 0, stopped = 0, failed = 0, without_metric = 0;
  int in_progress = status.is_running ? static_cast<int>(status.journal.started.size()) : 0;
  const auto count = [&](const tune::Trial& trial) {
    if (has_failed(trial)) ++failed;
    if (trial.status == tune::TrialStatus::kStopped) ++stopped;
    if (trial.status == tune::TrialStatus::kPaused) ++in_progress;
    if (trial.status != tune::TrialStatus::kCompleted) return;
    ++completed;
    if (std::isnan(trial.score())) ++without_metric;
  };
  std::ranges::for_each(status.outcome.trials, count);
  std::ranges::for_each(status.ahead, count);
  json["TrainingJobStatusCounters"] = {{"Completed", completed},
                                       {"InProgress", in_progress},
                                       {"RetryableError", 0},
                                       {"NonRetryableError", failed},
                                       {"Stopped", stopped}};
  json["ObjectiveStatusCounters"] = {{"Succeeded", completed + stopped - without_metric},
                                     {"Pending", in_progress},
                                     {"Failed", failed + without_metric}};
}

double trained_seconds(const Status& status) {
  double seconds = 0;
  for (const tune::Trial& trial : status.journal.finished) seconds += trial.end_time - trial.begin_time;
  return seconds;
}

OrderedJson status_json(const Status& status) {
  const tune::Journal& journal = status.journal;
  OrderedJson json = {{"HyperParameterTuningJobName", status.name},
                      {"HyperParameterTuningJobArn", arn("hyper-parameter-tuning-job", status.name)},
                      {"HyperParameterTuningJobConfig", config_json(status)},
                      {"TrainingJobDefinition", definition_json(journal.study)},
                      {"HyperParameterTuningJobStatus", job_status(status)},
                      {"CreationTime", journal.begin_time}};
  if (!status.is_running) json["HyperParameterTuningEndTime"] = journal.last_time;
  json["LastModifiedTime"] = journal.last_time;
  add_counters(status, json);
  const tune::Outcome& outcome = status.outcome;
  if (const tune::Trial* winner = outcome.winner()) {
    json["BestTrainingJob"] = job_json(status, *winner);
    json["TuningJobCompletionDetails"] = {
        {"NumberOfTrainingJobsObjectiveNotImproving",
         outcome.trials.size() - 1 - static_cast<std::size_t>(outcome.best)}};
  }
  json["ConsumedResources"] = {{"RuntimeInSeconds", std::llround(trained_seconds(status))}};
  if (job_status(status) == "Failed" && !outcome.trials.empty())
    json["FailureReason"] = outcome.trials[0].error;
  return json;
}

// ---------------------------------------------------------------------------------------------------------

std::string status_text(const Status& status) {
  const tune::Study& study = status.journal.study;
  std::string text = fmt::format("{}: {}, {} of {} trials", status.name, job_status(status),
                                 status.outcome.trials.size() + status.ahead.size(),
                                 tune::trial_count(study, status.limits));
  if (status.is_running) text += fmt::format(", {} running", status.journal.started.size());
  text += '\n' + trial_table(study, status.outcome);
  for (const tune::Trial& trial : status.outcome.trials) {
    if (has_failed(trial)) text += fmt::format("  trial {} failed: {}\n", trial.index, trial.error);
  }
  return text;
}

}  // namespace

ExitCode print_status(const TuneArguments& arguments) {
  const Status status = status_of(arguments.status);
  if (arguments.json) {
    write_json(status_json(status));
  } else {
    write_output(status_text(status));
  }
  return kSuccess;
}

}  // namespace coppice::cli
