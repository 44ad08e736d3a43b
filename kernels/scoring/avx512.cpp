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

// Blocks, small trees. 64 rows of a block are a word: a register with a byte for each.

__mmask64 contained(const CategorySet& set, __m512i codes) noexcept {
  const __m512i bytes =
      _mm512_broadcast_i64x4(_mm256_load_si256(reinterpret_cast<const __m256i*>(set.bits.data())));
  const __m512i bits = _mm512_set1_epi64(static_cast<long long>(0x8040201008040201));
  // Permutes look at the low six bits of an index: the bits that a 16-bit shift drags in from the neighbour,
  // and the high bits of a code, choose between equal copies.
  return _mm512_test_epi8_mask(_mm512_permutexvar_epi8(_mm512_srli_epi16(codes, 3), bytes),
                               _mm512_permutexvar_epi8(codes, bits));
}

// The bit that a slot's outcome has among those of its part: they are the index of three_levels.
constexpr std::array<std::uint8_t, kSlots> bits_of_slots() noexcept {
  std::array<std::uint8_t, kSlots> bits{};
  for (std::size_t slot = 1; slot < kSlots; ++slot)
    bits[slot] = static_cast<std::uint8_t>(1U << slot_place(slot));
  return bits;
}

constexpr std::array<std::uint8_t, kSlots> kBitOfSlot = bits_of_slots();

// The outcomes of one part of a tree in kCount words of rows, all of a row's in its byte.
template <int kCount>
struct Outcomes {
  __m512i words[kCount];
};

template <int kCount>
using Parts = std::array<Outcomes<kCount>, kSlotParts>;

__m512i repeat(const std::uint8_t& byte) noexcept { return _mm512_set1_epi8(static_cast<char>(byte)); }

// The tests of a tree, part by part, as they stand in the engine.
struct TreeTests {
  std::span<const SlotTest> numeric;
  std::span<const SlotSetTest> sets;
};

TreeTests tests_of(const Engine& engine, std::size_t small) noexcept {
  const SmallTree before = small == 0 ? SmallTree{} : engine.small_trees[small - 1];
  const SmallTree tree = engine.small_trees[small];
  return {{engine.slot_tests.data() + before.tests_end, engine.slot_tests.data() + tree.tests_end},
          {engine.slot_set_tests.data() + before.set_tests_end,
           engine.slot_set_tests.data() + tree.set_tests_end}};
}

// The outcomes of one part, whose tests are taken from the front of `tests`. `codes` are those of the first
// word. A mask goes straight into an addition: to leave its register would take twice as long as to make it.
template <int kCount>
[[gnu::always_inline]] inline Outcomes<kCount> compare_part(const Engine& engine, TreeTests& tests,
                                                            std::size_t part, const std::uint8_t* codes,
                                                            std::size_t stride) noexcept {
  Outcomes<kCount> outcomes;
  for (__m512i& word : outcomes.words) word = _mm512_setzero_si512();
  const SlotTest* test = tests.numeric.data();
  const SlotTest* const end = test + tests.numeric.size();
  for (; test != end && slot_part(test->slot) == part; ++test) {
    const std::uint8_t* column = codes + test->column * stride;
    const __m512i threshold = repeat(test->threshold);
    const __m512i bit = repeat(kBitOfSlot[test->slot]);
    constexpr int kTogether = std::min(kCount, 4);
    for (int first = 0; first < kCount; first += kTogether) {
      __mmask64 is_above[kTogether];
      for (int i = 0; i < kTogether; ++i)
        is_above[i] = _mm512_cmplt_epu8_mask(threshold, _mm512_load_si512(column + 64 * (first + i)));
      for (int i = 0; i < kTogether; ++i) {
        __m512i& bytes = outcomes.words[first + i];
        bytes = _mm512_mask_add_epi8(bytes, is_above[i], bytes, bit);
      }
    }
  }
  tests.numeric = {test, end};
  for (; !tests.sets.empty() && slot_part(tests.sets.front().slot) == part;
       tests.sets = tests.sets.subspan(1)) {
    const SlotSetTest& set_test = tests.sets.front();
    const std::uint8_t* column = codes + set_test.column * stride;
    const __m512i bit = repeat(kBitOfSlot[set_test.slot]);
    for (int word = 0; word < kCount; ++word) {
      const __mmask64 is_in = contained(engine.sets[set_test.set], _mm512_load_si512(column + 64 * word));
      outcomes.words[word] = _mm512_mask_add_epi8(outcomes.words[word], is_in, outcomes.words[word], bit);
    }
  }
  return outcomes;
}

