// AVX-512 (with VBMI): a small tree's 63 comparisons of one row are one instruction, and so is one comparison
// of 64 rows.
//
// The idea of trees as byte compares and bit logic has its roots in QuickScorer (Lucchese et al. 2015) and
// RapidScorer (Ye et al. 2018); here features are bytes and a tree fits a register, so neither sorted
// thresholds nor false-node masks are needed.
#include "scoring/engine.h"
#include "transpose.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <immintrin.h>

// GCC 12 sees uninitialised values in its own intrinsics (GCC bug 105593).
#if !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

// Only the kernels between push and pop are compiled for AVX-512: no inline function of a header is.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vl,avx512vbmi,popcnt"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512vbmi,popcnt")
#endif

namespace coppice::scoring {
namespace {

constexpr std::size_t kWords = kBlockRows / 64;  // 64 rows of a block are one word of outcomes

// Thresholds <= value: 16 pivots tell the group, 16 compares the place in it.
std::uint8_t code_of(const float* table, float value) noexcept {
  const __m512 x = _mm512_set1_ps(value);
  const auto group =
      static_cast<unsigned>(_mm_popcnt_u32(_mm512_cmp_ps_mask(x, _mm512_load_ps(table), _CMP_GE_OQ)));
  const float* sorted = table + kPivots + group * kPivots;
  const auto place =
      static_cast<unsigned>(_mm_popcnt_u32(_mm512_cmp_ps_mask(x, _mm512_load_ps(sorted), _CMP_GE_OQ)));
  return static_cast<std::uint8_t>(group * kPivots + place);
}

void code_row(const Engine& engine, const float* row, std::uint8_t* codes) noexcept {
  for (const Coding& coding : engine.codings) {
    const float value = row[coding.feature];
    const std::uint8_t code = coding.is_categorical ? category_code(engine, coding, value)
                                                    : code_of(engine.thresholds.data() + coding.table, value);
    set_codes(coding, code, value != value, codes);
  }
}

// The bits of the first n of sixteen values.
__mmask16 first_bits(std::size_t n) noexcept {
  return static_cast<__mmask16>((std::uint32_t{1} << std::min<std::size_t>(n, 16)) - 1);
}

void gather_tile(const float* rows, std::size_t n_features, std::size_t n_rows,
                 std::span<const Coding> codings, TileValues& values) noexcept {
  constexpr std::size_t kReach = 32;  // features that two registers hold
  std::uint32_t begin = codings.front().feature, end = begin + 1;
  for (const Coding& coding : codings) {
    begin = std::min(begin, coding.feature);
    end = std::max(end, coding.feature + 1);
  }
  const std::size_t n_reached = end - begin;
  if (n_reached > kReach) return gather_values(rows, n_features, n_rows, codings, values);
  alignas(64) std::array<std::uint32_t, 16> places{};
  for (std::size_t c = 0; c < codings.size(); ++c) places[c] = codings[c].feature - begin;
  const __m512i index = _mm512_load_si512(places.data());
  const __mmask16 low = first_bits(n_reached), high = first_bits(std::max<std::size_t>(n_reached, 16) - 16);
  for (std::size_t first = 0; first < n_rows; first += 16) {
    __m512 square[16];
    for (std::size_t i = 0; i < 16; ++i) {
      const float* row = rows + std::min(first + i, n_rows - 1) * n_features + begin;
      square[i] = _mm512_permutex2var_ps(_mm512_maskz_loadu_ps(low, row), index,
                                         _mm512_maskz_loadu_ps(high, row + 16));
    }
    kernels::transpose_square(square);
    for (std::size_t c = 0; c < codings.size(); ++c) _mm512_store_ps(&values.of[c][first], square[c]);
  }
}

// table[index], 16 lanes; only the low bits of an index count. kSize: 16, 32, 64 or 128.
template <int kSize>
__m512 lookup(const float* table, __m512i index) noexcept {
  if constexpr (kSize == 16) {
    return _mm512_permutexvar_ps(index, _mm512_load_ps(table));
  } else if constexpr (kSize == 32) {
    return _mm512_permutex2var_ps(_mm512_load_ps(table), index, _mm512_load_ps(table + 16));
  } else {
    constexpr int kHalf = kSize / 2;
    return _mm512_mask_blend_ps(_mm512_test_epi32_mask(index, _mm512_set1_epi32(kHalf)),
                                lookup<kHalf>(table, index), lookup<kHalf>(table + kHalf, index));
  }
}

// 64 values on their way down the search tree.
struct Search {
  __m512 values[4];
  __m512i at[4];
};

// The steps from level kLevel down. The four searches go level by level: none waits for another, and all look
// into the same registers.
template <int kLevel, int kLevels>
void descend(const float* heap, Search& search) noexcept {
  if constexpr (kLevel < kLevels) {
    constexpr int kFirst = kLevel < 4 ? 0 : 1 << kLevel;  // one table holds the levels 0 to 3
    constexpr int kSize = kLevel < 4 ? 16 : 1 << kLevel;
    for (int i = 0; i < 4; ++i) {
      const __m512 threshold = lookup<kSize>(heap + kFirst, search.at[i]);
      const __mmask16 goes_right = _mm512_cmp_ps_mask(search.values[i], threshold, _CMP_GE_OQ);
      const __m512i left = _mm512_add_epi32(search.at[i], search.at[i]);
      search.at[i] = _mm512_mask_add_epi32(left, goes_right, left, _mm512_set1_epi32(1));
    }
    descend<kLevel + 1, kLevels>(heap, search);
  }
}

// The number of thresholds <= value is the node that the search ends at, less 2^kLevels. One 64-byte store:
// what reads the codes next reads them whole.
template <int kLevels>
void code_tile_by(const float* heap, const float* values, std::uint8_t* codes) noexcept {
  Search search;
  for (int i = 0; i < 4; ++i) {
    search.values[i] = _mm512_loadu_ps(values + 16 * i);
    search.at[i] = _mm512_set1_epi32(1);
  }
  descend<0, kLevels>(heap, search);
  __m128i parts[4];
  for (int i = 0; i < 4; ++i) {
    parts[i] = _mm512_cvtepi32_epi8(_mm512_xor_si512(search.at[i], _mm512_set1_epi32(1 << kLevels)));
  }
  const __m256i low = _mm256_set_m128i(parts[1], parts[0]);
  const __m256i high = _mm256_set_m128i(parts[3], parts[2]);
  _mm512_storeu_si512(codes, _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1));
}

std::uint64_t code_tile(const Engine& engine, const Coding& coding, const float* values,
                        std::uint8_t* codes) noexcept {
  const float* heap = engine.thresholds.data() + coding.heap;
  switch (coding.levels) {
    case 8:
      code_tile_by<8>(heap, values, codes);
      break;
    case 7:
      code_tile_by<7>(heap, values, codes);
      break;
    case 6:
      code_tile_by<6>(heap, values, codes);
      break;
    case 5:
      code_tile_by<5>(heap, values, codes);
      break;
    default:
      code_tile_by<4>(heap, values, codes);
  }
  std::uint64_t missing = 0;
  for (int i = 0; i < 4; ++i) {
    const __m512 x = _mm512_loadu_ps(values + 16 * i);
    missing |= std::uint64_t{_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q)} << 16 * i;
  }
  return missing;
}

