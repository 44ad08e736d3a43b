#include "ranking.h"

#include <array>
#include <bit>
#include <cmath>
#include <utility>

namespace coppice {
namespace {

constexpr int kDigitBits = 11;
constexpr std::size_t kDigits = 3;
using DigitCounts = std::array<std::array<std::uint32_t, 1U << kDigitBits>, kDigits>;

std::size_t digit_of(std::uint64_t word, std::size_t digit) {
  return (word >> (32 + digit * kDigitBits)) & ((1U << kDigitBits) - 1);
}

/// Radix sort by the upper halves, least significant digit first. It is stable: rows stay in order within
/// ties.
void sort_by_key(Buffer<std::uint64_t>& words) {
  DigitCounts counts = {};
  for (const std::uint64_t word : words) {
    for (std::size_t digit = 0; digit < kDigits; ++digit) ++counts[digit][digit_of(word, digit)];
  }
  Buffer<std::uint64_t> target(words.size());
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    std::uint32_t next = 0;
    for (std::uint32_t& count : counts[digit]) next += std::exchange(count, next);
    for (const std::uint64_t word : words) target[counts[digit][digit_of(word, digit)]++] = word;
    std::swap(words, target);
  }
}

}  // namespace

std::uint64_t Ranking::rank_word(float score, bool positive, float weight) {
  const auto bits = std::bit_cast<std::uint32_t>(score + 0.0F);  // -0 becomes 0 and ties with it
  const std::uint32_t key = (bits & kSign) != 0 ? ~bits : bits | kSign;
  const std::uint32_t payload = std::bit_cast<std::uint32_t>(std::abs(weight)) | (positive ? kSign : 0);
  return static_cast<std::uint64_t>(key) << 32 | payload;
}

float Ranking::score_of(std::uint32_t key) {
  return std::bit_cast<float>((key & kSign) != 0 ? key & ~kSign : ~key);
}

double Ranking::weight_of(std::uint64_t word) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(word) & ~kSign);
}

Ranking::Ranking(std::span<const float> scores, std::span<const float> labels, std::span<const float> weights)
    : words_(scores.size()) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    words_[i] = rank_word(scores[i], is_positive(labels[i]), weights.empty() ? 1.0F : weights[i]);
  }
  sort_by_key(words_);
}

Tie Ranking::total() const {
  Tie all;
  for_each_tie([&all](const Tie& tie) {
    all.positive += tie.positive;
    all.negative += tie.negative;
  });
  return all;
}

}  // namespace coppice
