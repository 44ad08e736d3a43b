#include "csv_plain_cells.h"

#include <coppice/detail/instruction_set.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "csv_number.h"

namespace coppice::io {

PlainCells read_plain_cells_scalar(const char* begin, const char* readable_end, std::size_t n, RunEnd run_end,
                                   float* values) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    if (begin == readable_end) return {i, begin};
    const char cell_end = i + 1 == n ? static_cast<char>(run_end) : ',';
    const char* end = begin;
    if (*begin == cell_end) {
      values[i] = std::numeric_limits<float>::quiet_NaN();
    } else {
      end = parse_plain_number(begin, readable_end, values[i]);
    }
    if (end == nullptr || *end != cell_end) return {i, begin};
    begin = end + 1;
  }
  return {n, begin};
}

#if COPPICE_X86
namespace {

constexpr std::size_t kBlockBytes = 64;
constexpr std::size_t kBlocks = 3;
constexpr std::size_t kCellBytes = 32;  // that are looked at
constexpr std::size_t kMostCellBytes =
    1 + kMostDigits + 1 + 1;  // of a plain number: sign, digits, point, comma
static_assert(kPlainCells * kMostCellBytes <= kBlocks * kBlockBytes,
              "all cells that can be read end in the blocks");
static_assert(kBlocks * kBlockBytes + kCellBytes <= kPlainCellsReadAhead);
static_assert(kPlainCells == 8, "a byte each in 64 bits, a double each in 512");

COPPICE_BEGIN_TARGET(COPPICE_AVX512)

inline __m128i load_bytes(std::uint64_t bytes) noexcept {
  return _mm_cvtsi64_si128(static_cast<long long>(bytes));
}

inline __m256i load_32(const void* p) noexcept { return _mm256_loadu_si256(static_cast<const __m256i*>(p)); }

inline __m512i repeat(std::uint64_t number) noexcept {
  return _mm512_set1_epi64(static_cast<long long>(number));
}

/// Places from 0 to 192, a byte for each cell, the first in the lowest.
using Places = std::uint64_t;

inline std::size_t place_of(Places places, std::size_t i) noexcept {
  return static_cast<std::uint8_t>(places >> (8 * i));
}

/// Where cells end.
struct Ends {
  Places places;         ///< of the first kPlainCells, 0 behind the last one
  std::uint64_t n = 0;   ///< how many there are, further ones too
  std::size_t line = 0;  ///< the place of the first line end, if those were looked for
};

/// The ends of cells in the blocks from `begin` on: commas, and line ends where a run of cells ends with one.
template <RunEnd run_end>
inline Ends find_ends(const char* begin) noexcept {
  alignas(64) static constexpr std::uint8_t kPlaces[kBlockBytes] = {
      0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
      22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43,
      44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 63};
  __m512i places = _mm512_load_si512(kPlaces);
  Ends ends{};
  bool is_line_over = false;
  for (std::size_t block = 0; block < kBlocks; ++block) {
    const __m512i text = _mm512_loadu_si512(begin + block * kBlockBytes);
    __mmask64 found = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8(','));
    if constexpr (run_end == RunEnd::kLine) {
      const __mmask64 lines = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\n'));
      found |= lines;
      ends.line += is_line_over ? 0 : static_cast<std::size_t>(std::countr_zero(lines));
      is_line_over |= lines != 0;
    }
    const __m128i first = _mm512_castsi512_si128(_mm512_maskz_compress_epi8(found, places));
    const auto bytes = static_cast<std::uint64_t>(_mm_cvtsi128_si64(first));
    ends.places |= ends.n < kPlainCells ? bytes << (8 * ends.n) : 0;
    ends.n += static_cast<std::uint64_t>(_mm_popcnt_u64(found));
    places = _mm512_add_epi8(places, _mm512_set1_epi8(kBlockBytes));
  }
  return ends;
}

/// Masks of the bytes of each cell, of which the first 32 count.
inline __m256i bytes_of_cells(Places starts, Places ends) noexcept {
  const __m128i lengths = _mm_sub_epi8(load_bytes(ends), load_bytes(starts));
  const __m256i all = _mm256_set1_epi32(-1);
  return _mm256_andnot_si256(_mm256_sllv_epi32(all, _mm256_cvtepu8_epi32(lengths)), all);
}

