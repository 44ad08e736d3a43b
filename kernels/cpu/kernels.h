// The inner loops of the CPU backend: one table of functions for each instruction set, all with equal bits.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/detail/grown_tree.h>
#include <coppice/detail/numerics.h>
#include <coppice/detail/split.h>
#include <coppice/kernels/backends.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace coppice::kernels::cpu {

using detail::Draw;
using detail::LeafSum;
using detail::Split;
using detail::SplitRule;
using detail::Word;

/// Words from one feature's histogram to the next: 256 bins and a cache line, so that equal bins of
/// neighbouring features do not fall into the same set of the first-level cache.
inline constexpr std::size_t kHistogramStride = 264;

/// Most leaves of a tree whose leaf numbers are stored as bytes.
inline constexpr int kNarrowLeaves = 256;

// ---------------------------------------------------------------------------------------------------------
/// Cuts of one numeric feature, laid out for search: a tree of cuts, level by level; level k begins at 2^k.
/// Unused nodes are NaN, so that nothing goes right there.
struct CutTable {
  int n_levels;  ///< comparisons of a search: bit width of the number of cuts
  /// From left to right: below node i are 2 i and 2 i + 1.
  std::array<float, 256> tree;
  /// The same for lookups in registers: the place of a node in its level has the comparisons that lead to it
  /// as bits, the first in the lowest. Each comparison adds one bit, and lookups of a level need no more than
  /// the bits so far.
  std::array<float, 256> tree_by_bits;
};

/// A byte with its bits in the opposite order: comparisons, the first in the highest bit.
constexpr unsigned reversed_bits(unsigned byte) noexcept {
  byte = (byte & 0x0fU) << 4 | byte >> 4;
  byte = (byte & 0x33U) << 2 | (byte >> 2 & 0x33U);
  return (byte & 0x55U) << 1 | (byte >> 1 & 0x55U);
}

/// At most 254 cuts, ascending.
[[nodiscard]] CutTable make_cut_table(std::span<const float> cuts);

/// Bins of up to 512 values by one feature's cuts. Writes 512 bytes; the rest is bin 0.
using BinColumn = void (*)(const CutTable& cuts, const float* values, std::size_t n, std::uint8_t* bins);

// ---------------------------------------------------------------------------------------------------------
/// Sums of one block in sweep A, float32 sums of fixed shape.
struct SweepSums {
  float squares = 0;        ///< of importances
  float below = 0;          ///< of importances below the threshold
  float squares_below = 0;  ///< of their squares
  float kept_gradient = 0;  ///< |gradient| * repeat of kept rows
  float kept_hessian = 0;   ///< hessian * repeat of kept rows
};

/// Kept rows, structure of arrays.
struct KeptRows {
  std::uint32_t* rows = nullptr;
  float* gradients = nullptr;  ///< weighted and repeated
  float* hessians = nullptr;
};

/// What sweep A reads and writes. All row arrays are padded to whole blocks.
struct Sweep {
  Draw draw;
  bool draws = true;  ///< false: only sums, nothing is kept and nothing but margins and gradients is written
  std::size_t n_rows = 0;
  float* margins = nullptr;
  /// Leaves of the last tree, whose weights the margins take: narrow or wide leaf numbers; both null: no
  /// tree.
  const std::uint8_t* narrow_leaves = nullptr;
  const std::uint16_t* wide_leaves = nullptr;
  const float* leaf_weights = nullptr;  ///< padded to a multiple of 64
  int n_leaves = 0;
  const std::uint16_t* label_bits = nullptr;  ///< binary:logistic: bit i of word r / 16 is row r
  const float* labels = nullptr;              ///< reg:squarederror
  const float* weights = nullptr;             ///< or null: all 1
  float* gradients = nullptr;                 ///< unit gradients
  float* largest_gradient = nullptr;          ///< [n_blocks] of |weighted gradient|
  float* largest_hessian = nullptr;           ///< [n_blocks] bound of the weighted hessian
};

/// Sweep A over one block: margins, gradients, draw. Returns the number of kept rows, appended to `kept`.
using SweepBlock = std::size_t (*)(const Sweep& sweep, std::size_t block, KeptRows kept, SweepSums& sums);

/// Words of kept rows (docs/determinism.md, quantise). words[i] or, with `scatter`, words[rows[i]]. Returns
/// their sum.
struct Quantisation {
  float gradient_scale = 1;
  float hessian_scale = 1;
  std::uint32_t rounding_key = 0;
  bool scatter = false;
};
using QuantiseRows = Word (*)(const Quantisation& how, const KeptRows& kept, std::size_t n, Word* words);

// ---------------------------------------------------------------------------------------------------------
/// Adds rows to the histograms of n_features features of one record group.
/// Shapes: records: bin of the i-th feature of a slot at records[slot * stride + offsets[i]]; words [slots];
///         histogram [n_features, kHistogramStride].
/// Slots : slots[0 .. n), or first_slot + i when `slots` is null.
/// Cost  : n * n_features adds.
struct HistogramRows {
  const std::uint8_t* records = nullptr;
  const std::uint8_t* offsets = nullptr;  ///< [n_features]
  std::size_t stride = 32;
  const Word* words = nullptr;
  const std::uint32_t* slots = nullptr;
  std::uint32_t first_slot = 0;
  std::size_t n = 0;
};
using AddRows = void (*)(const HistogramRows& rows, Word* histogram);