// One row, small trees.

// The codes of a row in kRegisters registers: codes[index], 64 lanes.
template <int kRegisters>
struct RowCodes {
  __m512i codes[kRegisters];

  explicit RowCodes(const std::uint8_t* row) noexcept {
    for (int i = 0; i < kRegisters; ++i) codes[i] = _mm512_load_si512(row + 64 * i);
  }
  [[nodiscard]] __m512i at(__m512i index) const noexcept {
    if constexpr (kRegisters == 1) {
      return _mm512_permutexvar_epi8(index, codes[0]);
    } else if constexpr (kRegisters == 2) {
      return _mm512_permutex2var_epi8(codes[0], index, codes[1]);
    } else {
      return _mm512_mask_blend_epi8(_mm512_movepi8_mask(index),
                                    _mm512_permutex2var_epi8(codes[0], index, codes[1]),
                                    _mm512_permutex2var_epi8(codes[2], index, codes[3]));
    }
  }
};

// Where a tree of three levels leads: the outcome of its root is bit 0 of the index, those of level 1 are
// bits 1 and 2, those of level 2 bits 3 to 6; the leaf has the decision of level l as bit l.
constexpr std::array<std::uint8_t, 128> three_levels() noexcept {
  std::array<std::uint8_t, 128> leaf_of{};
  for (unsigned outcomes = 0; outcomes < 128; ++outcomes) {
    unsigned path = 0;
    for (unsigned level = 0; level < 3; ++level) {
      path |= (outcomes >> ((1U << level) - 1 + path) & 1U) << level;
    }
    leaf_of[outcomes] = static_cast<std::uint8_t>(path);
  }
  return leaf_of;
}

