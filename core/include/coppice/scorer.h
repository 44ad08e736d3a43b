// Scoring: a model flattened once, then rows in, scores out, without locks or allocation.
#pragma once

#include <coppice/model.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace coppice {

/// What a scorer gives for a row.
enum class Output : std::uint8_t { kPrediction, kMargin };

/// An immutable, thread-safe scorer of one model.
/// A row is [n_features] floats in schema order: numbers or category codes; NaN is missing. Results are the
/// bits of predict_margin (and of margins_to_predictions on it), for single rows and batches, on any
/// instruction set. After construction nothing allocates, locks or throws; a call takes up to 40 KB of stack.
class Scorer {
 public:
  /// Cost: O(nodes log nodes). Errors: core.scorer.model when a tree does not fit the schema or is damaged (a
  /// feature, child or category list out of range); the message names tree and node.
  explicit Scorer(const Model& model);
  ~Scorer();
  Scorer(Scorer&&) noexcept;
  Scorer& operator=(Scorer&&) noexcept;

  [[nodiscard]] std::size_t n_features() const noexcept;
  [[nodiscard]] std::size_t n_trees() const noexcept;

  /// Score of one row. Needs: row.size() == n_features().
  [[nodiscard]] float score(std::span<const float> row, Output output = Output::kPrediction) const noexcept;

  /// Scores of a row-major batch: rows [n, n_features], scores [n].
  void score_rows(std::span<const float> rows, std::span<float> scores,
                  Output output = Output::kPrediction) const noexcept;

  /// Scores of rows [first, first + scores.size()) of a table held by columns: columns[f][row].
  void score_columns(std::span<const float* const> columns, std::size_t first, std::span<float> scores,
                     Output output = Output::kPrediction) const noexcept;

  /// Leaf (index in Tree::nodes) of every tree for one row: leaves [n_trees].
  void leaves(std::span<const float> row, std::span<std::int32_t> leaves) const noexcept;

 private:
  struct Engine;
  std::unique_ptr<const Engine> engine_;
};

}  // namespace coppice
