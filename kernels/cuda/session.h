// One training run on a CUDA device.
//
// All state lives on the device; the host enqueues three launches a tree and waits once, for the finished
// tree: sweep A (gradients.h), the growth (growth.h), sweep B (route.h). frontier_bound() is always 0,
// because the growth needs nobody between its steps.
#pragma once

#include <coppice/backend.h>
#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/grown_tree.h>
#include <coppice/detail/working_rows.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cuda/device.h"
#include "cuda/growth.h"
#include "cuda/metrics.h"
#include "cuda/plan.h"

namespace coppice::kernels::cuda {

/// A matrix on the device.
struct DeviceBins {
  DeviceBuffer<std::uint8_t> columns;
  DeviceBuffer<std::uint8_t> records;
  std::uint32_t n_rows = 0;
  std::uint32_t n_features = 0;

  [[nodiscard]] BinsView view() const noexcept {
    return {columns.data(), records.data(), n_rows, n_features};
  }
};

class Session : public TrainingSession {
 public:
  /// data and what it refers to outlive the session. Errors: kernels.memory.
  Session(const SessionData& data, Parameters parameters);

  void start(float base_margin) override;
  /// The same with a margin for each row, for a session without evaluation sets. Waits for the copy.
  void start(std::span<const float> margins);
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
  [[nodiscard]] std::vector<std::optional<double>> evaluate(std::size_t index) override;
  [[nodiscard]] PhaseSeconds phase_seconds() const override { return seconds_; }
  [[nodiscard]] std::size_t device_bytes() const noexcept override { return plan_.total(); }

 private:
  /// An evaluation matrix that follows along.
  struct Follower {
    DeviceBins bins;
    DeviceBuffer<float> margins;
  };
  /// What the growth of a tree needs, sized by TreeSizes, and a tree that is added.
  struct TreeMemory {
    DeviceBuffer<std::uint32_t> kept[2];
    DeviceBuffer<Word> words[2];
    DeviceBuffer<Word> histograms;
    DeviceBuffer<GrownNode> nodes;
    DeviceBuffer<RouteNode> route;
    DeviceBuffer<LeafSum> leaf_sums;
    DeviceBuffer<NodeRows> node_rows;
    DeviceBuffer<int> slots;
    DeviceBuffer<float> leaf_weights;
    DeviceBuffer<Pair> pairs;
    DeviceBuffer<BlockSplit> candidates;
    DeviceBuffer<FeatureBins> feature_bins;
    DeviceBuffer<std::uint32_t> features;  ///< all_features, then screened_features
    DeviceBuffer<std::uint8_t> in_level;
    DeviceBuffer<TreeState> state;
  };

  void allocate_rows();
  void allocate_tree();
  void allocate_nodes(std::size_t n_nodes);
  [[nodiscard]] DeviceBins upload_bins(const BinnedMatrix& bins);
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
  [[nodiscard]] engine::WorkingRows gather_rows(const engine::Draw& draw, std::size_t n);

  const BinnedMatrix& table_;
  const Parameters parameters_;
  std::span<const float> labels_;
  std::span<const float> weights_;
  const TreeSizes sizes_;
  const MemoryPlan plan_;
  Stream stream_;
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

  DeviceBins bins_;
  DeviceBuffer<float> device_labels_, device_weights_, margins_, gradients_;
  DeviceBuffer<float> largest_gradient_, largest_hessian_;
  DeviceBuffer<std::uint32_t> leaves_;
  std::vector<Follower> followers_;
  std::span<const WatchedRows> watched_;
  WatchedMetrics metrics_;
  TreeMemory tree_;

  // What copies read and write while the host goes on.
  PinnedBuffer<TreeState> fetched_state_;
  PinnedBuffer<GrownNode> fetched_nodes_;
  PinnedBuffer<LeafSum> fetched_sums_;
  PinnedBuffer<float> leaf_weights_;
  PinnedBuffer<std::uint32_t> features_;
  std::size_t n_all_ = 0, n_screened_ = 0;  ///< features in the two lists
  bool has_features_ = false;               ///< the device has had lists before

  // Between these lie the phases of a tree. The growth counts as `histogram` as a whole.
  Event began_, swept_, grew_, routed_, evaluation_began_, evaluated_;
  bool has_evaluated_ = false;  ///< the last evaluation's seconds are not counted yet
  PhaseSeconds seconds_;
};

}  // namespace coppice::kernels::cuda
