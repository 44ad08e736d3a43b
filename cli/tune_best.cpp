#include "tune_best.h"

#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>
#include <coppice/tune/study.h>
#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <string>

#include "study_folder.h"
#include "text.h"
#include "tune_log.h"
#include "tune_study.h"

namespace coppice::cli {
namespace {

Model model_as_trained(const std::string& folder, const tune::Study& study, const tune::Trial& winner) {
  const std::string path = trial_model_path(folder, winner.index);
  if (study.n_folds > 0) {
    throw Error(
        "cli.usage",
        fmt::format("{}: trials were trained on folds, so none has a model of all rows; add --retrain",
                    folder));
  }
  if (!std::filesystem::exists(path)) {
    throw Error("cli.tune.winner",
                fmt::format("{}: the winner's model is gone; --retrain trains it anew", path));
  }
  return io::load_model(path);
}

/// Rounds of the winner; of folds that stopped early, the mean.
int rounds_of(const tune::Trial& winner) {
  double sum = 0;
  for (const tune::TrialCurve& curve : winner.curves) sum += curve.n_rounds;
  return static_cast<int>(std::lround(sum / static_cast<double>(winner.curves.size())));
}

Model retrained(const tune::Study& study, const tune::Trial& winner, const TuneArguments& arguments) {
  Parameters parameters = tune::trial_parameters(study, winner.parameters);
  parameters.num_round = rounds_of(winner);
  parameters.early_stopping_rounds = 0;
  parameters.early_stopping_metric.clear();
  if (!arguments.parameters.threads.empty())
    set_parameter(parameters, "threads", arguments.parameters.threads);
  if (!arguments.parameters.device.empty()) set_parameter(parameters, "device", arguments.parameters.device);
  const TableSource source = source_of(study);
  if (tune::data_hash(read_tables(source, parameters).trial) != study.data_hash) {
    throw Error("cli.tune.changed",
                fmt::format("{}: the tables have other content than when the study began", arguments.best));
  }
  const Dataset data = read_as_one(source, parameters);
  const auto backend = kernels::make_backend(parameters.device, parameters.threads);
  TrainOptions options;
  options.describe_data = true;
  return train(*backend, parameters, data, options);
}

}  // namespace

ExitCode write_best(const TuneArguments& arguments) {
  if (arguments.model.empty()) throw Error("cli.usage", "--best needs --model, the file to write");
  const tune::Journal journal = read_study(arguments.best);
  const tune::Outcome outcome = tune::decide(journal.study, journal.limits(), journal.finished);
  const tune::Trial* winner = outcome.winner();
  if (winner == nullptr) {
    throw Error("cli.tune.winner", fmt::format("{}: no trial has completed yet", arguments.best));
  }
  const Model model = arguments.retrain ? retrained(journal.study, *winner, arguments)
                                        : model_as_trained(arguments.best, journal.study, *winner);
  io::save_model(model, arguments.model);
  write_output(fmt::format("{}: trial {} of {}, {} {}, {} rounds: {}\n", arguments.model, winner->index,
                           outcome.trials.size(), journal.study.goal.metric, metric_text(winner->score()),
                           model.trees.size(), point_text(winner->parameters)));
  return kSuccess;
}

}  // namespace coppice::cli
