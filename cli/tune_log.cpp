#include "tune_log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>

#include "progress.h"
#include "text.h"

namespace coppice::cli {
namespace {

constexpr auto kRedrawPeriod = std::chrono::milliseconds(100);
constexpr std::size_t kShownRows = 12;

std::string state_text(const tune::Study& study, const tune::Trial& trial) {
  if (trial.status == tune::TrialStatus::kFailed) return "failed: " + trial.error;
  if (trial.status == tune::TrialStatus::kCompleted) {
    return fmt::format("{} {}", study.goal.metric, metric_text(trial.score()));
  }
  const int n_rounds = trial.curves.empty() ? 0 : trial.curves.back().n_rounds;
  return fmt::format("{} after {} rounds", trial.status == tune::TrialStatus::kStopped ? "stopped" : "waits",
                     n_rounds);
}

}  // namespace

std::string point_text(const std::vector<tune::Assignment>& point) {
  std::string text;
  for (const auto& [name, value] : point) {
    if (!text.empty()) text += ' ';
    text += fmt::format("{}={}", name, value);
  }
  return text;
}

std::string trial_table(const tune::Study& study, const tune::Outcome& outcome) {
  std::vector<std::string> header = {"trial", "", study.goal.metric, "rounds"};
  for (const tune::Range& range : study.space) header.push_back(range.name);
  TextTable table(std::move(header));
  table.align(1, TextTable::Align::kLeft);
  const tune::Trial* winner = outcome.winner();
  for (const tune::Trial& trial : outcome.trials) {
    std::string state(to_string(trial.status));
    if (trial.status == tune::TrialStatus::kCompleted) state = &trial == winner ? "best" : "";
    const std::string rounds = trial.curves.empty() ? "" : fmt::to_string(trial.curves.back().n_rounds);
    std::vector<std::string> cells = {fmt::to_string(trial.index), state,
                                      std::isnan(trial.score()) ? "" : metric_text(trial.score()), rounds};
    for (const auto& [name, value] : trial.parameters) cells.push_back(value);
    table.add_row(std::move(cells));
  }
  return table.text();
}

TuneLog::TuneLog(const tune::Study& study, int n_trainings, int n_finished, int log_period)
    : study_(study),
      n_trainings_(n_trainings),
      n_before_(n_finished),
      log_period_(log_period),
      is_terminal_(::isatty(STDERR_FILENO) == 1) {}

TuneLog::Row& TuneLog::row_of(int trial) {
  const auto found = std::ranges::find(rows_, trial, &Row::trial);
  return found != rows_.end() ? *found : rows_.emplace_back(Row{trial, "", "", true});
}

void TuneLog::start(const tune::Trial& trial) {
  if (log_period_ == 0 || !is_terminal_) return;
  Row& row = row_of(trial.index);
  row.is_running = true;
  row.point = point_text(trial.parameters);
  row.state = "begins";
  draw(false);
}

void TuneLog::round(const tune::Trial& trial, int n_rounds) {
  if (log_period_ == 0 || !is_terminal_ || Clock::now() - last_drawn_ < kRedrawPeriod) return;
  const tune::TrialCurve& curve = trial.curves.back();
  const std::string fold =
      study_.n_folds > 0 ? fmt::format("fold {}/{} ", trial.curves.size(), study_.n_folds) : "";
  row_of(trial.index).state = fmt::format("{}round {}/{} {} {}", fold, curve.values.size(), n_rounds,
                                          study_.goal.metric, metric_text(curve.values.back()));
  draw(false);
}

void TuneLog::end(const tune::Trial& trial) {
  ++n_done_;
  if (log_period_ == 0) return;
  if (!is_terminal_) {
    write_line(trial);
    return;
  }
  Row& row = row_of(trial.index);
  row.is_running = false;
  row.state = state_text(study_, trial);
  draw(true);
}

void TuneLog::decide(const tune::Outcome& outcome) {
  const tune::Trial* winner = outcome.winner();
  if (winner == nullptr || winner->index == best_trial_) return;
  best_trial_ = winner->index;
  best_score_ = winner->score();
  best_point_ = winner->parameters;
  if (log_period_ == 0) return;
  if (is_terminal_) {
    draw(true);
  } else {
    write_log(
        fmt::format("best so far: [{}]\t{}:{}\n", best_trial_, study_.goal.metric, metric_text(best_score_)));
  }
}

void TuneLog::write_line(const tune::Trial& trial) {
  const bool is_due = n_done_ % log_period_ == 0 || trial.status == tune::TrialStatus::kFailed;
  if (!is_due) return;
  const std::string told = trial.status == tune::TrialStatus::kCompleted
                               ? fmt::format("{}:{}", study_.goal.metric, metric_text(trial.score()))
                               : state_text(study_, trial);
  write_log(fmt::format("[{}]\t{}\t{}\t{}\n", trial.index, told,
                        seconds_text(trial.end_time - trial.begin_time), point_text(trial.parameters)));
}

std::string TuneLog::summary() const {
  std::string text = fmt::format("{} of {} {}", n_before_ + n_done_, n_trainings_,
                                 study_.strategy == tune::Strategy::kHalving ? "trainings" : "trials");
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const int left = n_trainings_ - n_before_ - n_done_;
  if (n_done_ > 0 && left > 0) {
    fmt::format_to(std::back_inserter(text), ", about {} left", seconds_text(seconds / n_done_ * left));
  }
  if (best_trial_ >= 0) {
    fmt::format_to(std::back_inserter(text), "; best: trial {}, {} {}, {}", best_trial_, study_.goal.metric,
                   metric_text(best_score_), point_text(best_point_));
  }
  return text;
}

void TuneLog::draw(bool is_due) {
  if (!is_due && Clock::now() - last_drawn_ < kRedrawPeriod) return;
  last_drawn_ = Clock::now();
  // Running trials stay; of those that finished the oldest leave first.
  while (rows_.size() > kShownRows) {
    const auto oldest = std::ranges::find(rows_, false, &Row::is_running);
    if (oldest == rows_.end()) break;
    rows_.erase(oldest);
  }
  const auto width = static_cast<std::size_t>(std::max(terminal_width() - 1, 1));
  std::string text = n_drawn_lines_ > 0 ? fmt::format("\x1b[{}A\r", n_drawn_lines_) : "\r";
  const auto add_line = [&](const std::string& line) { text += line.substr(0, width) + "\x1b[K\n"; };
  for (const Row& row : rows_) {
    add_line(fmt::format("{:>4}{} {:<36} {}", row.trial, row.trial == best_trial_ ? '*' : ' ', row.state,
                         row.point));
  }
  add_line(summary());
  text += "\x1b[J";
  n_drawn_lines_ = rows_.size() + 1;
  write_log(text);
}

void TuneLog::finish() {
  if (n_drawn_lines_ > 0) write_log(fmt::format("\x1b[{}A\r\x1b[J", n_drawn_lines_));
  n_drawn_lines_ = 0;
}

}  // namespace coppice::cli
