// Rows in order of their scores, ties together.
#pragma once

#include <coppice/buffer.h>
#include <coppice/confusion.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/sort_key.h>
#include <coppice/evaluation_columns.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice {

using detail::is_positive;

/// Weight of the positive and negative rows that share a score.
struct Tie {
  float score = 0;
  double positive = 0, negative = 0;
  double amount = 0;  ///< weighted, of the positive rows; 0 without amounts
  [[nodiscard]] double weight() const { return positive + negative; }
  void operator+=(const Tie& other) {
    positive += other.positive;
    negative += other.negative;
    amount += other.amount;
  }
};

/// A table of scores, sorted once for any number of metrics.
class Ranking {
 public:
  /// Shapes: scores [n], never NaN. n < 2^32. Cost: without amounts half of that with them.
  Ranking(std::span<const float> scores, const EvaluationColumns& columns);

  /// Calls visit(tie) for every distinct score, in falling order. Within a tie, weights are added in falling
  /// row order.
  template <class Visit>
  void for_each_tie(Visit visit) const {
    for (std::size_t end = words_.size(); end > 0;) {
      const std::uint32_t key = key_of(words_[end - 1]);
      Tie tie{.score = detail::value_of(key)};
      std::size_t begin = end;
      for (; begin > 0 && key_of(words_[begin - 1]) == key; --begin) {
        const std::uint64_t word = words_[begin - 1];
        (is_positive_word(word) ? tie.positive : tie.negative) += weight_of(word);
      }
      if (!amounts_.empty()) {
        for (std::size_t i = end; i > begin; --i) tie.amount += amounts_[i - 1];
      }
      end = begin;
      visit(tie);
    }
  }

  /// Calls visit(score, confusion) for every distinct score, in falling order, with the confusion of calling
  /// positive from that score on.
  template <class Visit>
  void for_each_threshold(Visit visit) const {
    const Tie all = total();
    Tie above;
    for_each_tie([&](const Tie& tie) {
      above += tie;
      visit(tie.score, Confusion{.true_positive = above.positive,
                                 .false_positive = above.negative,
                                 .true_negative = all.negative - above.negative,
                                 .false_negative = all.positive - above.positive,
                                 .found_amount = above.amount,
                                 .missed_amount = all.amount - above.amount});
    });
  }

  /// All rows, added in the order of for_each_tie, so that the last threshold leaves exactly nothing.
  [[nodiscard]] Tie total() const;

 private:
  // A row is one 64-bit word: in the upper half a key that orders as the score does, in the lower half the
  // weight, whose sign bit, free because weights are not negative, says that the row is positive.
  static constexpr std::uint32_t kSign = 0x80000000;
  static std::uint64_t rank_word(float score, bool positive, float weight);
  static std::uint32_t key_of(std::uint64_t word) { return static_cast<std::uint32_t>(word >> 32); }
  static bool is_positive_word(std::uint64_t word) { return (word & kSign) != 0; }
  static double weight_of(std::uint64_t word);

  Buffer<std::uint64_t> words_;
  Buffer<double> amounts_;  // beside words_: weighted, 0 for negative rows
};

}  // namespace coppice
