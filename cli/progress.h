// How a training shows that it moves: a bar for a terminal, lines for everything else.
#pragma once

#include <coppice/train.h>

#include <string>

namespace coppice::cli {

/// Columns of the terminal on standard error; 80 when it does not tell.
[[nodiscard]] int terminal_width();

/// One line of a log: `[12]\ttrain-auc:0.98123\tvalidation-auc:0.97344`.
[[nodiscard]] std::string progress_line(const Progress& progress);

/// One state of a bar, cut to `width` characters:
/// `round  13/100 [==>                 ]  train-auc 0.98123  validation-auc 0.97344  3.1 s left`.
/// `done` are the rounds of this training so far, 1 at least.
[[nodiscard]] std::string progress_bar(const Progress& progress, int done, int width);

/// Shows progress on standard error: a bar that redraws itself when that is a terminal, otherwise a line for
/// every `log_period`-th round and the last one. Period 0 shows nothing.
class ProgressLog {
 public:
  explicit ProgressLog(int log_period);
  void show(const Progress& progress);
  /// Ends the bar's line. The last state stays on the screen.
  void finish();

 private:
  void draw_bar(const Progress& progress);

  int log_period_;
  bool is_terminal_;
  int first_round_ = -1;
  double last_drawn_ = 0;  // seconds
  std::string pending_;    // the newest state, when it is not on the screen yet
  bool drawn_ = false;
};

}  // namespace coppice::cli
