// coppice tune: many trainings that differ in some parameters, and the best of them.
#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/kernels/backends.h>
#include <coppice/tune/search.h>
#include <coppice/tune/trial_trainer.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "options.h"
#include "strategies.h"
#include "study_folder.h"
#include "text.h"
#include "tune_arguments.h"
#include "tune_best.h"
#include "tune_log.h"
#include "tune_report.h"
#include "tune_status.h"
#include "tune_study.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kTuneFooter =
    "Examples:\n"
    "  coppice tune --train train.csv --valid validation.csv --label Class --range eta=0:1\n"
    "      --range max_depth=1:10 --range min_child_weight=0:10 --range alpha=0.001:2:log\n"
    "      --objective validation:auc --trials 9 --parallel 3 --seed 1 --out study\n"
    "  coppice tune --train all.csv --folds 5 --strategy time --time-column day --label Class\n"
    "      --space space.json --search halving --trials 27 --out study\n"
    "  coppice tune --status study --json\n"
    "  coppice tune --best study --model fraud.json\n"
    "  coppice tune --report study --out tuning.html\n"
    "Run the same command again to go on after a kill, or with more --trials. What comes out does not depend "
    "on\n"
    "--parallel and --threads. docs/tuning.md has the rules.";

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

void check_usage(const TuneArguments& arguments) {
  const auto refuse = [](const std::string& message) { throw Error("cli.usage", message); };
  if (arguments.tables.train.empty())
    refuse("give --train, or ask about a study with --status, --best or --report");
  if (arguments.tables.csv.label.empty()) refuse("name the label with --label");
  if (arguments.out.empty()) refuse("name the folder of the study with --out");
  if (!arguments.model.empty() || arguments.retrain) refuse("--model and --retrain belong to --best");
}

/// Trains what is left of a study.
tune::Outcome search_in(StudyFolder& folder, const tune::Study& study, tune::TrialTables tables,
                        const TuneArguments& arguments, int threads) {
  const auto make_backend = [&](int count) { return kernels::make_backend(study.parameters.device, count); };
  tune::TrialTrainer trainer(study, std::move(tables), make_backend, threads);
  const auto n_finished = static_cast<int>(folder.journal().finished.size());
  TuneLog log(study, tune::training_count(study, arguments.limits), n_finished, arguments.log_period);
  log.decide(tune::decide(study, arguments.limits, folder.journal().finished));
  tune::SearchObserver observer;
  observer.on_start = [&](const tune::Trial& trial) {
    folder.start_trial(trial);
    log.start(trial);
  };
  observer.on_round = [&](const tune::Trial& trial, int n_rounds) { log.round(trial, n_rounds); };
  observer.on_end = [&](const tune::Trial& trial, std::span<const Model> models,
                        const tune::Outcome& so_far) {
    folder.end_trial(study, trial, models, so_far);
    log.end(trial);
  };
  observer.on_outcome = [&](const tune::Outcome& outcome) {
    folder.keep_winner(study, outcome);
    log.decide(outcome);
  };
  const tune::TrainJob train = [&](const tune::TrialJob& job, const tune::RoundObserver& rounds) {
    return trainer.train(job, rounds);
  };
  tune::Outcome outcome = tune::search(study, {arguments.parallel, threads, arguments.limits},
                                       folder.journal().finished, train, observer);
  log.finish();
  return outcome;
}

std::string end_text(tune::EndReason reason) {
  switch (reason) {
    case tune::EndReason::kTarget:
      return "the target is reached";
    case tune::EndReason::kPatience:
      return "no better one for so many trials";
    case tune::EndReason::kTime:
      return "the time is over; run the same command to go on";
    default:
      return "all trials are done";
  }
}

