#include "ranking.h"

#include <cmath>

namespace coppice {

std::uint64_t Ranking::rank_word(float score, bool positive, float weight) {
  const std::uint32_t payload = std::bit_cast<std::uint32_t>(std::abs(weight)) | (positive ? kSign : 0);
  return static_cast<std::uint64_t>(detail::sort_key(score)) << 32 | payload;
}

Ranking::Ranking(std::span<const float> scores, const EvaluationColumns& columns)
    : scale_(detail::rank_scale(columns)), words_(scores.size()) {
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
  values_ = Buffer<double>(scores.size());
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const auto row = static_cast<std::uint32_t>(words_[i]);
    words_[i] = word(row);
    values_[i] =
        is_positive(columns.labels[row]) ? static_cast<double>(weight(row)) * columns.amounts[row] : 0;
  }
}

Ranking Ranking::with_scores(std::span<const float> scores, const EvaluationColumns& columns) {
  Ranking ranking(scores, {.labels = columns.labels, .weights = columns.weights});
  if (scores.empty()) return ranking;
  const auto score = [&](std::size_t i) { return detail::value_of(key_of(ranking.words_[i])); };
  ranking.scale_ = detail::scale_with_scores(ranking.scale_, score(0), score(scores.size() - 1));
  ranking.values_ = Buffer<double>(scores.size());
  for (std::size_t i = 0; i < ranking.words_.size(); ++i) {
    const std::uint64_t word = ranking.words_[i];
    ranking.values_[i] = static_cast<double>(weight_of(word)) * detail::value_of(key_of(word));
  }
  return ranking;
}

}  // namespace coppice
