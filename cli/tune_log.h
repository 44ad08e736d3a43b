// How a search shows that it moves: a table for a terminal, lines for everything else.
#pragma once

#include <coppice/tune/study.h>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

namespace coppice::cli {

/// `eta=0.2 max_depth=5`.
[[nodiscard]] std::string point_text(const std::vector<tune::Assignment>& point);

/// The table of trials that have finished, the best one marked.
[[nodiscard]] std::string trial_table(const tune::Study& study, const tune::Outcome& outcome);

/// Shows a search on standard error. On a terminal a table that redraws itself: trials that run, the last
/// ones that finished, the best so far and the time left. Otherwise a line for every `log_period`-th trial
/// that finishes, and for each new best one. Period 0 shows nothing.
class TuneLog {
 public:
  /// The study must outlive the log. Trainings are trials, or in halving rungs of trials; n_finished: those
  /// of earlier runs.
  TuneLog(const tune::Study& study, int n_trainings, int n_finished, int log_period);

  void start(const tune::Trial& trial);
  void round(const tune::Trial& trial, int n_rounds);
  void end(const tune::Trial& trial);
  void decide(const tune::Outcome& outcome);
  /// Takes the table away: what came out is printed now.
  void finish();

 private:
  struct Row {
    int trial = 0;
    std::string point;
    std::string state;  // of a running trial its progress
    bool is_running = true;
  };
  using Clock = std::chrono::steady_clock;

  void draw(bool is_due);
  void write_line(const tune::Trial& trial);
  [[nodiscard]] std::string summary() const;
  [[nodiscard]] Row& row_of(int trial);

  const tune::Study& study_;
  int n_trainings_;
  int n_before_;    // finished in earlier runs
  int n_done_ = 0;  // finished in this run
  int log_period_;
  bool is_terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point last_drawn_;
  std::vector<Row> rows_;
  std::size_t n_drawn_lines_ = 0;
  int best_trial_ = -1;
  double best_score_ = 0;
  std::vector<tune::Assignment> best_point_;
};

}  // namespace coppice::cli