void print_outcome(const TuneArguments& arguments, const tune::Study& study, const tune::Outcome& outcome,
                   double seconds) {
  if (arguments.json) {
    write_output(tune::outcome_json(study, outcome) + '\n');
    return;
  }
  std::string text = trial_table(study, outcome);
  text += fmt::format("{}: {} trials in {}: {}\n", arguments.out, outcome.trials.size(),
                      seconds_text(seconds), end_text(outcome.end));
  if (const tune::Trial* winner = outcome.winner()) {
    text += fmt::format("  best: trial {}, {} {}: {}\n", winner->index, study.goal.metric,
                        metric_text(winner->score()), point_text(winner->parameters));
    text += fmt::format("  its model: coppice tune --best {} --model OUT{}\n", arguments.out,
                        study.n_folds > 0 ? " --retrain" : "");
  }
  write_output(text);
}

/// A study in which nothing could be trained has failed, with the reason of its first trial.
void check_outcome(const tune::Outcome& outcome) {
  const auto has_failed = [](const tune::Trial& trial) { return trial.status == tune::TrialStatus::kFailed; };
  if (outcome.trials.empty() || !std::ranges::all_of(outcome.trials, has_failed)) return;
  throw Error("cli.tune.failed", fmt::format("all {} trials failed; the first: {}", outcome.trials.size(),
                                             outcome.trials[0].error));
}

ExitCode run_study(const TuneArguments& arguments) {
  check_usage(arguments);
  const auto start = std::chrono::steady_clock::now();
  tune::Study study = make_study(arguments);
  StudyFolder folder(arguments.out);
  study.data_hash = folder.journal().study.data_hash;  // what can be told without reading the tables, first
  study.fold_hash = folder.journal().study.fold_hash;
  folder.check_same(study);
  auto [tables, sides] = read_tables(arguments.tables, study.parameters);
  tables.folds = make_folds(arguments, study, tables.train, sides);
  study.data_hash = tune::data_hash(tables);
  study.fold_hash = tune::fold_hash(tables.folds);
  folder.check_same(study);
  const int threads = detail::thread_count(study.parameters.threads);
  folder.begin(study, {now(), ::getpid(), host_name(), arguments.parallel, threads, arguments.limits});
  const tune::Outcome outcome = search_in(folder, study, std::move(tables), arguments, threads);
  folder.keep_winner(study, outcome);
  folder.end(study, outcome, now());
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  print_outcome(arguments, study, outcome, seconds.count());
  check_outcome(outcome);
  return kSuccess;
}

ExitCode run_tune(const TuneArguments& arguments) {
  if (!arguments.status.empty()) return print_status(arguments);
  if (!arguments.best.empty()) return write_best(arguments);
  if (!arguments.report.empty()) return write_study_report(arguments);
  return run_study(arguments);
}

// ---------------------------------------------------------------------------------------------------------
// Options

void add_tables(CLI::App& command, TuneArguments& arguments) {
  command.add_option("--train", arguments.tables.train, "Training table: files with the same columns")
      ->type_name("DATA");
  command
      .add_option("--valid", arguments.tables.validation,
                  "Table that trials are judged on; named validation, or NAME by NAME=DATA")
      ->type_name("DATA");
  command.add_option("--label", arguments.tables.csv.label, "Label column, by name or index")
      ->type_name("NAME|INDEX");
  command.add_option("--weight", arguments.tables.csv.weight, "Row weight column, by name or index")
      ->type_name("NAME|INDEX");
  command
      .add_option("--folds", arguments.n_folds,
                  "Judge trials on so many folds of the training table instead; the score is the mean")
      ->check(CLI::Range(2, 254).description(""))
      ->type_name("K");
  command
      .add_option("--strategy", arguments.fold_strategy,
                  "How rows go to folds; if not given: time, group or time-group by the columns that are "
                  "named, else stratified (random for numbers)")
      ->check(CLI::IsMember(strategy_names()).description(""))
      ->needs("--folds")
      ->type_name("NAME");
  add_gap(command, arguments.gap, "the training part of a fold")->needs("--folds");
  add_side_columns(command, arguments.tables.sides);
}

