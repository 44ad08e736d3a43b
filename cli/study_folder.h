// The folder of a study: its journal, the models that may still win, and what came out.
#pragma once

#include <coppice/io/append_file.h>
#include <coppice/model.h>
#include <coppice/tune/journal.h>
#include <coppice/tune/study.h>

#include <map>
#include <span>
#include <string>
#include <vector>

namespace coppice::cli {

[[nodiscard]] std::string journal_path(const std::string& folder);
/// Where the model of a trial is, as long as it may win.
[[nodiscard]] std::string trial_model_path(const std::string& folder, int trial);

/// Reads the journal of a study that may be running. Errors: cli.tune.folder when there is none;
/// tune.journal.
[[nodiscard]] tune::Journal read_study(const std::string& folder);

/// A study that this process works on. Whatever happens to it, what is in the folder can be gone on with: a
/// trial's model is in place before the journal says that the trial has finished.
class StudyFolder {
 public:
  /// Makes the folder where there is none, and takes it for this process.
  /// Errors: cli.tune.locked names the process that has it; io.file.write; tune.journal.
  explicit StudyFolder(std::string folder);

  /// What was there. Empty when the study begins.
  [[nodiscard]] const tune::Journal& journal() const noexcept { return journal_; }
  /// Errors: cli.tune.changed when the study that is there is another one.
  void check_same(const tune::Study& study) const;

  /// Notes that a process begins to work; the first one notes the study.
  void begin(const tune::Study& study, const tune::RunEvent& run);
  void start_trial(const tune::Trial& trial);
  /// Keeps the model if it may win, then notes that the trial has finished, durably.
  void end_trial(const tune::Study& study, const tune::Trial& trial, std::span<const Model> models,
                 const tune::Outcome& so_far);
  /// Removes the models that cannot win any more.
  void keep_winner(const tune::Study& study, const tune::Outcome& outcome);
  /// Writes outcome.json and notes the end.
  void end(const tune::Study& study, const tune::Outcome& outcome, double time);

 private:
  void find_models();

  std::string folder_;
  io::AppendFile file_;
  tune::Journal journal_;
  std::map<int, double> model_scores_;  ///< of the trials whose model is here
};

}  // namespace coppice::cli