alignas(64) constexpr std::array<std::uint8_t, 128> kThreeLevels = three_levels();

// The leaves of eight trees, a byte each, from their outcomes: six levels are three, and three below each of
// their eight ends. Byte 0 of a tree's outcomes is the upper part; bit p of the bytes 1 to 7 is the part
// below its end p (slot_lane).
std::uint64_t pick_leaves(const std::uint64_t* outcomes) noexcept {
  const __m512i first = _mm512_load_si512(kThreeLevels.data());
  const __m512i second = _mm512_load_si512(kThreeLevels.data() + 64);
  const __m512i bits = _mm512_load_si512(outcomes);
  const __m512i ends = _mm512_maskz_permutex2var_epi8(0x0101010101010101, first, bits, second);
  const __m512i below = _mm512_srlv_epi64(bits, ends);
  const std::uint64_t lower = _mm512_test_epi8_mask(below, _mm512_set1_epi8(1)) >> 1;  // a byte for each tree
  const __m512i leaves = _mm512_permutex2var_epi8(
      first, _mm512_castsi128_si512(_mm_cvtsi64_si128(static_cast<long long>(lower))), second);
  const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_cvtepi64_epi8(ends)));
  const auto high = static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm512_castsi512_si128(leaves)));
  return low | high << 3;
}

using GroupOutcomes = std::array<std::uint64_t, kTreeGroup>;

// Outcomes of the numeric nodes of a group, at their lanes.
template <int kRegisters>
void compare_group(const std::uint8_t* slots, const RowCodes<kRegisters>& row,
                   GroupOutcomes& outcomes) noexcept {
  for (std::size_t i = 0; i < kTreeGroup; ++i) {
    const std::uint8_t* columns = slots + i * 2 * kSlots;
    const std::uint8_t* thresholds = columns + kSlots;
    outcomes[i] = _mm512_cmpgt_epu8_mask(row.at(_mm512_load_si512(columns)), _mm512_load_si512(thresholds));
  }
}

// Adds the outcomes of the categorical nodes of the group that begins with small tree `first`.
[[gnu::noinline]] void add_set_outcomes(const Engine& engine, std::size_t first, const std::uint8_t* codes,
                                        GroupOutcomes& outcomes) noexcept {
  std::size_t test = first == 0 ? 0 : engine.small_trees[first - 1].set_tests_end;
  for (std::size_t i = 0; i < kTreeGroup; ++i) {
    for (; test < engine.small_trees[first + i].set_tests_end; ++test) {
      const auto [set, column, slot] = engine.slot_set_tests[test];
      outcomes[i] |= std::uint64_t{engine.sets[set].contains(codes[column])} << slot_lane(slot);
    }
  }
}

float add_group(const float* leaves, const GroupOutcomes& outcomes, float margin) noexcept {
  std::uint64_t picked = pick_leaves(outcomes.data());
  for (std::size_t i = 0; i < kTreeGroup; ++i, picked >>= 8) margin += leaves[i * kSlots + (picked & 0xFF)];
  return margin;
}