/// Masks of two cells each, 32 bits for one.
struct CellMasks {
  alignas(32) std::uint64_t inside[kPlainCells / 2];
  alignas(32) std::uint64_t digits[kPlainCells / 2];
  alignas(32) std::uint64_t points[kPlainCells / 2];
  alignas(32) std::uint64_t minuses[kPlainCells / 2];
};

/// As many of the highest of 32 bits as a mask has.
inline std::uint64_t moved_up(std::uint32_t mask) noexcept {
  return 0xFFFFFFFFu & ~(0xFFFFFFFFull >> _mm_popcnt_u32(mask));
}

/// The values of the digits of the cells 2 * pair and the next, 32 bytes each: the last one in the last byte,
/// zeros before the first.
inline __m512i align_digits(const char* first, const char* second, std::size_t pair,
                            CellMasks& masks) noexcept {
  const __m512i text = _mm512_inserti64x4(_mm512_castsi256_si512(load_32(first)), load_32(second), 1);
  const __m512i values = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
  const __mmask64 inside = masks.inside[pair];
  const __mmask64 digits = _mm512_mask_cmple_epu8_mask(inside, values, _mm512_set1_epi8(9));
  masks.digits[pair] = digits;
  masks.points[pair] = _mm512_mask_cmpeq_epi8_mask(inside, text, _mm512_set1_epi8('.'));
  masks.minuses[pair] = _mm512_mask_cmpeq_epi8_mask(inside, text, _mm512_set1_epi8('-'));
  // Each half has as many places as digits: what is pressed together parts again where it should.
  const __mmask64 places =
      moved_up(static_cast<std::uint32_t>(digits)) | moved_up(static_cast<std::uint32_t>(digits >> 32)) << 32;
  return _mm512_maskz_expand_epi8(places, _mm512_maskz_compress_epi8(digits, values));
}

/// Numbers of 16 digits, a byte each: those of the four 16-byte lanes of `a` in even places, of `b` in odd
/// ones.
inline __m512i values_of_lanes(__m512i a, __m512i b) noexcept {
  const __m512i tens = _mm512_set1_epi16(0x010A);  // bytes 10 and 1
  const __m512i hundreds = _mm512_set1_epi32(0x00010064);
  const __m512i fours_a = _mm512_madd_epi16(_mm512_maddubs_epi16(a, tens), hundreds);
  const __m512i fours_b = _mm512_madd_epi16(_mm512_maddubs_epi16(b, tens), hundreds);
  const __m512i eights =
      _mm512_madd_epi16(_mm512_packus_epi32(fours_a, fours_b), _mm512_set1_epi32(0x00012710));
  return _mm512_add_epi64(_mm512_mul_epu32(eights, repeat(100'000'000)), _mm512_srli_epi64(eights, 32));
}

