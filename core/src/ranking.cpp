#include "ranking.h"

#include <bit>
#include <cmath>

namespace coppice {

std::uint64_t Ranking::rank_word(float score, bool positive, float weight) {
  const std::uint32_t payload = std::bit_cast<std::uint32_t>(std::abs(weight)) | (positive ? kSign : 0);
  return static_cast<std::uint64_t>(detail::sort_key(score)) << 32 | payload;
}

double Ranking::weight_of(std::uint64_t word) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(word) & ~kSign);
}

Ranking::Ranking(std::span<const float> scores, std::span<const float> labels, std::span<const float> weights)
    : words_(scores.size()) {
  for (std::size_t i = 0; i < scores.size(); ++i) {
    words_[i] = rank_word(scores[i], is_positive(labels[i]), weights.empty() ? 1.0F : weights[i]);
  }
  detail::radix_sort(std::span(words_.begin(), words_.end()));
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