__m512i end_of_three_levels(__m512i outcomes) noexcept {
  return _mm512_permutex2var_epi8(_mm512_load_si512(kThreeLevels.data()), outcomes,
                                  _mm512_load_si512(kThreeLevels.data() + 64));
}

// The leaves of 64 rows. The upper part tells which of the parts below it counts.
template <int kDepth, int kCount>
__m512i leaves_of_word(const Parts<kCount>& parts, int word) noexcept {
  const __m512i upper = end_of_three_levels(parts[0].words[word]);
  if constexpr (kDepth <= 3) {
    return upper;
  } else {
    __m512i below[8];
    for (int end = 0; end < 8; ++end) below[end] = parts[1 + end].words[word];
    for (int level = 0, n = 4; level < 3; ++level, n /= 2) {
      const __mmask64 is_right =
          _mm512_test_epi8_mask(upper, _mm512_set1_epi8(static_cast<char>(1 << level)));
      for (int end = 0; end < n; ++end)
        below[end] = _mm512_mask_blend_epi8(is_right, below[2 * end], below[2 * end + 1]);
    }
    return _mm512_or_si512(upper, _mm512_slli_epi16(end_of_three_levels(below[0]), 3));
  }
}

template <int kDepth>
void add_leaves(__m512i leaves_of_rows, const float* leaves, float* margins) noexcept {
  const __m128i quarters[4] = {
      _mm512_castsi512_si128(leaves_of_rows), _mm512_extracti32x4_epi32(leaves_of_rows, 1),
      _mm512_extracti32x4_epi32(leaves_of_rows, 2), _mm512_extracti32x4_epi32(leaves_of_rows, 3)};
  for (int i = 0; i < 4; ++i) {
    const __m512 weight = lookup<std::max(16, 1 << kDepth)>(leaves, _mm512_cvtepu8_epi32(quarters[i]));
    _mm512_store_ps(margins + 16 * i, _mm512_add_ps(_mm512_load_ps(margins + 16 * i), weight));
  }
}

template <int kDepth, int kCount>
void add_words(const Engine& engine, std::size_t small, const Block& block, std::size_t first_word) noexcept {
  constexpr std::size_t kParts = kDepth <= 3 ? 1 : kSlotParts;
  TreeTests tests = tests_of(engine, small);
  Parts<kCount> parts;
  for (std::size_t part = 0; part < kParts; ++part) {
    parts[part] = compare_part<kCount>(engine, tests, part, block.codes + 64 * first_word, block.stride);
  }
  for (int word = 0; word < kCount; ++word) {
    add_leaves<kDepth>(leaves_of_word<kDepth, kCount>(parts, word), engine.leaves.data() + small * kSlots,
                       block.margins + 64 * (first_word + word));
  }
}

template <int kDepth>
void add_tree(const Engine& engine, std::size_t small, const Block& block) noexcept {
  const std::size_t n_words = (block.n_rows + 63) / 64;
  std::size_t word = 0;
  for (; word + 8 <= n_words; word += 8) add_words<kDepth, 8>(engine, small, block, word);
  for (; word + 4 <= n_words; word += 4) add_words<kDepth, 4>(engine, small, block, word);
  for (; word + 2 <= n_words; word += 2) add_words<kDepth, 2>(engine, small, block, word);
  if (word < n_words) add_words<kDepth, 1>(engine, small, block, word);
}

void sum_block(const Engine& engine, const Block& block) noexcept {
  using AddTree = void (*)(const Engine&, std::size_t, const Block&) noexcept;
  static constexpr std::array<AddTree, kSmallDepth + 1> kAddTree{
      add_tree<0>, add_tree<1>, add_tree<2>, add_tree<3>, add_tree<4>, add_tree<5>, add_tree<6>};
  for (const TreeRun& run : engine.runs) {
    for (std::uint32_t tree = run.first; tree < run.last; ++tree) {
      if (run.is_small) {
        const std::size_t small = run.first_small + tree - run.first;
        kAddTree[engine.small_trees[small].depth](engine, small, block);
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