void add_search(CLI::App& command, TuneArguments& arguments) {
  command
      .add_option(
          "--range", arguments.ranges,
          "Values of a parameter: LOW:HIGH, with :log, :reverselog or :int behind it, or A,B,C; may be "
          "repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=RANGE");
  command
      .add_option("--space", arguments.space_file, "Ranges as JSON: {\"eta\": \"0:1\"}, or ParameterRanges")
      ->type_name("FILE.json");
  command
      .add_option("--objective", arguments.objective,
                  "Metric that trials are judged by, SET:METRIC; its name tells whether higher is better")
      ->type_name("SET:METRIC");
  command
      .add_option("--search", arguments.search,
                  "random, grid (all combinations) or halving (many short trainings, the best go on)")
      ->check(CLI::IsMember({"random", "grid", "halving"}).description(""))
      ->capture_default_str()
      ->type_name("NAME");
  command.add_option("--grid-steps", arguments.grid_steps, "Grid: values of each numeric range")
      ->capture_default_str()
      ->type_name("N");
  command.add_option("--factor", arguments.factor, "Halving: one of so many trials goes on, so much longer")
      ->capture_default_str()
      ->type_name("N");
  command.add_flag("--median-rule", arguments.uses_median_rule,
                   "Stop a trial that is worse than the median of the earlier ones' running means");
  command
      .add_option("--min-rounds", arguments.min_rounds,
                  "Rounds before the median rule may stop a trial; halving: rounds of all trials")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--min-trials", arguments.min_trials,
                  "Median rule: trials that must have come as far before another is stopped")
      ->capture_default_str()
      ->type_name("N");
}

void add_limits(CLI::App& command, TuneArguments& arguments) {
  command
      .add_option_function<int>(
          "--trials",
          [&arguments](int n_trials) {
            arguments.limits.n_trials = n_trials;
            arguments.has_trials = true;
          },
          fmt::format("Number of trials [{}]", arguments.limits.n_trials))
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  command.add_option("--max-seconds", arguments.limits.seconds, "End this run after so much time")
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("S");
  command.add_option("--target", arguments.limits.target, "End with the first trial that is as good as this")
      ->type_name("VALUE");
  command
      .add_option("--patience", arguments.limits.patience, "End after so many trials without a better one")
      ->check(CLI::Range(1, 1'000'000).description(""))
      ->type_name("N");
  command.add_option("--parallel", arguments.parallel, "Trials at once; they share --threads")
      ->check(CLI::Range(1, 4096).description(""))
      ->capture_default_str()
      ->type_name("N");
}

}  // namespace

Verb add_tune(CLI::App& program) {
  CLI::App* command = program.add_subcommand("tune", "Search for the parameters of the best model");
  const auto arguments = std::make_shared<TuneArguments>();
  add_tables(*command, *arguments);
  add_search(*command, *arguments);
  add_limits(*command, *arguments);
  add_training_parameters(*command, arguments->parameters);
  add_reading(*command, arguments->tables.csv);
  command
      ->add_option("--out", arguments->out,
                   "Folder of the study: its journal, its best model; with --report: HTML file to write")
      ->type_name("DIR");
  command->add_option("--log-period", arguments->log_period, "Log every Nth trial; 0 logs nothing")
      ->check(CLI::Range(0, 1'000'000).description(""))
      ->capture_default_str()
      ->type_name("N");
  command
      ->add_option("--status", arguments->status, "Tell how the study of a folder stands, also while it runs")
      ->type_name("DIR");
  command->add_option("--best", arguments->best, "Write the best model of a study to --model")
      ->type_name("DIR");
  command->add_option("--report", arguments->report, "Write a page about a study to --out")->type_name("DIR");
  command->add_option("--model", arguments->model, "Model file to write: .json or .ubj")->type_name("OUT");
  command->add_flag("--retrain", arguments->retrain,
                    "With --best: train anew by the best parameters, on training and validation rows");
  add_json(*command, arguments->json);
  command->footer(kTuneFooter);
  return {command, [arguments] { return run_tune(*arguments); }};
}

}  // namespace coppice::cli