/// parent[i] -= child[i], i < n; n is a multiple of 8.
using Subtract = void (*)(Word* parent, const Word* child, std::size_t n);

/// Best split of one numeric feature: bins [n_bins], `best` is improved by detail::is_better.
using FindNumeric = void (*)(std::uint32_t feature, const Word* bins, int n_bins, Word total,
                             const SplitRule& rule, Split& best);

// ---------------------------------------------------------------------------------------------------------
/// Where the bins of a feature are read when rows are moved: value of slot s at
/// base[(s / 512) * block_stride + (s % 512) * row_stride].
struct BinSource {
  const std::uint8_t* base = nullptr;
  std::size_t block_stride = 0;
  std::size_t row_stride = 1;
  bool is_small = true;  ///< all offsets fit 31 bits; four bytes may be read at any of them
};
/// Parts n slots (or first_slot + i when `slots` is null) by a split; returns how many went left.
/// left and right have room for n + 16 slots.
using PartSlots = std::size_t (*)(const BinSource& source, const Split& split, const std::uint32_t* slots,
                                  std::uint32_t first_slot, std::size_t n, std::uint32_t* left,
                                  std::uint32_t* right);

// ---------------------------------------------------------------------------------------------------------
/// A grown tree for routing, in two forms: nodes in preorder for a walk from the root, and, when there are at
/// most 256 leaves, steps from the leaves up for all rows at once.
struct RouteNode {
  std::uint32_t feature = 0;
  std::uint8_t shift = 0;          ///< 1 when missing goes right: bin - 1 wraps missing to 255
  std::uint8_t bin = 0;            ///< right: (uint8)(bin - shift) > (uint8)(split bin - shift)
  std::int16_t category_set = -1;  ///< >= 0: categorical, index in `sets`
  std::int32_t leaf = -1;          ///< >= 0: a leaf, its number
  std::int32_t right = -1;         ///< preorder index of the right child; the left one follows its parent
};
/// Leaf numbers of a node's subtree from those of its children.
struct RouteStep {
  std::uint32_t feature = 0;  ///< with shift, bin and category_set of the node
  std::uint8_t shift = 0;
  std::uint8_t bin = 0;
  std::int16_t category_set = -1;
  std::int16_t left = 0;   ///< a leaf's number, or ~slot of the subtree's leaf numbers
  std::int16_t right = 0;  ///< the same
  std::int16_t out = 0;    ///< slot of the result; 0 of the last step
};
/// Slots that steps need: of two subtrees the one that needs more comes first, so each doubling of the leaves
/// needs one more (Sethi and Ullman 1970); 256 leaves need 8.
inline constexpr int kRouteSlots = 8;
struct RouteTree {
  std::vector<RouteNode> nodes;
  std::vector<RouteStep> steps;
  std::vector<std::array<std::uint8_t, 256>> sets;  ///< 1: the bin goes right
  std::vector<std::int32_t> node_of_leaf;           ///< number in the grown tree
  int n_leaves = 0;
};

/// Leaf numbers of the 512 rows of a block. columns: the block's bins, [n_features][512]. One of narrow (up
/// to 256 leaves) and wide is set. The columns that are read are prefetched `ahead` bytes further on: routing
/// waits for memory more than it computes.
using RouteBlock = void (*)(const RouteTree& tree, const std::uint8_t* columns, std::size_t ahead,
                            std::uint8_t* narrow, std::uint16_t* wide);

/// What leaf sums read, for a block.
struct LeafSums {
  Objective objective = Objective::kBinaryLogistic;
  const float* gradients = nullptr;  ///< unit gradients, all rows
  const float* weights = nullptr;    ///< or null
  const float* largest_gradient = nullptr;
  const float* largest_hessian = nullptr;
  int gradient_exponent = 0;  ///< of the 64-bit sums
  int hessian_exponent = 0;
  int n_leaves = 0;
};
/// Adds a block's gradients to leaf sums [n_leaves]. Padding rows have gradient 0 and weight 0 or are past
/// n_rows.
using AddLeafSums = void (*)(const LeafSums& sums, std::size_t block, std::size_t n_rows,
                             const std::uint8_t* narrow, const std::uint16_t* wide, LeafSum* leaves);

/// margins[i] += weight of the leaf of row i, for the 512 rows of a block.
using AddLeafWeights = void (*)(const float* leaf_weights, int n_leaves, const std::uint8_t* narrow,
                                const std::uint16_t* wide, float* margins);

// ---------------------------------------------------------------------------------------------------------
/// One instruction set's kernels.
struct Kernels {
  BinColumn bin_column;
  SweepBlock sweep[2][2];  ///< [objective][has weights]
  QuantiseRows quantise;
  /// By number of features; [0] is for neighbouring features: offsets rise by 1.
  std::array<AddRows, kGroupFeatures + 1> add_rows[2];
  Subtract subtract;
  FindNumeric find_numeric;
  PartSlots part_slots;
  RouteBlock route_block;
  AddLeafSums add_leaf_sums;
  AddLeafWeights add_leaf_weights;
};

[[nodiscard]] const Kernels& scalar_kernels() noexcept;
[[nodiscard]] const Kernels& avx2_kernels() noexcept;
[[nodiscard]] const Kernels& avx512_kernels() noexcept;
[[nodiscard]] const Kernels& kernels_of(InstructionSet set) noexcept;

}  // namespace coppice::kernels::cpu
