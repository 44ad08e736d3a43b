// The journal of a study: one JSON object a line, only ever appended to. docs/tuning.md has the format.
#pragma once

#include <coppice/tune/study.h>

#include <string>
#include <string_view>
#include <vector>

namespace coppice::tune {

/// A process that works on a study.
struct RunEvent {
  double time = 0;  ///< seconds since 1970
  int process = 0;  ///< its id
  std::string host;
  int parallel = 1;
  int threads = 1;
  Limits limits;
};

// Lines with their line end. Equal events give equal bytes.
[[nodiscard]] std::string study_line(const Study& study, double time);
[[nodiscard]] std::string run_line(const RunEvent& run);
[[nodiscard]] std::string trial_start_line(const Trial& trial);
[[nodiscard]] std::string trial_end_line(const Trial& trial);
[[nodiscard]] std::string end_line(EndReason reason, double time);

/// A journal as it was read.
struct Journal {
  Study study;
  double begin_time = 0;  ///< of the study
  double last_time = 0;   ///< of the last event
  std::vector<RunEvent> runs;
  std::vector<Trial> finished;           ///< as they were trained; `decide` tells what counts
  std::vector<Trial> started;            ///< begun and not finished: they run, or their process is gone
  EndReason end = EndReason::kNotEnded;  ///< of the last run

  [[nodiscard]] bool is_empty() const noexcept { return begin_time == 0; }
  /// Of the last run.
  [[nodiscard]] Limits limits() const { return runs.empty() ? Limits{} : runs.back().limits; }
};

/// Reads a journal. A last line without line end was cut off by a crash, and does not count.
/// `name` stands in error messages. Errors: tune.journal, with the line.
[[nodiscard]] Journal read_journal(std::string_view text, const std::string& name);

/// What came out, as JSON: every counted trial with parameters, curves and score, and the winner. It holds no
/// times, so equal studies give equal bytes.
[[nodiscard]] std::string outcome_json(const Study& study, const Outcome& outcome);

}  // namespace coppice::tune
