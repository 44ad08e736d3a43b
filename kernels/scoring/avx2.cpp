// AVX2: one comparison of 32 rows is three instructions. Single rows walk as in the portable kernels; only
// their coding is vectorised.
#include "scoring/engine.h"

#include <algorithm>
#include <array>

#if defined(__x86_64__)
#include <immintrin.h>

// Only the kernels between push and pop are compiled for AVX2: no inline function of a header is.
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,popcnt"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,popcnt")
#endif

namespace coppice::scoring {
namespace {

constexpr std::size_t kVectors = kTileRows / 32;  // of codes, of a tile

// How many of 16 thresholds are <= the value of all lanes.
unsigned count_reached(const float* thresholds, __m256 x) noexcept {
  const int low = _mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_load_ps(thresholds), _CMP_GE_OQ));
  const int high = _mm256_movemask_ps(_mm256_cmp_ps(x, _mm256_load_ps(thresholds + 8), _CMP_GE_OQ));
  return static_cast<unsigned>(_mm_popcnt_u32(static_cast<unsigned>(low | high << 8)));
}

// Thresholds <= value: 16 pivots tell the group, 16 compares the place in it.
std::uint8_t code_of(const float* table, float value) noexcept {
  const __m256 x = _mm256_set1_ps(value);
  const unsigned group = count_reached(table, x);
  return static_cast<std::uint8_t>(group * kPivots + count_reached(table + kPivots + group * kPivots, x));
}

std::uint64_t code_tile(const Engine& engine, const Coding& coding, const float* values,
                        std::uint8_t* codes) noexcept {
  const float* table = engine.thresholds.data() + coding.table;
  for (std::size_t i = 0; i < kTileRows; ++i) codes[i] = code_of(table, values[i]);
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < kTileRows; i += 8) {
    const __m256 x = _mm256_loadu_ps(values + i);
    missing |= static_cast<std::uint64_t>(_mm256_movemask_ps(_mm256_cmp_ps(x, x, _CMP_UNORD_Q))) << i;
  }
  return missing;
}

void code_row(const Engine& engine, const float* row, std::uint8_t* codes) noexcept {
  for (const Coding& coding : engine.codings) {
    const float value = row[coding.feature];
    const std::uint8_t code = coding.is_categorical ? category_code(engine, coding, value)
                                                    : code_of(engine.thresholds.data() + coding.table, value);
    set_codes(coding, code, value != value, codes);
  }
}

float sum_row(const Engine& engine, const std::uint8_t* codes) noexcept {
  return walk_trees(engine, 0, static_cast<std::uint32_t>(engine.n_trees), codes, engine.base_margin);
}

__m256i load(const std::uint8_t* bytes) noexcept {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(bytes));
}

// A byte of ones for each of 32 codes > threshold, a threshold of a node (< 255).
__m256i above(__m256i codes, std::uint8_t threshold) noexcept {
  const __m256i least = _mm256_set1_epi8(static_cast<char>(threshold + 1));
  return _mm256_cmpeq_epi8(_mm256_max_epu8(codes, least), codes);
}

// A byte of ones for each of 32 codes in a set. Byte code / 8 of the set is looked up by its low four bits in
// both halves of the set, and the code's top bit chooses between them.
__m256i contained(const CategorySet& set, __m256i codes) noexcept {
  const auto* halves = reinterpret_cast<const __m128i*>(set.bits.data());
  const __m256i low = _mm256_broadcastsi128_si256(_mm_load_si128(halves));
  const __m256i high = _mm256_broadcastsi128_si256(_mm_load_si128(halves + 1));
  const __m256i index = _mm256_and_si256(_mm256_srli_epi16(codes, 3), _mm256_set1_epi8(15));
  const __m256i byte =
      _mm256_blendv_epi8(_mm256_shuffle_epi8(low, index), _mm256_shuffle_epi8(high, index), codes);
  const __m256i bit = _mm256_shuffle_epi8(_mm256_set1_epi64x(static_cast<long long>(0x8040201008040201)),
                                          _mm256_and_si256(codes, _mm256_set1_epi8(7)));
  return _mm256_cmpeq_epi8(_mm256_and_si256(byte, bit), bit);
}

// at[slot]: for each row of a tile, a byte of ones when it goes right at the slot's node.
struct Outcomes {
  __m256i at[kSlots][kVectors];
};

