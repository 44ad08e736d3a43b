#include "study_folder.h"

#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <system_error>
#include <utility>

namespace coppice::cli {
namespace {

namespace fs = std::filesystem;

std::string folder_made(const std::string& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    throw Error("io.file.write", fmt::format("{}: cannot make the folder: {}", folder, failed.message()));
  }
  return folder;
}

/// Who has the journal, as its last run says.
std::string holder_of(const std::string& folder) {
  const tune::Journal journal = tune::read_journal(io::read_file(journal_path(folder)), journal_path(folder));
  if (journal.runs.empty()) return "another process";
  const tune::RunEvent& run = journal.runs.back();
  return fmt::format("process {} on {}, since {:%Y-%m-%d %H:%M:%S},", run.process, run.host,
                     fmt::localtime(static_cast<std::time_t>(run.time)));
}

io::AppendFile open_journal(const std::string& folder) {
  try {
    return io::AppendFile(journal_path(folder_made(folder)));
  } catch (const Error& error) {
    if (error.id() != "io.file.locked") throw;
    throw Error("cli.tune.locked",
                fmt::format("{}: {} works on this study; wait for it, or choose another --out", folder,
                            holder_of(folder)));
  }
}

}  // namespace

std::string journal_path(const std::string& folder) { return (fs::path(folder) / "journal.jsonl").string(); }

std::string trial_model_path(const std::string& folder, int trial) {
  return (fs::path(folder) / fmt::format("trial_{}.ubj", trial)).string();
}

tune::Journal read_study(const std::string& folder) {
  const std::string path = journal_path(folder);
  if (!fs::exists(path)) {
    throw Error("cli.tune.folder", fmt::format("{}: there is no study here (no journal.jsonl)", folder));
  }
  tune::Journal journal = tune::read_journal(io::read_file(path), path);
  if (journal.is_empty()) throw Error("cli.tune.folder", fmt::format("{}: the study has not begun", folder));
  return journal;
}

StudyFolder::StudyFolder(std::string folder)
    : folder_(std::move(folder)),
      file_(open_journal(folder_)),
      journal_(tune::read_journal(file_.text(), journal_path(folder_))) {
  find_models();
}

/// Keeps what belongs to finished trials; a model without is of a trial that was interrupted.
void StudyFolder::find_models() {
  for (const tune::Trial& trial : journal_.finished) {
    if (fs::exists(trial_model_path(folder_, trial.index))) model_scores_[trial.index] = trial.score();
  }
  for (const tune::Trial& trial : journal_.started) {
    std::error_code ignored;
    fs::remove(trial_model_path(folder_, trial.index), ignored);
  }
}

void StudyFolder::check_same(const tune::Study& study) const {
  if (journal_.is_empty()) return;
  const std::string difference = tune::first_difference(journal_.study, study);
  if (difference.empty()) return;
  throw Error("cli.tune.changed",
              fmt::format("{}: the study in this folder is another one: {}; choose another --out", folder_,
                          difference));
}

void StudyFolder::begin(const tune::Study& study, const tune::RunEvent& run) {
  std::string lines = journal_.is_empty() ? tune::study_line(study, run.time) : "";
  file_.append(lines + tune::run_line(run));
  file_.sync();
}

void StudyFolder::start_trial(const tune::Trial& trial) { file_.append(tune::trial_start_line(trial)); }

void StudyFolder::end_trial(const tune::Study& study, const tune::Trial& trial, std::span<const Model> models,
                            const tune::Outcome& so_far) {
  const double score = trial.score();
  const tune::Trial* winner = so_far.winner();
  // A winner so far that has a higher number yields to an equal score.
  const bool may_win = so_far.is_improved_by(score, study.goal) ||
                       (winner != nullptr && score == winner->score() && trial.index < winner->index);
  if (models.size() == 1 && study.n_folds == 0 && may_win) {
    io::save_model(models.front(), trial_model_path(folder_, trial.index));
    model_scores_[trial.index] = score;
  }
  file_.append(tune::trial_end_line(trial));
  file_.sync();
}

void StudyFolder::keep_winner(const tune::Study& study, const tune::Outcome& outcome) {
  const tune::Trial* winner = outcome.winner();
  std::erase_if(model_scores_, [&](const auto& model) {
    const auto& [index, score] = model;
    const bool is_winner = winner != nullptr && index == winner->index;
    const bool is_decided =
        std::ranges::find(outcome.trials, index, &tune::Trial::index) != outcome.trials.end();
    const bool may_win = !is_decided && outcome.is_improved_by(score, study.goal);
    if (is_winner || may_win) return false;
    std::error_code ignored;
    fs::remove(trial_model_path(folder_, index), ignored);
    return true;
  });
}

void StudyFolder::end(const tune::Study& study, const tune::Outcome& outcome, double time) {
  io::write_file_atomically((fs::path(folder_) / "outcome.json").string(),
                            tune::outcome_json(study, outcome) + '\n');
  file_.append(tune::end_line(outcome.end, time));
  file_.sync();
}

}  // namespace coppice::cli
