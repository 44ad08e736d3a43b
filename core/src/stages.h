// The rounds of a training in stages: on all rows, or on working rows while a stage has them.
#pragma once

#include <coppice/backend.h>
#include <coppice/model.h>

#include <cstddef>
#include <memory>

namespace coppice {

/// Grows a model's trees. Stages begin at fixed rounds (detail/working_rows.h), so training that goes on
/// where another has ended finds itself in the same stage.
class Stages {
 public:
  /// Restores the state after the last round of `model`, which has a sampling threshold for each of its
  /// rounds and for the next. The session and the model outlive this.
  Stages(TrainingSession& session, Model& model);

  /// Grows the next tree into the model; the session's margins take it.
  void grow();

  /// Number of rows that the last tree was grown on.
  [[nodiscard]] std::size_t n_kept() const { return active().n_kept(); }
  /// Seconds spent in all sessions.
  [[nodiscard]] PhaseSeconds seconds() const;

 private:
  [[nodiscard]] TrainingSession& active() const { return working_ ? *working_ : all_rows_; }
  void begin_stage();

  TrainingSession& all_rows_;
  Model& model_;
  std::unique_ptr<TrainingSession> working_;  ///< or null: the stage looks at all rows
  int round_ = 0;                             ///< the next one
  int stage_end_ = 0;
  PhaseSeconds ended_;  ///< spent in sessions on working rows that have ended
};

}  // namespace coppice
