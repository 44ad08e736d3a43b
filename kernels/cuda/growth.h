// The growth of one tree: one cooperative launch from the kept rows to the last split.
//
// Nothing is decided on the host. All blocks go through the phases of a step together, with a barrier for the
// whole grid between them: histograms of the smaller child of each pair, siblings by subtraction with the
// split search, the moving of kept rows. What is to be done stands in work lists, which the last block to
// finish a phase makes for the next one.
#pragma once

#include "cuda/gradients.h"
#include "cuda/rows.h"

namespace coppice::kernels::cuda {

using engine::GrownNode;
using engine::LeafSum;
using engine::Word;

/// A node's kept rows: [begin, begin + size) of one of the two row buffers.
struct NodeRows {
  std::uint32_t begin = 0;
  std::uint32_t size = 0;
  int buffer = 0;
};

/// The children of a split on their way to a search (or the root, alone). `built` is the one whose histograms
/// are summed from rows, its sibling's are the parent's less those.
struct Pair {
  int parent = -1;                   ///< -1: the root
  int left = -1;                     ///< the right child is left + 1
  std::uint32_t first_part = 0;      ///< of the pair's tiles of rows to move, among those of all pairs
  unsigned n_left = 0, n_right = 0;  ///< rows moved so far
  int built = 0;
  int sibling = -1;                      ///< -1: it cannot split, so it needs no histograms
  bool searches_built = true;            ///< false: it is only built to be subtracted
  int built_slot = 0, parent_slot = -1;  ///< histograms; the sibling's replace the parent's
  std::uint32_t first_tile = 0;          ///< of the pair's tiles of rows to add, among those of all pairs
};

/// The best split of a node within some features.
struct BlockSplit {
  engine::Split split;
  Word missing = 0;  ///< the node's sum of bin 0 of the split's feature
};

/// The tree on the device. All zero before its sweep.
struct TreeState {
  SweepTotals totals;
  Word root = 0;
  int gradient_bits = 0, hessian_bits = 0;  ///< exponents of the words
  engine::SplitRule rule;
  int n_nodes = 0;
  int first_new = 0;  ///< the nodes that the last step made are [first_new, n_nodes)
  int n_pairs = 0;
  std::uint32_t n_parts = 0, n_tiles = 0;
  int n_slots = 0;
  int first_new_slot = 0;  ///< the pairs' built slots are [first_new_slot, first_new_slot + n_pairs)
  std::uint32_t n_level_features = 0;
  unsigned arrived = 0;  ///< blocks at the end of a phase
};

/// Features of a tree, ascending.
struct FeatureList {
  const std::uint32_t* features = nullptr;
  std::uint32_t size = 0;
};

/// Bins of a feature, bin 0 included.
struct FeatureBins {
  std::uint16_t n_bins = 2;
  bool is_categorical = false;
};

/// Column sampling within the tree.
struct NodeSampling {
  double by_level = 1, by_node = 1;
  std::uint64_t seed = 0;
  std::uint32_t round = 0;
};

/// Everything that grow_tree reads and writes. Arrays are on the device.
struct Growth {
  BinsView bins;
  RowsView rows;
  engine::Draw draw;
  engine::SweepExponents exponents;
  double subsample = 1;
  engine::SplitRule rule;  ///< make_split_rule(parameters)
  engine::GrowthLimits limits;
  engine::CategoricalRule categorical;
  NodeSampling sampling;
  /// The tree's features when fewer rows are kept than screening_rows, and otherwise.
  FeatureList all_features, screened_features;
  std::uint32_t screening_rows = 0;
  const FeatureBins* feature_bins = nullptr;  ///< [n_features]
  std::uint32_t max_bins = 0;                 ///< of any feature
  bool has_categorical = false;

  std::uint32_t* kept[2] = {};  ///< [n_rows]: row numbers, in the order of nodes; the first from the sweep
  Word* words[2] = {};          ///< [n_rows]: their words
  Word* histograms = nullptr;   ///< [slot][group of 32 features][bin][feature]
  std::size_t slot_words = 0;
  GrownNode* nodes = nullptr;  ///< [max_nodes], as the next four
  RouteNode* route = nullptr;
  LeafSum* leaf_sums = nullptr;  ///< zeros, for sweep B
  NodeRows* node_rows = nullptr;
  int* slots = nullptr;
  Pair* pairs = nullptr;             ///< [max_pairs]
  BlockSplit* candidates = nullptr;  ///< [max_pairs][2][octets of features]
  std::uint8_t* in_level = nullptr;  ///< [n_features], by place in the tree's list
  TreeState* state = nullptr;
};

/// Features that share a histogram in shared memory, one to a lane.
inline constexpr std::uint32_t kGroup = 32;
/// Features that a block searches at a time, one to a warp.
inline constexpr std::uint32_t kOctet = 8;

/// Shared memory of a block.
[[nodiscard]] std::size_t growth_shared_bytes(std::uint32_t max_bins, bool has_categorical) noexcept;

/// Blocks of the launch that the current device takes.
[[nodiscard]] unsigned most_growth_blocks(std::uint32_t max_bins, bool has_categorical);

/// Enqueues the growth.
void grow_tree(const Stream& stream, const Growth& growth, unsigned n_blocks);

}  // namespace coppice::kernels::cuda
