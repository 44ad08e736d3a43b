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

Ranking::Ranking(std::span<const float> scores, const EvaluationColumns& columns) : words_(scores.size()) {
  const auto weight = [&](std::size_t row) { return columns.weights.empty() ? 1.0F : columns.weights[row]; };
  const auto sort = [this] { detail::radix_sort(std::span(words_.begin(), words_.end())); };
  const auto word = [&](std::size_t row) {
    return rank_word(scores[row], is_positive(columns.labels[row]), weight(row));
  };
  if (columns.amounts.empty()) {
    for (std::size_t row = 0; row < scores.size(); ++row) words_[row] = word(row);
    sort();
    return;
  }
  // There is no room in a word for an amount: row numbers are sorted, and their words follow them.
  for (std::size_t row = 0; row < scores.size(); ++row) {
    words_[row] = static_cast<std::uint64_t>(detail::sort_key(scores[row])) << 32 | row;
  }
  sort();
  amounts_ = Buffer<double>(scores.size());
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const auto row = static_cast<std::uint32_t>(words_[i]);
    words_[i] = word(row);
    amounts_[i] =
        is_positive(columns.labels[row]) ? static_cast<double>(weight(row)) * columns.amounts[row] : 0;
  }
}

Tie Ranking::total() const {
  Tie all;
  for_each_tie([&all](const Tie& tie) { all += tie; });
  return all;
}

}  // namespace coppice
