// Rows in order of their scores, ties together.
#pragma once

#include <coppice/buffer.h>
#include <coppice/confusion.h>
#include <coppice/detail/sort_key.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice {

/// Who counts as positive, for every metric of classes.
inline bool is_positive(double label) { return label > 0.5; }

/// Weight of the positive and negative rows that share a score.
struct Tie {
  float score = 0;
  double positive = 0, negative = 0;
  [[nodiscard]] double weight() const { return positive + negative; }
};

/// A table of scores, sorted once for any number of metrics.
class Ranking {
 public:
  /// Shapes: scores (never NaN), labels [n]; weights [n] or empty. n < 2^32.
  Ranking(std::span<const float> scores, std::span<const float> labels, std::span<const float> weights);

  /// Calls visit(tie) for every distinct score, in falling order. Within a tie, weights are added in falling
  /// row order.
  template <class Visit>
  void for_each_tie(Visit visit) const {
    for (std::size_t end = words_.size(); end > 0;) {
      const std::uint32_t key = key_of(words_[end - 1]);
      Tie tie{.score = detail::value_of(key)};
      for (; end > 0 && key_of(words_[end - 1]) == key; --end) {
        const std::uint64_t word = words_[end - 1];
        (is_positive_word(word) ? tie.positive : tie.negative) += weight_of(word);
      }
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
      above.positive += tie.positive;
      above.negative += tie.negative;
      visit(tie.score, Confusion{.true_positive = above.positive,
                                 .false_positive = above.negative,
                                 .true_negative = all.negative - above.negative,
                                 .false_negative = all.positive - above.positive});
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
};

}  // namespace coppice
