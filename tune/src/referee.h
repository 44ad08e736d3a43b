// Decides trials in their order, whatever the order in which they end.
#pragma once

#include <coppice/tune/study.h>

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace coppice::tune {

/// A place in the curves of a trial: after so many rounds of a fold.
struct CurvePoint {
  std::size_t fold = 0;
  std::size_t n_rounds = 0;
};

/// For random search and grids. Not thread-safe.
class Referee {
 public:
  /// Both must outlive the referee.
  Referee(const Study& study, const Limits& limits) : study_(study), limits_(limits) {}

  /// Takes a finished trial. Trials are decided as soon as all before them are there.
  void add(Trial trial);

  [[nodiscard]] const Outcome& outcome() const noexcept { return outcome_; }
  [[nodiscard]] Outcome take_outcome() noexcept { return std::move(outcome_); }

  /// Are all trials before this one decided, and this one is not? Then the median rule can tell about it.
  [[nodiscard]] bool is_next(int trial) const noexcept {
    return outcome_.end == EndReason::kNotEnded && trial == static_cast<int>(outcome_.trials.size());
  }

  /// Where the median rule stops the next trial: the first such place at or behind `from`. curves: as far as
  /// they are trained. n_rounds: of the trial when nothing stops it.
  [[nodiscard]] std::optional<CurvePoint> find_stop(std::span<const TrialCurve> curves, int n_rounds,
                                                    CurvePoint from = {}) const;

 private:
  [[nodiscard]] bool is_hopeless(double value, CurvePoint point) const;
  void decide(Trial trial);
  void remember(const Trial& trial);
  void end_if_due();

  const Study& study_;
  const Limits& limits_;
  std::map<int, Trial> waiting_;  ///< for trials before them
  Outcome outcome_;
  /// means_[fold][round]: of each decided trial that came as far, the mean of its metric up to that round.
  std::vector<std::vector<std::vector<double>>> means_;
};

}  // namespace coppice::tune