/// The digits of all cells as one number each, from what align_digits gave of each pair.
inline __m512i values_of_digits(const __m512i (&pairs)[kPlainCells / 2]) noexcept {
  const __m512i low = values_of_lanes(pairs[0], pairs[1]);  // lanes: first digits, last 16 digits
  const __m512i high = values_of_lanes(pairs[2], pairs[3]);
  const __m512i first = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(0, 4, 1, 5, 8, 12, 9, 13), high);
  const __m512i last = _mm512_permutex2var_epi64(low, _mm512_setr_epi64(2, 6, 3, 7, 10, 14, 11, 15), high);
  return _mm512_add_epi64(_mm512_mullo_epi64(first, repeat(10'000'000'000'000'000)), last);
}

/// 10^-decimals, for 0 to kMostDigits.
inline __m512d negative_powers(__m512i decimals) noexcept {
  constexpr const double* kPowers = kNegativePowers;
  const __m512d below_16 =
      _mm512_permutex2var_pd(_mm512_loadu_pd(kPowers), decimals, _mm512_loadu_pd(kPowers + 8));
  const __m512d from_16 = _mm512_castpd256_pd512(_mm256_loadu_pd(kPowers + 16));
  return _mm512_mask_permutexvar_pd(below_16, _mm512_cmpgt_epu64_mask(decimals, repeat(15)), decimals,
                                    from_16);
}

/// scale_exactly; `exact` tells for which cells it would give true.
inline __m256 scale_cells(__m512i digits, __m512i decimals, __mmask8& exact) noexcept {
  const __m512d product = _mm512_mul_pd(_mm512_cvtepu64_pd(digits), negative_powers(decimals));
  const __m512i dropped = _mm512_and_si512(_mm512_castpd_si512(product), repeat(kDroppedBits));
  exact = _mm512_cmpgt_epu64_mask(_mm512_sub_epi64(dropped, repeat(kMidpoint - kGuard)), repeat(2 * kGuard));
  return _mm512_cvtpd_ps(product);
}

/// Writes the values; returns for which cells they are right.
inline std::uint8_t finish_cells(const CellMasks& masks, __m512i all_digits, float* values) noexcept {
  const __m256i one = _mm256_set1_epi32(1);
  const __m256i inside = load_32(masks.inside);
  const __m256i digits = load_32(masks.digits);
  const __m256i points = load_32(masks.points);
  const __m256i sign = _mm256_and_si256(load_32(masks.minuses), one);
  // A mask's negative has its lowest bit and all above it; nothing without a point.
  const __m256i behind_point = _mm256_sub_epi32(_mm256_setzero_si256(), points);
  const __m256i decimals = _mm256_popcnt_epi32(_mm256_and_si256(digits, behind_point));
  __mmask8 is_exact = 0;
  const __m256 size = scale_cells(all_digits, _mm512_cvtepu32_epi64(decimals), is_exact);
  const __m256 number = _mm256_xor_ps(size, _mm256_castsi256_ps(_mm256_slli_epi32(sign, 31)));
  const __mmask8 is_empty = _mm256_testn_epi32_mask(inside, inside);
  const __m256 missing = _mm256_set1_ps(std::numeric_limits<float>::quiet_NaN());
  _mm256_storeu_ps(values, _mm256_mask_mov_ps(number, is_empty, missing));

  const __m256i others = _mm256_xor_si256(_mm256_xor_si256(inside, digits), points);
  const __m256i n_digits_less_1 = _mm256_sub_epi32(_mm256_popcnt_epi32(digits), one);
  const __mmask8 is_number = _mm256_cmpeq_epi32_mask(others, sign) &
                             _mm256_testn_epi32_mask(points, _mm256_sub_epi32(points, one)) &
                             _mm256_cmplt_epu32_mask(n_digits_less_1, _mm256_set1_epi32(kMostDigits));
  return static_cast<std::uint8_t>((is_number & is_exact) | is_empty);
}

/// Reads cells between `begin` and their ends.
inline PlainCells read_cells(const char* begin, const Ends& ends, std::size_t n, float* values) noexcept {
  const Places starts = (ends.places << 8) + 0x0101010101010100u;
  CellMasks masks;
  _mm256_store_si256(reinterpret_cast<__m256i*>(masks.inside), bytes_of_cells(starts, ends.places));
  __m512i pairs[kPlainCells / 2];
  for (std::size_t i = 0; i < kPlainCells / 2; ++i) {
    pairs[i] = align_digits(begin + place_of(starts, 2 * i), begin + place_of(starts, 2 * i + 1), i, masks);
  }
  const std::uint8_t is_right = finish_cells(masks, values_of_digits(pairs), values);
  const auto n_right = static_cast<std::size_t>(std::countr_one(is_right));
  // The usual case is a branch of its own: foretold, the next cells need not wait for the values of these.
  const std::size_t count = n_right >= n && ends.n >= n ? n : std::min(n_right, ends.n);
  return {count, count == 0 ? begin : begin + place_of(ends.places, count - 1) + 1};
}

PlainCells read_plain_cells_avx512(const char* begin, const char* readable_end, std::size_t n, RunEnd run_end,
                                   float* values) noexcept {
  if (n < kFewCells || readable_end - begin < kPlainCellsReadAhead)
    return read_plain_cells_scalar(begin, readable_end, n, run_end, values);
  if (run_end == RunEnd::kComma) return read_cells(begin, find_ends<RunEnd::kComma>(begin), n, values);
  const Ends ends = find_ends<RunEnd::kLine>(begin);
  // A line with other than n cells left is none of those that are worth a way of their own.
  if (ends.n < n || place_of(ends.places, n - 1) != ends.line)
    return read_plain_cells_scalar(begin, readable_end, n, run_end, values);
  return read_cells(begin, ends, n, values);
}

COPPICE_END_TARGET
}  // namespace

ReadPlainCells* plain_cells_avx512() noexcept {
  static const bool is_there = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                               __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
                               __builtin_cpu_supports("avx512vbmi2") &&
                               __builtin_cpu_supports("avx512vpopcntdq");
  return is_there ? &read_plain_cells_avx512 : nullptr;
}
#else
ReadPlainCells* plain_cells_avx512() noexcept { return nullptr; }
#endif

}  // namespace coppice::io