// The outcomes of a small tree. Slots without a node keep what they have: nothing depends on it.
void compare(const Engine& engine, std::size_t small, const std::uint8_t* codes, std::size_t stride,
             Outcomes& outcomes) noexcept {
  const SmallTree before = small == 0 ? SmallTree{} : engine.small_trees[small - 1];
  for (std::size_t i = before.tests_end; i < engine.small_trees[small].tests_end; ++i) {
    const SlotTest test = engine.slot_tests[i];
    const std::uint8_t* column = codes + test.column * stride;
    for (std::size_t v = 0; v < kVectors; ++v) {
      outcomes.at[test.slot][v] = above(load(column + 32 * v), test.threshold);
    }
  }
  for (std::size_t i = before.set_tests_end; i < engine.small_trees[small].set_tests_end; ++i) {
    const SlotSetTest test = engine.slot_set_tests[i];
    const std::uint8_t* column = codes + test.column * stride;
    for (std::size_t v = 0; v < kVectors; ++v) {
      outcomes.at[test.slot][v] = contained(engine.sets[test.set], load(column + 32 * v));
    }
  }
}

// Of the 2^kLevel outcomes of a level, the one of the node that each of 32 rows is at. Decision l chooses
// between nodes that differ in bit l of their number; the latest decision comes last, so that little waits
// for it.
template <int kLevel>
[[gnu::always_inline]] inline __m256i choose(const Outcomes& outcomes, std::size_t v,
                                             const __m256i* decisions, std::size_t slot) noexcept {
  if constexpr (kLevel == 0) {
    return outcomes.at[slot][v];
  } else {
    constexpr std::size_t kBit = std::size_t{1} << (kLevel - 1);
    return _mm256_blendv_epi8(choose<kLevel - 1>(outcomes, v, decisions, slot),
                              choose<kLevel - 1>(outcomes, v, decisions, slot + kBit), decisions[kLevel - 1]);
  }
}

// Leaf numbers of 32 rows, from the decisions of kLevel levels down to those of kDepth.
template <int kLevel, int kDepth>
__m256i pick_leaves(const Outcomes& outcomes, std::size_t v, __m256i* decisions, __m256i number) noexcept {
  if constexpr (kLevel == kDepth) {
    return number;
  } else {
    decisions[kLevel] = choose<kLevel>(outcomes, v, decisions, std::size_t{1} << kLevel);
    const __m256i bit = _mm256_and_si256(decisions[kLevel], _mm256_set1_epi8(1 << kLevel));
    return pick_leaves<kLevel + 1, kDepth>(outcomes, v, decisions, _mm256_or_si256(number, bit));
  }
}

template <int kDepth>
void add_tree(const Engine& engine, std::size_t small, const Block& block, Outcomes& outcomes) noexcept {
  const float* leaves = engine.leaves.data() + small * kSlots;
  alignas(32) std::array<std::uint8_t, kTileRows> numbers;
  for (std::size_t row = 0; row < block.n_rows; row += kTileRows) {
    compare(engine, small, block.codes + row, block.stride, outcomes);
    for (std::size_t v = 0; v < kVectors; ++v) {
      __m256i decisions[kSmallDepth];
      _mm256_store_si256(reinterpret_cast<__m256i*>(numbers.data()) + v,
                         pick_leaves<0, kDepth>(outcomes, v, decisions, _mm256_setzero_si256()));
    }
    float* margins = block.margins + row;
    for (std::size_t i = 0; i < kTileRows; ++i) margins[i] += leaves[numbers[i]];
  }
}

void sum_block(const Engine& engine, const Block& block) noexcept {
  using AddTree = void (*)(const Engine&, std::size_t, const Block&, Outcomes&) noexcept;
  static constexpr std::array<AddTree, kSmallDepth + 1> kAddTree{
      add_tree<0>, add_tree<1>, add_tree<2>, add_tree<3>, add_tree<4>, add_tree<5>, add_tree<6>};
  Outcomes outcomes{};
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

const Kernels* avx2_kernels() noexcept {
  static constexpr Kernels kKernels{Isa::kAvx2, gather_values, code_tile, code_row, sum_row, sum_block};
  return &kKernels;
}

}  // namespace coppice::scoring

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#else

namespace coppice::scoring {
const Kernels* avx2_kernels() noexcept { return nullptr; }
}  // namespace coppice::scoring

#endif
