// Decimal text to float32.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace coppice::io {

enum class NumberKind : std::uint8_t { kNumber, kInfinite, kText };

/// Reads a whole trimmed text as a number, rounded to the nearest float32. Texts without a number leave
/// `value` as it was; `inf` and numbers beyond float32 are kInfinite.
[[nodiscard]] NumberKind parse_number(std::string_view text, float& value) noexcept;

/// Eight bytes, the first in the lowest position.
inline std::uint64_t load_word(const char* begin) noexcept {
  std::uint64_t word;
  std::memcpy(&word, begin, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// Number of leading bytes of a word that are decimal digits.
inline int count_digits(std::uint64_t word) noexcept {
  const std::uint64_t below = word - 0x3030303030303030u;  // bit 7 set below '0'
  const std::uint64_t above = word + 0x4646464646464646u;  // bit 7 set above '9'
  const std::uint64_t others = (below | above | word) & 0x8080808080808080u;
  return std::countr_zero(others) / 8;
}

/// Value of the first `count` bytes of a word, which are digits; 0 to 8 of them.
inline std::uint64_t value_of_digits(std::uint64_t word, int count) noexcept {
  // Moved up, the digits stand at the end of eight behind zeros. What follows them goes away, with what the
  // difference borrowed there; in two steps, because 64 is no shift.
  const int half = 32 - 4 * count;
  word = (word - 0x3030303030303030u) << half << half;
  word = (word * 10 + (word >> 8)) & 0x00FF00FF00FF00FFu;  // pairs, then fours, then eight
  word = (word * 100 + (word >> 16)) & 0x0000FFFF0000FFFFu;
  return (word * 10000 + (word >> 32)) & 0xFFFFFFFFu;
}

inline constexpr std::uint64_t kPowersOfTen[] = {1,      10,      100,      1000,     10000,
                                                 100000, 1000000, 10000000, 100000000};

/// Words in which a run of digits that is not refused has its end.
inline constexpr int kMostWords = 3;

/// Appends the run of digits at `p`, or as much of it as kMostWords hold, to `number`; returns its end.
/// Numbers of 15 to 18 digits stand side by side in a column: where the run ends is computed, not branched
/// on, once it is longer than a word.
inline const char* append_digits(const char* p, std::uint64_t& number) noexcept {
  const std::uint64_t first = load_word(p);
  const int n_first = count_digits(first);
  number = number * kPowersOfTen[n_first] + value_of_digits(first, n_first);
  if (n_first < 8) return p + n_first;
  const std::uint64_t second = load_word(p + 8);
  const std::uint64_t third = load_word(p + 16);
  const int n_second = count_digits(second);
  const int n_third = n_second == 8 ? count_digits(third) : 0;
  number = number * kPowersOfTen[n_second] + value_of_digits(second, n_second);
  number = number * kPowersOfTen[n_third] + value_of_digits(third, n_third);
  return p + 8 + n_second + n_third;
}

inline constexpr int kMostDigits = 19;  // as many as 64 bits always hold

/// 10^-k, each the nearest double.
inline constexpr double kNegativePowers[kMostDigits + 1] = {1,     1e-1,  1e-2,  1e-3,  1e-4,  1e-5,  1e-6,
                                                            1e-7,  1e-8,  1e-9,  1e-10, 1e-11, 1e-12, 1e-13,
                                                            1e-14, 1e-15, 1e-16, 1e-17, 1e-18, 1e-19};

/// Of a double that is rounded to float32: the bits that go, where they stand for half a unit, and how near
/// to that is too near.
inline constexpr std::uint64_t kDroppedBits = (std::uint64_t{1} << 29) - 1;
inline constexpr std::uint64_t kMidpoint = std::uint64_t{1} << 28;
inline constexpr std::uint64_t kGuard = 4;

/// digits * 10^-decimals rounded to the nearest float32; false in the rare case that this needs more
/// precision. The double product carries at most three roundings, so it lies within 3 units in its last place
/// of the exact value. Unless a midpoint between two floats is as near, both round to the same float. The
/// values are far from float32's limits: 0 or at least 1e-19, and below 1e19.
inline bool scale_exactly(std::uint64_t digits, std::ptrdiff_t decimals, float& value) noexcept {
  const double product = static_cast<double>(digits) * kNegativePowers[decimals];
  const std::uint64_t dropped = std::bit_cast<std::uint64_t>(product) & kDroppedBits;
  if (dropped - (kMidpoint - kGuard) <= 2 * kGuard) return false;
  value = static_cast<float>(product);
  return true;
}

/// Fast path of parse_number for what nearly all numeric cells look like: `-?digits[.digits]`, at most 19
/// digits. Returns the first byte after it, or nullptr when the general path has to look; gives the same
/// bits.
[[nodiscard]] inline const char* parse_plain_number(const char* begin, const char* text_end,
                                                    float& value) noexcept {
  constexpr std::ptrdiff_t kReadAhead = 2 + 2 * 8 * kMostWords;  // sign, run, point, run
  if (text_end - begin < kReadAhead) return nullptr;
  const bool negative = *begin == '-';
  const char* const first = begin + (negative ? 1 : 0);
  std::uint64_t digits = 0;
  const char* whole_end = nullptr;
  // Standardised features have one digit there, which a processor guesses before it has looked.
  if (first[1] == '.' && first[0] >= '0' && first[0] <= '9') {
    digits = static_cast<std::uint64_t>(first[0] - '0');
    whole_end = first + 1;
  } else {
    whole_end = append_digits(first, digits);
  }
  const char* end = whole_end;
  std::ptrdiff_t decimals = 0;
  if (*whole_end == '.') {
    end = append_digits(whole_end + 1, digits);
    decimals = end - whole_end - 1;
  }
  const std::ptrdiff_t n_digits = whole_end - first + decimals;
  if (n_digits == 0 || n_digits > kMostDigits) return nullptr;
  if (!scale_exactly(digits, decimals, value)) return nullptr;
  // A branch on the sign would be taken wrongly half of the time.
  value = std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) ^ (negative ? 0x80000000u : 0u));
  return end;
}

}  // namespace coppice::io
