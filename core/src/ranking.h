// Rows in order of their scores, ties together.
#pragma once

#include <coppice/buffer.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/rank_sums.h>
#include <coppice/detail/sort_key.h>
#include <coppice/evaluation_columns.h>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice {

using detail::is_positive;

/// A table of scores, sorted once for any number of metrics.
class Ranking {
 public:
  /// Shapes: scores [n], never NaN. n < 2^32. Values are amounts, where there are some. Cost: without amounts
  /// half of that with them.
  Ranking(std::span<const float> scores, const EvaluationColumns& columns);

  /// Values are scores.
  static Ranking with_scores(std::span<const float> scores, const EvaluationColumns& columns);

  /// Calls visit(score, before, above) for every distinct score, in falling order, with the sums over the
  /// rows above it, without and with its own.
  template <class Visit>
  void for_each_tie(Visit visit) const {
    detail::RankSums before, above;
    for (std::size_t end = words_.size(); end > 0;) {
      const std::uint32_t key = key_of(words_[end - 1]);
      std::size_t begin = end;
      for (; begin > 0 && key_of(words_[begin - 1]) == key; --begin)
        above += scale_.term(weight_of(words_[begin - 1]), is_positive_word(words_[begin - 1]));
      if (!values_.empty()) {
        for (std::size_t i = begin; i < end; ++i) above.value += scale_.value.count(values_[i]);
      }
      end = begin;
      visit(detail::value_of(key), before, above);
      before = above;
    }
  }

  /// Calls visit(score, confusion) for every distinct score, in falling order, with the confusion of calling
  /// positive from that score on.
  template <class Visit>
  void for_each_threshold(Visit visit) const {
    for_each_tie([&](float score, const detail::RankSums& /*before*/, const detail::RankSums& above) {
      visit(score, scale_.confusion(above));
    });
  }

  /// The result of a fold of detail/rank_sums.h.
  template <class Fold>
  [[nodiscard]] double folded(const Fold& fold) const {
    auto sum = fold.nothing();
    for_each_tie([&](float /*score*/, const detail::RankSums& before, const detail::RankSums& above) {
      sum = Fold::join(sum, fold.of_tie(before, above));
    });
    return fold.result(sum);
  }

  [[nodiscard]] const detail::RankScale& scale() const { return scale_; }

 private:
  // A row is one 64-bit word: in the upper half a key that orders as the score does, in the lower half the
  // weight, whose sign bit, free because weights are not negative, says that the row is positive.
  static constexpr std::uint32_t kSign = 0x80000000;
  static std::uint64_t rank_word(float score, bool positive, float weight);
  static std::uint32_t key_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
  static bool is_positive_word(std::uint64_t word) { return (word & kSign) != 0; }
  static float weight_of(std::uint64_t word) {
    return std::bit_cast<float>(static_cast<std::uint32_t>(word) & ~kSign);
  }

  detail::RankScale scale_;
  Buffer<std::uint64_t> words_;
  Buffer<double> values_;  // beside words_, weighted: amounts, 0 for negative rows, or scores
};

}  // namespace coppice
