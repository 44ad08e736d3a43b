// The seam between the one boosting loop in core and the devices that do the work.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/cuts.h>
#include <coppice/dataset.h>
#include <coppice/evaluation_columns.h>
#include <coppice/metric.h>
#include <coppice/objective.h>
#include <coppice/parameters.h>
#include <coppice/tree.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace coppice {

/// Seconds spent inside a session, by phase.
struct PhaseSeconds {
  double gradient = 0;   ///< sweep A: margins, gradients, draw, quantisation of the kept rows
  double histogram = 0;  ///< histograms, with sibling subtraction; on a device also split and partition
  double split = 0;      ///< split search: of the threads, which go from one to the other, the mean
  double partition = 0;  ///< split decisions and moving the kept rows
  double route = 0;      ///< sweep B: routing all rows, exact leaf sums
  double evaluate = 0;   ///< evaluation sets: routing and margins

  PhaseSeconds& operator+=(const PhaseSeconds& other) noexcept {
    gradient += other.gradient;
    histogram += other.histogram;
    split += other.split;
    partition += other.partition;
    route += other.route;
    evaluate += other.evaluate;
    return *this;
  }
};

/// Rows whose metrics are watched.
struct WatchedRows {
  int evaluation_index = -1;  ///< of SessionData::evaluation; -1: the training table
  EvaluationColumns columns;  ///< weights without scale_pos_weight
};

/// What a session is opened with. The referenced data outlive the session.
struct SessionData {
  const BinnedMatrix* bins = nullptr;  ///< with records
  std::span<const float> labels;       ///< [n_rows]
  std::span<const float> weights;      ///< [n_rows] or empty: 1 each; scale_pos_weight is already in them
  std::span<const BinnedMatrix* const> evaluation;  ///< matrices that follow along, without records
  std::span<const Metric> metrics = {};             ///< that are watched
  std::span<const WatchedRows> watched = {};        ///< where they are
};

/// One training run on one device. The loop in core makes the calls of a round in the order they stand here;
/// each may only enqueue work, except where it says that it blocks. All state lives in the session: core sees
/// neither rows nor histograms. Every implementation must produce the same trees, bit for bit: the arithmetic
/// is fixed by <coppice/detail/numerics.h> and <coppice/detail/grown_tree.h>, the algorithm by
/// docs/determinism.md, and the parity tests compare with the textbook trainer in tests/reference.
class TrainingSession {
 public:
  virtual ~TrainingSession() = default;

  /// Sets all margins to a constant and forgets the rounds so far. Blocks: no.
  virtual void start(float base_margin) = 0;

  /// Adds a finished tree to all margins without growing it here: continued training replays the model with
  /// this, and all rows take the trees that working rows have grown. Thresholds must be cuts of the session's
  /// matrix. Evaluation margins take the tree at once, the rows' own when they are next needed. Blocks: may.
  virtual void add_tree(const Tree& tree) = 0;

  /// Draws working rows for the stage that begins with `round` (detail/working_rows.h) by the current
  /// gradients and the sampling threshold that is set, and opens a session on them alone, ready for
  /// begin_tree(round): with their margins, their weights and that threshold, without evaluation sets. It
  /// must end before this session does and take turns with it. Null: working rows would not pay. Blocks: yes.
  [[nodiscard]] virtual std::unique_ptr<TrainingSession> open_working(int round) = 0;

  /// Sets the sampling threshold of the coming round; NaN finds one from the current gradients.
  virtual void set_sampling_threshold(float threshold) = 0;

  /// Sweep A of round `round` (counted over the whole model): margins take the last tree, gradients follow,
  /// rows are drawn, kept rows are quantised. Makes the root frontier of one tree.
  virtual void begin_tree(int round) = 0;

  /// Histograms of the smaller child of every pair in the frontier (of the root, at first).
  virtual void build_histograms() = 0;

  /// Sibling histograms by subtraction, and the best split of every frontier node.
  virtual void evaluate_splits() = 0;

  /// Splits frontier nodes (all that may for depth-wise growth, the best one for leaf-wise growth) and moves
  /// their kept rows; the children are the next frontier.
  virtual void expand_frontier() = 0;

  /// An upper bound of the frontier's size; 0 ends the tree. Never waits.
  [[nodiscard]] virtual int frontier_bound() const noexcept = 0;

  /// Sweep B: routes every row through the grown tree, sums exact gradients per leaf, sets leaf weights.
  /// Evaluation margins take the tree. The only call of a round that must block.
  [[nodiscard]] virtual Tree finish_tree() = 0;

  /// Number of rows that the last begin_tree kept.
  [[nodiscard]] virtual std::size_t n_kept() const = 0;

  /// Threshold that the last begin_tree drew with.
  [[nodiscard]] virtual float sampling_threshold() const = 0;
  /// Threshold for the round after the last begin_tree, from that round's sums.
  [[nodiscard]] virtual float next_sampling_threshold() const = 0;

  /// Copies the current margins [n_rows], the last finished tree included. Blocks: yes.
  virtual void read_margins(std::span<float> margins) = 0;
  /// The same for evaluation matrix `index`.
  virtual void read_evaluation_margins(std::size_t index, std::span<float> margins) = 0;

  /// SessionData::metrics of SessionData::watched[index], as coppice::evaluate gives them for the current
  /// margins, bit for bit, worked out where the margins are. Empty: core reads the margins and works them
  /// out. Blocks: yes.
  [[nodiscard]] virtual std::vector<double> evaluate(std::size_t /*index*/) { return {}; }

  [[nodiscard]] virtual PhaseSeconds phase_seconds() const = 0;

  /// The most bytes that the run takes on a device with memory of its own, known before any is allocated; 0:
  /// it works in the host's memory.
  [[nodiscard]] virtual std::size_t device_bytes() const noexcept { return 0; }
};

/// A device. Stateless, but for how many threads or which card it uses.
class Backend {
 public:
  virtual ~Backend() = default;

  /// `cpu`, `cuda:0`.
  [[nodiscard]] virtual std::string name() const = 0;

  /// Cuts of all features of a table.
  [[nodiscard]] virtual Cuts make_cuts(const Dataset& data, const CutOptions& options) const = 0;

  /// Bins of a table by given cuts; features must match. with_records: also the row-record layout.
  [[nodiscard]] virtual BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) const = 0;

  /// Opens a training run. Errors: kernels.memory when the run does not fit the device.
  [[nodiscard]] virtual std::unique_ptr<TrainingSession> open(const SessionData& data,
                                                              const Parameters& parameters) const = 0;
};

}  // namespace coppice
