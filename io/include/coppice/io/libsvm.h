// libsvm text to sparse rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace coppice::io {

/// Rows of a libsvm text, one after the other. Row i has the entries [offsets[i], offsets[i + 1]).
struct LibsvmRows {
  std::vector<float> labels;   ///< NaN for a row without label
  std::vector<float> weights;  ///< empty unless some row has one; then 1 for the others
  std::vector<std::size_t> offsets{0};
  std::vector<std::uint32_t> indices;  ///< as written
  std::vector<float> values;

  [[nodiscard]] std::size_t n_rows() const noexcept { return offsets.size() - 1; }
  void clear();

  /// Where indices count from: 1 when there are some and none is 0, else 0. A file for counting from 0 in
  /// which feature 0 never occurs is taken for the other kind, as the managed container does.
  [[nodiscard]] std::uint32_t first_index() const noexcept;
  /// Features that the indices ask for, counted from first_index().
  [[nodiscard]] std::size_t n_features() const noexcept;
};

enum class LibsvmLabels : std::uint8_t {
  kRequired,  ///< a row begins with `label` or `label:weight`: training data
  kOptional,  ///< a row begins with `label` or at once with `index:value`: rows to score
};

/// Appends the rows of a text: a line `label index:value index:value ...`, separated by spaces or tabs, in
/// any order; of a repeated index the last counts. Blank lines and what follows `#` are passed over; values
/// `nan` are missing. Numbers are rounded once to float32. `name` stands in messages, `name:line`; the text
/// may be hostile. After an error the rows are of no use.
///
/// Errors: io.libsvm.syntax (what is neither label nor index:value, a qid), io.libsvm.value (no number,
///         infinite, a training label that is missing), io.libsvm.weight (negative).
/// Cost  : one pass.
void append_libsvm(std::string_view text, std::string_view name, LibsvmLabels labels, LibsvmRows& rows);

}  // namespace coppice::io
