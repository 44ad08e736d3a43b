#include <coppice/error.h>
#include <coppice/tune/journal.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace coppice::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;
constexpr std::array kStrategies = {Strategy::kRandom, Strategy::kGrid, Strategy::kHalving};
constexpr std::array kEndReasons = {EndReason::kNotEnded, EndReason::kTrials, EndReason::kTarget,
                                    EndReason::kPatience, EndReason::kTime};
constexpr std::array kStatuses = {TrialStatus::kCompleted, TrialStatus::kStopped, TrialStatus::kFailed,
                                  TrialStatus::kPaused};

/// JSON has no NaN: null stands for it.
Json number_json(double value) { return std::isnan(value) ? Json() : Json(value); }
double number_of(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

template <class T, std::size_t N>
T named(const std::array<T, N>& values, const std::string& name) {
  const auto found = std::ranges::find_if(values, [&](T value) { return to_string(value) == name; });
  if (found == values.end()) throw std::invalid_argument(name);
  return *found;
}

std::string line_of(const Json& event) {
  return event.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

// ---------------------------------------------------------------------------------------------------------
// Parts of events, there and back.

Json parameters_json(const Parameters& parameters) {
  Json json = Json::object();
  for (const ParameterInfo& info : parameter_table()) {
    if (info.in_model) json[info.name] = get_parameter(parameters, info.name);
  }
  return json;
}

Json study_json(const Study& study) {
  return {{"version", study.library_version},
          {"space", Json::parse(space_to_json(study.space))},
          {"parameters", parameters_json(study.parameters)},
          {"strategy", to_string(study.strategy)},
          {"seed", study.seed},
          {"grid_steps", study.grid_steps},
          {"halving",
           {{"trials", study.halving.n_trials},
            {"min_rounds", study.halving.min_rounds},
            {"factor", study.halving.factor}}},
          {"median_rule",
           {{"on", study.median_rule.is_on},
            {"min_rounds", study.median_rule.min_rounds},
            {"min_trials", study.median_rule.min_trials}}},
          {"objective", {{"metric", study.goal.metric}, {"higher_is_better", study.goal.higher_is_better}}},
          {"folds", study.n_folds},
          {"data_hash", study.data_hash},
          {"fold_hash", study.fold_hash},
          {"source", study.source.empty() ? Json::object() : Json::parse(study.source)}};
}

Study study_of(const Json& json) {
  Study study;
  study.library_version = json.at("version").get<std::string>();
  study.space = space_from_json(json.at("space").dump(), "space");
  for (const auto& [key, value] : json.at("parameters").items())
    set_parameter(study.parameters, key, value.get<std::string>());
  study.strategy = named(kStrategies, json.at("strategy").get<std::string>());
  study.seed = json.at("seed").get<std::uint64_t>();
  study.grid_steps = json.at("grid_steps").get<int>();
  const Json &halving = json.at("halving"), &median = json.at("median_rule"), &goal = json.at("objective");
  study.halving = {halving.at("trials").get<int>(), halving.at("min_rounds").get<int>(),
                   halving.at("factor").get<int>()};
  study.median_rule = {median.at("on").get<bool>(), median.at("min_rounds").get<int>(),
                       median.at("min_trials").get<int>()};
  study.goal = {goal.at("metric").get<std::string>(), goal.at("higher_is_better").get<bool>()};
  study.n_folds = json.at("folds").get<int>();
  study.data_hash = json.at("data_hash").get<std::string>();
  study.fold_hash = json.at("fold_hash").get<std::string>();
  study.source = json.at("source").dump();
  return study;
}

Json limits_json(const Limits& limits) {
  return {{"trials", limits.n_trials},
          {"seconds", limits.seconds},
          {"target", number_json(limits.target)},
          {"patience", limits.patience}};
}

Limits limits_of(const Json& json) {
  return {json.at("trials").get<int>(), json.at("seconds").get<double>(), number_of(json.at("target")),
          json.at("patience").get<int>()};
}

Json point_json(const std::vector<Assignment>& point) {
  Json json = Json::object();
  for (const auto& [name, value] : point) json[name] = value;
  return json;
}

std::vector<Assignment> point_of(const Json& json) {
  std::vector<Assignment> point;
  for (const auto& [name, value] : json.items()) point.push_back({name, value.get<std::string>()});
  return point;
}

Json curves_json(const std::vector<TrialCurve>& curves) {
  Json list = Json::array();
  for (const TrialCurve& curve : curves) {
    Json values = Json::array(), metrics = Json::object();
    for (const double value : curve.values) values.push_back(number_json(value));
    for (const MetricValue& metric : curve.metrics) metrics[metric.name] = number_json(metric.value);
    list.push_back({{"rounds", curve.n_rounds}, {"metrics", metrics}, {"curve", values}});
  }
  return list;
}

std::vector<TrialCurve> curves_of(const Json& json) {
  std::vector<TrialCurve> curves;
  for (const Json& entry : json) {
    TrialCurve& curve = curves.emplace_back();
    curve.n_rounds = entry.at("rounds").get<int>();
    for (const auto& [name, value] : entry.at("metrics").items())
      curve.metrics.push_back({name, number_of(value)});
    for (const Json& value : entry.at("curve")) curve.values.push_back(number_of(value));
    if (curve.n_rounds < 0 || static_cast<std::size_t>(curve.n_rounds) > curve.values.size())
      throw std::invalid_argument("rounds");
  }
  return curves;
}

// ---------------------------------------------------------------------------------------------------------

void read_run(const Json& event, Journal& journal) {
  RunEvent& run = journal.runs.emplace_back();
  run.time = event.at("time").get<double>();
  run.process = event.at("process").get<int>();
  run.host = event.at("host").get<std::string>();
  run.parallel = event.at("parallel").get<int>();
  run.threads = event.at("threads").get<int>();
  run.limits = limits_of(event.at("limits"));
  journal.end = EndReason::kNotEnded;
  journal.started.clear();  // the process that began them is gone
}

/// The trial of an event, taken out of those that were started.
Trial take_started(int index, Journal& journal) {
  const auto found = std::ranges::find(journal.started, index, &Trial::index);
  if (found == journal.started.end()) throw std::invalid_argument("a trial that was not started");
  Trial trial = std::move(*found);
  journal.started.erase(found);
  return trial;
}

void read_trial_start(const Json& event, Journal& journal) {
  Trial& trial = journal.started.emplace_back();
  trial.index = event.at("trial").get<int>();
  trial.begin_time = event.at("time").get<double>();
  trial.parameters = point_of(event.at("parameters"));
}

void read_trial_end(const Json& event, Journal& journal) {
  Trial trial = take_started(event.at("trial").get<int>(), journal);
  trial.end_time = event.at("time").get<double>();
  trial.status = named(kStatuses, event.at("status").get<std::string>());
  trial.curves = curves_of(event.at("curves"));
  trial.error = event.value("error", "");
  journal.finished.push_back(std::move(trial));
}

void read_end(const Json& event, Journal& journal) {
  journal.end = named(kEndReasons, event.at("reason").get<std::string>());
}

void read_event(const Json& event, Journal& journal) {
  const std::string kind = event.at("event").get<std::string>();
  journal.last_time = event.at("time").get<double>();
  if (journal.is_empty() != (kind == "study")) throw std::invalid_argument(kind);
  if (kind == "study") {
    if (event.at("format").get<int>() != kFormat) throw std::invalid_argument("format");
    journal.study = study_of(event);
    journal.begin_time = journal.last_time;
  } else if (kind == "run") {
    read_run(event, journal);
  } else if (kind == "trial_start") {
    read_trial_start(event, journal);
  } else if (kind == "trial_end") {
    read_trial_end(event, journal);
  } else if (kind == "end") {
    read_end(event, journal);
  } else {
    throw std::invalid_argument(kind);
  }
}

}  // namespace

std::string study_line(const Study& study, double time) {
  Json event = {{"event", "study"}, {"format", kFormat}, {"time", time}};
  event.update(study_json(study));
  return line_of(event);
}

std::string run_line(const RunEvent& run) {
  return line_of({{"event", "run"},
                  {"time", run.time},
                  {"process", run.process},
                  {"host", run.host},
                  {"parallel", run.parallel},
                  {"threads", run.threads},
                  {"limits", limits_json(run.limits)}});
}

std::string trial_start_line(const Trial& trial) {
  return line_of({{"event", "trial_start"},
                  {"time", trial.begin_time},
                  {"trial", trial.index},
                  {"parameters", point_json(trial.parameters)}});
}

std::string trial_end_line(const Trial& trial) {
  Json event = {{"event", "trial_end"},
                {"time", trial.end_time},
                {"trial", trial.index},
                {"status", to_string(trial.status)},
                {"score", number_json(trial.score())}};
  if (!trial.error.empty()) event["error"] = trial.error;
  event["curves"] = curves_json(trial.curves);
  return line_of(event);
}

std::string end_line(EndReason reason, double time) {
  return line_of({{"event", "end"}, {"time", time}, {"reason", to_string(reason)}});
}

Journal read_journal(std::string_view text, const std::string& name) {
  Journal journal;
  int line = 0;
  for (std::size_t begin = 0, end = text.find('\n'); end != std::string_view::npos;
       begin = end + 1, end = text.find('\n', begin)) {
    ++line;
    try {
      read_event(Json::parse(text.substr(begin, end - begin)), journal);
    } catch (const std::exception& problem) {  // of JSON, of a value that nobody writes
      throw Error("tune.journal",
                  fmt::format("{}:{}: this is no line of a journal ({}); move the folder away "
                              "and begin anew",
                              name, line, problem.what()));
    }
  }
  return journal;
}

std::string outcome_json(const Study& study, const Outcome& outcome) {
  Json trials = Json::array();
  for (const Trial& trial : outcome.trials) {
    Json json = {{"trial", trial.index},
                 {"status", to_string(trial.status)},
                 {"parameters", point_json(trial.parameters)},
                 {"score", number_json(trial.score())}};
    if (!trial.error.empty()) json["error"] = trial.error;
    json["curves"] = curves_json(trial.curves);
    trials.push_back(std::move(json));
  }
  const Trial* winner = outcome.winner();
  const Json best = winner == nullptr ? Json()
                                      : Json{{"trial", winner->index},
                                             {"parameters", point_json(winner->parameters)},
                                             {"score", number_json(winner->score())}};
  return Json{
      {"objective", study.goal.metric}, {"end", to_string(outcome.end)}, {"best", best}, {"trials", trials}}
      .dump();
}

}  // namespace coppice::tune
