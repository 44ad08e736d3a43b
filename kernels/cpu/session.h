// One training run on the CPU.
//
// Rows are swept in tiles of whole blocks. Sweep A (sweeps.cpp) leaves the kept rows of each tile in the
// tile's own stretch; quantisation then packs them. While a tree grows (growth.cpp), a node is a stretch of
// slots. A slot is a place in the compact copy of the kept rows, or, when most rows are kept and copying
// would not pay, a row.
#pragma once

#include <coppice/backend.h>
#include <coppice/detail/feature_sampling.h>
#include <coppice/detail/grown_tree.h>
#include <coppice/detail/working_rows.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cpu/histogram_pool.h"
#include "cpu/kernels.h"
#include "cpu/thread_team.h"

namespace coppice::kernels::cpu {

/// How the blocks of a table are dealt to threads: sixteen at a time, or fewer where a small table would
/// leave threads without work.
struct Tiles {
  std::size_t n_blocks = 0;
  std::size_t blocks_per_tile = 1;

  [[nodiscard]] std::size_t size() const { return (n_blocks + blocks_per_tile - 1) / blocks_per_tile; }
  [[nodiscard]] std::size_t begin(std::size_t tile) const { return tile * blocks_per_tile; }
  [[nodiscard]] std::size_t end(std::size_t tile) const { return std::min(n_blocks, begin(tile + 1)); }
  /// The first row of a tile.
  [[nodiscard]] std::size_t begin_row(std::size_t tile) const { return begin(tile) * kBlockRows; }
};

[[nodiscard]] inline Tiles make_tiles(std::size_t n_blocks, int n_threads) {
  const std::size_t share = n_blocks / (4 * static_cast<std::size_t>(n_threads));
  return {n_blocks, std::clamp<std::size_t>(share, 1, 16)};
}

/// Which leaf each row of a matrix is in: bytes, or 16-bit words for trees of more than 256 leaves.
struct LeafNumbers {
  Buffer<std::uint8_t> narrow;
  Buffer<std::uint16_t> wide;
  bool is_wide = false;

  void reserve(std::size_t n_padded_rows, int n_leaves);
  [[nodiscard]] std::uint8_t* narrow_at(std::size_t row) { return is_wide ? nullptr : narrow.data() + row; }
  [[nodiscard]] std::uint16_t* wide_at(std::size_t row) { return is_wide ? wide.data() + row : nullptr; }
};

/// A node's kept rows: slots [begin, begin + size) of one of the two slot buffers.
struct NodeRows {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  int buffer = 0;
};

/// Nodes whose splits are searched together: the node whose histograms are built from rows, and its sibling,
/// whose histograms are the parent's less those. -1: there is none, or it cannot split.
struct NodePair {
  int built = -1;
  int sibling = -1;
  int parent_histogram = -1;   ///< in the pool; -1: not kept, so the sibling is built from rows too
  int built_histogram = -1;    ///< in the pool; -1: the built node's histograms are not kept
  bool searches_built = true;  ///< false: it is only built to be subtracted
};

/// Features of one record group that one task searches: [first, first + size) in the list of the tree's
/// features.
struct FeatureBlock {
  std::uint32_t first = 0;
  std::uint32_t size = 0;
};

/// A counter of one thread on its own cache lines.
template <class T>
struct alignas(128) PerThread {
  T value{};
};

/// The best split of a node within a feature block.
struct BlockSplit {
  Split split;
  Word missing = 0;  ///< the node's sum of bin 0 of the split's feature
};

class Session : public TrainingSession {
 public:
  Session(const SessionData& data, Parameters parameters, std::shared_ptr<ThreadTeam> team,
          const Kernels& kernels);

  void start(float base_margin) override;
  /// The same with a margin for each row, for a session without evaluation sets.
  void start(std::span<const float> margins);
  void add_tree(const Tree& tree) override;
  [[nodiscard]] std::unique_ptr<TrainingSession> open_working(int round) override;
  void set_sampling_threshold(float threshold) override { threshold_ = threshold; }
  void begin_tree(int round) override;
  void build_histograms() override;
  void evaluate_splits() override;
  void expand_frontier() override;
  [[nodiscard]] int frontier_bound() const noexcept override { return static_cast<int>(frontier_.size()); }
  [[nodiscard]] Tree finish_tree() override;
  [[nodiscard]] std::size_t n_kept() const override { return n_kept_; }
  [[nodiscard]] float sampling_threshold() const override { return drawn_threshold_; }
  [[nodiscard]] float next_sampling_threshold() const override { return threshold_; }
  void read_margins(std::span<float> margins) override;
  void read_evaluation_margins(std::size_t index, std::span<float> margins) override;
  [[nodiscard]] PhaseSeconds phase_seconds() const override { return seconds_; }

 private:
  /// 64-bit totals of a sweep.
  struct SweepTotals {
    std::int64_t squares = 0, below = 0, squares_below = 0, kept_gradient = 0, kept_hessian = 0;
  };
  /// An evaluation matrix that follows along.
  struct Follower {
    const BinnedMatrix* bins = nullptr;
    Buffer<float> margins;
    LeafNumbers leaves;
  };
  /// A finished tree that the margins do not hold yet.
  struct LateTree {
    RouteTree route;
    std::vector<float> leaf_weights;  ///< padded
  };

