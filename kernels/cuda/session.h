// One training run on a CUDA device.
//
// All state lives on the device; the host enqueues four launches a tree and waits once, for the finished
// tree: sweep A (gradients.h), the growth (growth.h), sweep B and the sending of the tree (route.h).
// frontier_bound() is always 0, because the growth needs nobody between its steps.
#pragma once

#include <coppice/backend.h>
#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/grown_tree.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cuda/device.h"
#include "cuda/growth.h"
#include "cuda/memory.h"
#include "cuda/metrics.h"
#include "cuda/plan.h"

namespace coppice::kernels::cuda {

/// Where a session works. A session on working rows shares the stream of the one that opened it, and keeps
/// its memory for the next stage.
struct SessionPlace {
  std::shared_ptr<const Stream> stream;
  std::shared_ptr<SessionMemory> memory;
};

class Session : public TrainingSession {
 public:
  /// data and what it refers to outlive the session. Errors: kernels.memory.
  Session(const SessionData& data, Parameters parameters);
  /// On rows that are on the device already, with their margins, of which residual_bound is the first bound
  /// of |margin - label|. table: its bins are not looked at; it outlives the session.
  Session(const BinnedMatrix& table, const engine::RowBounds& bounds, Parameters parameters,
          SessionPlace place, double residual_bound);

  void start(float base_margin) override;
  void add_tree(const Tree& tree) override;
  [[nodiscard]] std::unique_ptr<TrainingSession> open_working(int round) override;
  void set_sampling_threshold(float threshold) override { threshold_ = threshold; }
  void begin_tree(int round) override;
  void build_histograms() override {}
  void evaluate_splits() override {}
  void expand_frontier() override {}
  [[nodiscard]] int frontier_bound() const noexcept override { return 0; }
  [[nodiscard]] Tree finish_tree() override;
  [[nodiscard]] std::size_t n_kept() const override { return n_kept_; }
  [[nodiscard]] float sampling_threshold() const override { return drawn_threshold_; }
  [[nodiscard]] float next_sampling_threshold() const override { return threshold_; }
  void read_margins(std::span<float> margins) override;
  void read_evaluation_margins(std::size_t index, std::span<float> margins) override;
  [[nodiscard]] std::vector<double> evaluate(std::size_t index) override;
  [[nodiscard]] PhaseSeconds phase_seconds() const override { return seconds_; }
  [[nodiscard]] std::size_t device_bytes() const noexcept override { return plan_.total(); }

 private:
  /// An evaluation matrix that follows along.
  struct Follower {
    DeviceBins bins;
    DeviceBuffer<float> margins;
  };

  [[nodiscard]] RowsView rows_view();
  [[nodiscard]] Growth growth_view(const engine::Draw& draw, int round);
  [[nodiscard]] engine::Draw draw_of(float threshold, double subsample, int round) const;
  void enqueue_sweep(const engine::Draw& draw, bool draws);
  void find_threshold();
  void prepare_draw();
  void choose_features(int round);
  [[nodiscard]] std::span<const GrownNode> fetch_tree();
  void add_last_tree();
  void remember_tree(const Tree& tree);
  void count_evaluation();
  // working_rows.cpp
  [[nodiscard]] std::unique_ptr<TrainingSession> make_working(int round);
  void gather_working_rows(const engine::Draw& draw, std::uint32_t n);

  const BinnedMatrix& table_;
  const Parameters parameters_;
  std::span<const float> labels_;
  const TreeSizes sizes_;
  MemoryPlan plan_;
  std::shared_ptr<const Stream> stream_;
  std::shared_ptr<SessionMemory> memory_;
  unsigned sweep_blocks_ = 1;   ///< of launches over all rows
  unsigned growth_blocks_ = 1;  ///< of the cooperative launch

  engine::RowBounds bounds_;
  int gradient_exponent_ = 0;  ///< of the 64-bit leaf sums
  int hessian_exponent_ = 0;
  double residual_bound_ = 0;  ///< reg:squarederror: bound of |margin - label|
  float threshold_ = 0;
  float drawn_threshold_ = 0;
  std::uint32_t n_kept_ = 0;
  bool margins_lag_ = false;  ///< margins do not hold the last tree yet: the next sweep adds it
  engine::GainHistory gain_history_;
  engine::SweepExponents exponents_;  ///< of the last sweep

  std::vector<Follower> followers_;
  std::span<const WatchedRows> watched_;
  WatchedMetrics metrics_;

  // Of working rows, since the first stage that has some.
  BinnedMatrix working_table_;  ///< its size and cuts; the bins are in the memory
  std::shared_ptr<SessionMemory> working_memory_;
  DeviceBuffer<unsigned char> sort_scratch_;

  std::size_t n_all_ = 0, n_screened_ = 0;  ///< features in the two lists
  bool has_features_ = false;               ///< the device has had lists before

  // Between these lie the phases of a tree. The growth counts as `histogram` as a whole.
  Event began_, swept_, grew_, routed_, evaluation_began_, evaluated_;
  bool has_evaluated_ = false;  ///< the last evaluation's seconds are not counted yet
  PhaseSeconds seconds_;
};

}  // namespace coppice::kernels::cuda
