// What a scorer is made of: values become byte codes, trees become byte compares.
//
// Coding. The distinct thresholds that the whole model has for a feature are sorted; the code of a value is
// the number of thresholds <= value, so `value < threshold[k]` is `code <= k`. A missing value is code 0 in
// the columns of nodes that send it left and 255 in the columns of nodes that send it right: no node has to
// ask for it. A feature with more than 255 thresholds gets a column for each stretch of 255; its nodes look
// at the column that holds their threshold. The codes of a categorical feature number the categories that the
// model names (0 missing, 1 not named, 2 .. 255 named), and a node holds a set of codes; where 254 do not
// suffice, the feature gets further columns. So bytes serve any thresholds and any depth.
//
// Trees. All stand as flat nodes that a row walks down, eight trees or rows at a time without branches.
// *Small* trees (depth <= 6) also stand as 64 slots: a vector unit makes all comparisons of a tree at once
// and then picks the leaf from the outcomes.
//
// Fallback. Three kinds of models are walked on their floats, as predict_margin does it: those that need more
// than kMaxColumns columns, that name a category code >= kMaxCategoryCode, or that name more than 254
// categories at one node.
#pragma once

#include <coppice/buffer.h>
#include <coppice/model.h>
#include <coppice/scorer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace coppice::scoring {

inline constexpr std::size_t kTileRows = 64;         ///< rows that are coded together, one vector of codes
inline constexpr std::size_t kBlockRows = 512;       ///< most rows that go through the trees together
inline constexpr std::size_t kScratchBytes = 32768;  ///< codes of a block: they stay in the first-level cache
inline constexpr std::size_t kMaxColumns = kScratchBytes;  ///< then a block is one row
inline constexpr std::int32_t kMaxCategoryCode = 65536;
inline constexpr int kSmallDepth = 6;
inline constexpr std::size_t kSlots = 64;            ///< of a small tree, slot 0 unused
inline constexpr std::size_t kMaxSlotColumns = 256;  ///< columns that a slot can name
inline constexpr std::size_t kPivots = 16;

/// How the values of a feature, or of one stretch of its thresholds or categories, become codes.
struct Coding {
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  std::uint32_t feature = 0;
  std::uint32_t low_column = kNone;   ///< column in which a missing value is code 0
  std::uint32_t high_column = kNone;  ///< numeric: column in which a missing value is code 255
  bool is_categorical = false;
  int levels = 0;             ///< numeric: of the search tree, 4 .. 8
  std::uint32_t table = 0;    ///< first of this coding in Engine::thresholds or Engine::category_codes
  std::uint32_t heap = 0;     ///< numeric: the search tree, in Engine::thresholds
  std::uint32_t n_codes = 0;  ///< categorical: entries of the table
};

/// A set of category codes, one bit each.
struct CategorySet {
  alignas(32) std::array<std::uint8_t, 32> bits{};

  void insert(std::uint8_t code) noexcept {
    bits[code / 8] = static_cast<std::uint8_t>(bits[code / 8] | 1U << code % 8);
  }
  [[nodiscard]] bool contains(std::uint8_t code) const noexcept {
    return (bits[code / 8] >> code % 8 & 1) != 0;
  }
};

/// A row goes to `left + (code > threshold)`, or to `left + set.contains(code)`. A leaf leads to itself: its
/// threshold is 255.
struct FlatNode {
  std::uint32_t left = 0;
  std::uint16_t column = 0;
  std::uint8_t threshold = 255;
  bool is_set = false;
};

/// An inner node of a small tree. The node that the decisions b0, b1, .. (1 is right) lead to is at slot
/// 2^level + b0 + 2 b1 + 4 b2 ..; the leaves are numbered the same way, without the 2^level.
struct SlotTest {
  std::uint16_t column = 0;
  std::uint8_t threshold = 0;
  std::uint8_t slot = 0;
};
struct SlotSetTest {
  std::uint32_t set = 0;  ///< in Engine::sets
  std::uint16_t column = 0;
  std::uint8_t slot = 0;
};