// Leaf weights are added in tree order, so an addition waits for the one before it; comparisons wait for
// nothing. A group is compared kAhead groups before it is added, so that the additions hide the comparisons,
// and the outcomes have reached memory when they are read as one vector.
template <int kRegisters>
float sum_small_trees(const Engine& engine, std::size_t first, std::size_t n_trees, const std::uint8_t* codes,
                      float margin) noexcept {
  constexpr std::size_t kAhead = 4;
  const RowCodes<kRegisters> row(codes);
  const bool has_sets = !engine.sets.empty();
  const std::size_t n_groups = padded_to_group(n_trees) / kTreeGroup;
  const std::uint8_t* slots = engine.slots.data() + first * 2 * kSlots;
  const float* leaves = engine.leaves.data() + first * kSlots;
  alignas(64) std::array<GroupOutcomes, 2 * kAhead> outcomes;
  for (std::size_t group = 0; group < n_groups + kAhead; ++group) {
    if (group < n_groups) {
      GroupOutcomes& ahead = outcomes[group % outcomes.size()];
      compare_group(slots, row, ahead);
      slots += kTreeGroup * 2 * kSlots;
      if (has_sets) add_set_outcomes(engine, first + group * kTreeGroup, codes, ahead);
    }
    if (group < kAhead) continue;
    margin = add_group(leaves, outcomes[(group - kAhead) % outcomes.size()], margin);
    leaves += kTreeGroup * kSlots;
  }
  return margin;
}

float sum_row(const Engine& engine, const std::uint8_t* codes) noexcept {
  float margin = engine.base_margin;
  for (const TreeRun& run : engine.runs) {
    const std::size_t n_trees = run.last - run.first;
    if (!run.is_small || engine.n_columns > kMaxSlotColumns) {
      margin = walk_trees(engine, run.first, run.last, codes, margin);
    } else if (engine.n_columns <= 64) {
      margin = sum_small_trees<1>(engine, run.first_small, n_trees, codes, margin);
    } else if (engine.n_columns <= 128) {
      margin = sum_small_trees<2>(engine, run.first_small, n_trees, codes, margin);
    } else {
      margin = sum_small_trees<4>(engine, run.first_small, n_trees, codes, margin);
    }
  }
  return margin;
}

// Blocks, small trees.

// outcomes[slot][word]: bit r of a word is what row 64 word + r does at the slot's node.
using Outcomes = std::array<std::array<std::uint64_t, kWords>, kSlots>;

std::uint64_t contained(const CategorySet& set, __m512i codes) noexcept {
  const __m512i bytes =
      _mm512_broadcast_i64x4(_mm256_load_si256(reinterpret_cast<const __m256i*>(set.bits.data())));
  const __m512i bits = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
  // Permutes look at the low six bits of an index: the bits that a 16-bit shift drags in from the neighbour,
  // and the high bits of a code, choose between equal copies.
  return _mm512_test_epi8_mask(_mm512_permutexvar_epi8(_mm512_srli_epi16(codes, 3), bytes),
                               _mm512_permutexvar_epi8(codes, bits));
}

// The outcomes of a small tree. Slots without a node keep what they have: nothing depends on it. kFull: the
// block has all of its words, a number that the compiler then knows.
template <bool kFull>
void compare(const Engine& engine, std::size_t small, const Block& block, Outcomes& outcomes) noexcept {
  const SmallTree before = small == 0 ? SmallTree{} : engine.small_trees[small - 1];
  const std::size_t n_words = kFull ? kWords : (block.n_rows + 63) / 64;
  for (std::size_t i = before.tests_end; i < engine.small_trees[small].tests_end; ++i) {
    const SlotTest test = engine.slot_tests[i];
    const std::uint8_t* codes = block.codes + test.column * block.stride;
    const __m512i threshold = _mm512_set1_epi8(static_cast<char>(test.threshold));
    for (std::size_t word = 0; word < n_words; ++word) {
      outcomes[test.slot][word] = _mm512_cmplt_epu8_mask(threshold, _mm512_load_si512(codes + 64 * word));
    }
  }
  for (std::size_t i = before.set_tests_end; i < engine.small_trees[small].set_tests_end; ++i) {
    const SlotSetTest test = engine.slot_set_tests[i];
    const std::uint8_t* codes = block.codes + test.column * block.stride;
    for (std::size_t word = 0; word < n_words; ++word) {
      outcomes[test.slot][word] = contained(engine.sets[test.set], _mm512_load_si512(codes + 64 * word));
    }
  }
}

// Decision l of 512 rows, a bit each: do they go right at level l?
struct Decisions {
  __m512i at[kSmallDepth];
};

