// Does what is scored still look like what the model was trained on?
#pragma once

#include <coppice/model.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace coppice::serve {

/// Population stability index of counts against reference counts (same size):
///     sum over groups of (a - e) ln(a / e), a and e the shares of the group, at least kShareFloor each
/// so that an empty group counts, but not infinitely. 0 when both have the same shares; nothing when either
/// has no rows. Common readings: below 0.1 stable, above 0.25 shifted.
[[nodiscard]] std::optional<double> population_stability_index(std::span<const std::uint64_t> counts,
                                                               std::span<const std::uint64_t> reference);
inline constexpr double kShareFloor = 1e-4;

struct DriftOptions {
  std::chrono::seconds window{3600};      ///< rows older than this are forgotten ...
  std::uint64_t window_rows = 1'000'000;  ///< ... and those before about so many rows
  std::size_t n_writers = 1;              ///< threads that record
};

/// One feature, or the score.
struct DriftEntry {
  std::string name;
  std::optional<double> psi;     ///< nothing: no rows yet
  double missing = 0;            ///< share of the window's rows
  double reference_missing = 0;  ///< share of the training rows
};

struct DriftReport {
  std::uint64_t rows = 0;            ///< in the window
  double seconds = 0;                ///< since the window's first row, at most DriftOptions::window
  std::vector<DriftEntry> features;  ///< those with a reference, in the order of the model
  std::optional<DriftEntry> score;   ///< nothing: the model has no reference for it
};

/// Counts what is scored in a sliding window and compares it with the reference that the model carries: its
/// training rows by bin. Bins are joined to at most ten groups of about equal reference share (and one for
/// missing values), because the index of n rows in g groups is about g / n where nothing has changed.
///
/// Large batches are sampled: 64 rows of a call are looked at, each standing for its neighbours.
/// Memory: bounded by the model and n_writers. Recording takes no lock and allocates nothing: every writer
/// has counters of its own, and a report sums them.
class DriftMonitor {
 public:
  using Clock = std::chrono::steady_clock;

  DriftMonitor(const Model& model, const DriftOptions& options);
  ~DriftMonitor();
  DriftMonitor(DriftMonitor&&) noexcept;
  DriftMonitor& operator=(DriftMonitor&&) noexcept;

  /// Adds scored rows: rows [n, n_features], predictions [n]. `writer` < n_writers is used by one thread at a
  /// time.
  void record(std::size_t writer, std::span<const float> rows, std::span<const float> predictions,
              Clock::time_point now = Clock::now()) noexcept;

  /// Any thread, any time.
  [[nodiscard]] DriftReport report(Clock::time_point now = Clock::now()) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// {"rows", "seconds", "score": {..}, "features": [{"name", "psi", "missing", "reference_missing"}]}.
[[nodiscard]] std::string to_json(const DriftReport& report);

}  // namespace coppice::serve