/// A row goes through small trees in groups: the number of small trees of a run is padded to whole groups
/// with trees that add -0, which changes no sum.
inline constexpr std::size_t kTreeGroup = 8;
constexpr std::size_t padded_to_group(std::size_t n_trees) noexcept {
  return (n_trees + kTreeGroup - 1) / kTreeGroup * kTreeGroup;
}

/// The lane of a slot in Engine::slots: one less in the upper three levels, whose outcomes then are the bits
/// 0 to 6 of byte 0. What is below their end p are the bits p of the bytes 1 to 7, in the same order.
constexpr int slot_lane(int slot) noexcept { return slot < 8 ? slot - 1 : slot; }

/// A small tree in parts of three levels: part 0 is the upper one, 1 + p the one below its end p.
inline constexpr std::size_t kSlotParts = 9;
constexpr std::size_t slot_part(std::size_t slot) noexcept { return slot < 8 ? 0 : 1 + slot % 8; }
/// The place of a slot in its part, from 0: level by level, as slots are numbered.
constexpr std::size_t slot_place(std::size_t slot) noexcept { return (slot < 8 ? slot : slot / 8) - 1; }

/// Ends of a small tree's tests in Engine::slot_tests and slot_set_tests; they begin where the last tree's
/// end.
struct SmallTree {
  std::uint32_t tests_end = 0;
  std::uint32_t set_tests_end = 0;
  int depth = 0;
};

/// Consecutive trees [first, last) that are all small, numbered from first_small, or all not.
struct TreeRun {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
  std::uint32_t first_small = 0;
  bool is_small = false;
};

/// Values of some codings' features in the rows of a tile.
struct TileValues {
  static constexpr std::size_t kCodings = 16;
  alignas(64) std::array<std::array<float, kTileRows>, kCodings> of;
};

struct Kernels;

/// A model made ready for scoring. Immutable once built.
struct Engine {
  std::size_t n_features = 0;
  std::size_t n_trees = 0;
  float base_margin = 0;
  Objective objective = Objective::kSquaredError;
  const Kernels* kernels = nullptr;

  std::vector<Coding> codings;
  std::size_t n_columns = 0;
  std::size_t block_rows = 1;  ///< 64, 128, 256 or 512; 1 when the codes of 64 rows are too many
  /// Per numeric coding: 16 pivots (the last threshold of each group of 16), the thresholds ascending, and
  /// the same as a binary search tree (root at 1, children of i at 2i and 2i + 1). Padded with NaN, which no
  /// value reaches.
  Buffer<float> thresholds;
  std::vector<std::uint8_t> category_codes;

  std::vector<FlatNode> nodes;  ///< of all trees, in the order of Tree::nodes
  std::vector<float> weights;   ///< [nodes]
  std::vector<std::uint32_t> roots;
  std::vector<CategorySet> sets;
  std::vector<std::uint32_t> set_of_node;  ///< [nodes]; empty for a model without categorical nodes

  std::vector<TreeRun> runs;
  std::vector<SmallTree> small_trees;
  std::vector<SlotTest> slot_tests;         ///< tree by tree, those of a tree part by part (slot_part)
  std::vector<SlotSetTest> slot_set_tests;  ///< the same
  /// [small trees, 2, 64], by slot_lane: columns, thresholds; empty above kMaxSlotColumns.
  Buffer<std::uint8_t> slots;
  Buffer<float> leaves;  ///< [small trees, 64]: a leaf above level 6 stands at all numbers that reach it

  std::vector<Tree> float_trees;  ///< of a model that is walked on floats; then all of the above is empty
};

/// Rows [0, n_rows) as codes: code of (row, column) at `codes[column * stride + row]`. `margins` has room for
/// whole tiles; the codes of rows that pad the last one are any bytes.
struct Block {
  const std::uint8_t* codes = nullptr;
  std::size_t stride = 0;
  std::size_t n_rows = 0;
  float* margins = nullptr;
};