// Of the 2^kLevel outcomes of a level, the one of the node that a row is at. Decision l chooses between nodes
// that differ in bit l of their number; the latest decision comes last, so that little waits for it.
template <int kLevel>
[[gnu::always_inline]] inline __m512i choose(const Outcomes& outcomes, const Decisions& decisions,
                                             std::size_t slot) noexcept {
  if constexpr (kLevel == 0) {
    return _mm512_load_si512(outcomes[slot].data());
  } else {
    constexpr std::size_t kBit = std::size_t{1} << (kLevel - 1);
    return _mm512_ternarylogic_epi64(decisions.at[kLevel - 1],
                                     choose<kLevel - 1>(outcomes, decisions, slot + kBit),
                                     choose<kLevel - 1>(outcomes, decisions, slot), 0xCA);  // a ? b : c
  }
}

// Decisions kLevel .. kDepth - 1.
template <int kLevel, int kDepth>
void decide(const Outcomes& outcomes, Decisions& decisions) noexcept {
  if constexpr (kLevel < kDepth) {
    decisions.at[kLevel] = choose<kLevel>(outcomes, decisions, std::size_t{1} << kLevel);
    decide<kLevel + 1, kDepth>(outcomes, decisions);
  }
}

template <int kDepth>
void add_leaves(const Decisions& decisions, const float* leaves, const Block& block) noexcept {
  alignas(64) std::array<std::array<std::uint64_t, kWords>, kSmallDepth> words;
  for (int level = 0; level < kDepth; ++level) _mm512_store_si512(words[level].data(), decisions.at[level]);
  alignas(64) std::array<std::uint8_t, 64> path;
  for (std::size_t word = 0; word * 64 < block.n_rows; ++word) {
    __m512i number = _mm512_setzero_si512();
    for (int level = 0; level < kDepth; ++level) {
      number = _mm512_mask_add_epi8(number, words[level][word], number,
                                    _mm512_set1_epi8(static_cast<char>(1 << level)));
    }
    _mm512_store_si512(path.data(), number);
    float* margins = block.margins + 64 * word;
    for (int i = 0; i < 64; i += 16) {
      const __m512i leaf =
          _mm512_cvtepu8_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(path.data() + i)));
      const __m512 weight = lookup<std::max(16, 1 << kDepth)>(leaves, leaf);
      _mm512_store_ps(margins + i, _mm512_add_ps(_mm512_load_ps(margins + i), weight));
    }
  }
}

template <int kDepth>
void add_tree(const Engine& engine, std::size_t small, const Block& block, Outcomes& outcomes) noexcept {
  if (block.n_rows == kBlockRows) {
    compare<true>(engine, small, block, outcomes);
  } else {
    compare<false>(engine, small, block, outcomes);
  }
  Decisions decisions;
  decide<0, kDepth>(outcomes, decisions);
  add_leaves<kDepth>(decisions, engine.leaves.data() + small * kSlots, block);
}

void sum_block(const Engine& engine, const Block& block) noexcept {
  using AddTree = void (*)(const Engine&, std::size_t, const Block&, Outcomes&) noexcept;
  static constexpr std::array<AddTree, kSmallDepth + 1> kAddTree{
      add_tree<0>, add_tree<1>, add_tree<2>, add_tree<3>, add_tree<4>, add_tree<5>, add_tree<6>};
  alignas(64) Outcomes outcomes{};
  for (const TreeRun& run : engine.runs) {
    for (std::uint32_t tree = run.first; tree < run.last; ++tree) {
      if (run.is_small) {
        const std::size_t small = run.first_small + tree - run.first;
        kAddTree[engine.small_trees[small].depth](engine, small, block, outcomes);
      } else {
        walk_rows(engine, tree, block);
      }
    }
  }
}

}  // namespace

const Kernels* avx512_kernels() noexcept {
  static constexpr Kernels kKernels{Isa::kAvx512, gather_tile, code_tile, code_row, sum_row, sum_block};
  return &kKernels;
}

}  // namespace coppice::scoring

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#pragma GCC diagnostic pop
#endif

#else

namespace coppice::scoring {
const Kernels* avx512_kernels() noexcept { return nullptr; }
}  // namespace coppice::scoring

#endif
