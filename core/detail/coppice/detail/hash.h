// Counter-based randomness: every draw is a hash of what it is for, never the next number of a stream.
#pragma once

#include <cstdint>

namespace coppice::detail {

/// The splitmix64 finaliser (Steele, Lea and Flood 2014): a bijection of 64-bit words that mixes well.
constexpr std::uint64_t mix64(std::uint64_t x) noexcept {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9;
  x ^= x >> 27;
  x *= 0x94d049bb133111eb;
  x ^= x >> 31;
  return x;
}

/// What a draw is for; keeps the draws of one seed apart.
enum class Purpose : std::uint32_t {
  kRow = 1,
  kRounding,
  kTreeFeatures,
  kLevelFeatures,
  kNodeFeatures,
  kCuts,
  kScreening,
  kBootstrap,
  kWorkingRow,
  kTrial
};

/// Key of one purpose in one round (or of one node, level, ...: `index`).
constexpr std::uint64_t draw_key(std::uint64_t seed, Purpose purpose, std::uint32_t round,
                                 std::uint32_t index = 0) noexcept {
  const std::uint64_t a = mix64(seed + 0x9e3779b97f4a7c15);
  const std::uint64_t b = mix64(a ^ (static_cast<std::uint64_t>(purpose) << 32 | round));
  return mix64(b + index * 0x9e3779b97f4a7c15);
}

/// Uniform 32-bit draw of a row. `key` is the low half of a draw_key; row ids are global.
/// The multipliers are those of the "lowbias32" finaliser (Wellons 2018).
constexpr std::uint32_t row_draw(std::uint32_t key, std::uint32_t row) noexcept {
  std::uint32_t x = row * 0x9e3779b1U ^ key;
  x ^= x >> 16;
  x *= 0x7feb352dU;
  x ^= x >> 15;
  x *= 0x846ca68bU;
  return x;
}

}  // namespace coppice::detail