  // working_rows.cpp
  [[nodiscard]] detail::WorkingRows gather_rows(const Draw& draw, std::size_t n) const;

  // sweeps.cpp
  void catch_up();
  void find_threshold();
  void prepare_draw();
  [[nodiscard]] SweepTotals sweep(const Draw& draw, bool draws, const detail::SweepExponents& exponents);
  [[nodiscard]] Word quantise(const Quantisation& how);
  void copy_records(std::size_t tile);
  void route(const RouteTree& tree, const BinnedMatrix& bins, LeafNumbers& leaves,
             std::vector<std::vector<LeafSum>>* sums);
  void add_weights(const BinnedMatrix& bins, LeafNumbers& leaves, float* margins) const;
  /// What later rounds need of a finished tree: its leaf weights, its bound of the residuals, its gains.
  void remember_tree(const RouteTree& route_tree, const Tree& tree);

  // growth.cpp
  void plan_blocks(std::size_t n_pairs);
  void begin_growth(int round);
  void forget_node(int node);
  void mark_features(int node);
  void search_block(const NodePair& pair, std::size_t pair_index, const FeatureBlock& block,
                    std::size_t block_index, int thread);
  void add_node_rows(int node, const FeatureBlock& block, Word* histogram) const;
  void find_in_block(int node, const FeatureBlock& block, const Word* histogram, BlockSplit& best) const;
  void partition(const std::vector<int>& split_nodes);
  [[nodiscard]] BinSource bin_source(std::uint32_t feature) const;
  void push_pair(int parent);
  [[nodiscard]] bool keeps_histogram(int node) const;

  const BinnedMatrix& bins_;
  const Parameters parameters_;
  const Kernels& kernels_;
  const std::shared_ptr<ThreadTeam> team_;
  detail::RowBounds bounds_;
  int gradient_exponent_ = 0;  ///< of the 64-bit leaf sums
  int hessian_exponent_ = 0;
  double residual_bound_ = 0;  ///< reg:squarederror: bound of |margin - label|

  // Rows.
  std::span<const float> weights_;
  Buffer<std::uint16_t> label_bits_;  ///< binary:logistic
  Buffer<float> labels_;              ///< reg:squarederror, padded
  Buffer<float> margins_;
  Buffer<float> gradients_;
  Buffer<float> largest_gradient_, largest_hessian_;  ///< by block
  LeafNumbers leaves_;
  std::vector<float> leaf_weights_;  ///< of the last tree, padded
  int n_leaves_ = 0;
  bool margins_lag_ = false;  ///< margins do not hold the last tree yet: the next sweep adds it
  std::vector<LateTree> late_trees_;
  std::vector<Follower> followers_;

  // Kept rows.
  float threshold_ = 0;
  float drawn_threshold_ = 0;
  Buffer<std::uint32_t> kept_rows_;
  Buffer<float> kept_gradients_, kept_hessians_;
  Tiles tiles_;
  std::vector<std::size_t> tile_kept_;  ///< kept rows of each tile, in the tile's stretch of the arrays above
  std::vector<std::size_t> tile_offset_;  ///< where they go in the packed arrays
  std::size_t n_kept_ = 0;
  bool is_copied_ = false;
  Buffer<Word> words_;  ///< by slot
  Buffer<std::uint8_t> kept_records_;
  Buffer<std::uint32_t> slots_[2];

  // The growing tree.
  std::optional<detail::GrownTree> tree_;
  detail::GainHistory gain_history_;
  std::optional<detail::FeatureSampler> features_;
  std::vector<std::vector<std::uint8_t>> in_node_;  ///< by node and feature, when nodes differ
  std::vector<NodeRows> node_rows_;
  std::vector<int> node_histogram_;  ///< in the pool, or -1
  std::vector<NodePair> frontier_;
  std::vector<FeatureBlock> blocks_;
  std::vector<BlockSplit> block_splits_;           ///< [pair][2][block]
  HistogramPool pool_;                             ///< histograms of the tree's features, in their order
  std::vector<Buffer<Word>> scratch_;              ///< by thread: two blocks of histograms
  std::vector<PerThread<double>> search_seconds_;  ///< by thread: seconds of split search in build_histograms
  PhaseSeconds seconds_;
};

/// A session on working rows, which it owns.
class WorkingSession final : detail::WorkingRows, public Session {
 public:
  WorkingSession(detail::WorkingRows rows, const Parameters& parameters, std::shared_ptr<ThreadTeam> team,
                 const Kernels& kernels)
      : detail::WorkingRows(std::move(rows)),
        Session({&bins, labels, weights, {}}, parameters, std::move(team), kernels) {
    start(margins);
  }
};

/// Preorder form of a grown tree, and of a finished one whose thresholds are cuts.
[[nodiscard]] RouteTree make_route_tree(std::span<const detail::GrownNode> nodes);
[[nodiscard]] RouteTree make_route_tree(const Tree& tree, const Cuts& cuts);

/// Adds the seconds between its making and its end to a counter.
class PhaseTimer {
 public:
  explicit PhaseTimer(double& seconds) : seconds_(seconds) {}
  ~PhaseTimer();
  PhaseTimer(const PhaseTimer&) = delete;
  PhaseTimer& operator=(const PhaseTimer&) = delete;

 private:
  using Clock = std::chrono::steady_clock;
  double& seconds_;
  Clock::time_point start_ = Clock::now();
};

}  // namespace coppice::kernels::cpu