enum class Isa : std::uint8_t { kScalar, kAvx2, kAvx512 };

/// The kernels of one instruction set. All give the same bits.
struct Kernels {
  Isa isa;
  /// Puts n_rows <= kTileRows rows [n_rows, n_features] into columns, for at most TileValues::kCodings
  /// codings. Values of rows from n_rows on become any numbers.
  void (*gather_tile)(const float* rows, std::size_t n_features, std::size_t n_rows,
                      std::span<const Coding> codings, TileValues& values) noexcept;
  /// Codes of 64 values of a numeric coding, missing values as 0. Result: a bit for each missing value.
  std::uint64_t (*code_tile)(const Engine&, const Coding&, const float* values, std::uint8_t* codes) noexcept;
  /// Codes of one row, [n_columns]; room for kScratchBytes.
  void (*code_row)(const Engine&, const float* row, std::uint8_t* codes) noexcept;
  /// Margin of one row.
  float (*sum_row)(const Engine&, const std::uint8_t* codes) noexcept;
  /// Adds the leaf weights to the margins of a block, in tree order.
  void (*sum_block)(const Engine&, const Block&) noexcept;
};

/// Checks a model against its schema and flattens it. Errors: core.scorer.model.
[[nodiscard]] Engine build_engine(const Model& model);

/// Does this build, on this machine, have the instruction set?
[[nodiscard]] bool is_supported(Isa isa) noexcept;
/// The kernels that scorers made from now on use: of the best instruction set, or of the forced one.
[[nodiscard]] const Kernels& chosen_kernels() noexcept;
/// For tests: scorers made from now on use this instruction set; nothing means the best one.
/// Needs: is_supported(*isa).
void force_isa(std::optional<Isa> isa) noexcept;

[[nodiscard]] const Kernels& scalar_kernels() noexcept;
[[nodiscard]] const Kernels* avx2_kernels() noexcept;    ///< null where the build has none
[[nodiscard]] const Kernels* avx512_kernels() noexcept;  ///< null where the build has none

// Portable pieces that every instruction set uses.

/// Kernels::gather_tile, value by value.
void gather_values(const float* rows, std::size_t n_features, std::size_t n_rows,
                   std::span<const Coding> codings, TileValues& values) noexcept;

/// Code of a category code. NaN is missing; fractions are cut off.
[[nodiscard]] inline std::uint8_t category_code(const Engine& engine, const Coding& coding,
                                                float value) noexcept {
  if (value != value) return 0;
  if (!(value >= 0 && value < static_cast<float>(coding.n_codes))) return 1;
  return engine.category_codes[coding.table + static_cast<std::uint32_t>(value)];
}

/// Sets a row's codes of one coding: `code` is that of the value, 0 when it is missing.
inline void set_codes(const Coding& coding, std::uint8_t code, bool is_missing,
                      std::uint8_t* codes) noexcept {
  if (coding.low_column != Coding::kNone) codes[coding.low_column] = code;
  if (coding.high_column != Coding::kNone) codes[coding.high_column] = is_missing ? 255 : code;
}

inline constexpr std::size_t kLanes = 8;  ///< trees, or rows, that walk together

/// The leaves, as indices of Engine::nodes, that a row reaches in `n_trees` <= kLanes trees from
/// `first_tree`.
void leaves_of_row(const Engine& engine, std::uint32_t first_tree, std::uint32_t n_trees,
                   const std::uint8_t* codes, std::array<std::uint32_t, kLanes>& leaves) noexcept;
/// margin plus the leaf weights of trees [first, last), by walking.
[[nodiscard]] float walk_trees(const Engine& engine, std::uint32_t first, std::uint32_t last,
                               const std::uint8_t* codes, float margin) noexcept;
/// Adds one tree's leaf weights to the margins of a block, by walking.
void walk_rows(const Engine& engine, std::uint32_t tree, const Block& block) noexcept;

}  // namespace coppice::scoring
