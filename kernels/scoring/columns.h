// The columns of codes that a model's nodes look at.
#pragma once

#include "scoring/engine.h"

#include <cstdint>
#include <vector>

namespace coppice::scoring {

/// What an inner node asks of a row's codes.
struct CodeTest {
  std::uint16_t column = 0;
  std::uint8_t threshold = 255;
  bool is_set = false;
  CategorySet set{};  ///< the codes that go right
};

/// Gives every inner node of a model a column, and makes the tables that fill the columns.
class ColumnBuilder {
 public:
  /// Cost: O(nodes log nodes).
  explicit ColumnBuilder(const Model& model);

  /// The test of one inner node. Meaningless when the columns do not fit.
  [[nodiscard]] CodeTest add(const Tree& tree, const Tree::Node& node);

  /// Can bytes serve the nodes added so far?
  [[nodiscard]] bool fits() const noexcept { return fits_; }

  /// Hands the codings and their tables to the engine.
  void finish(Engine& engine) const;

 private:
  [[nodiscard]] CodeTest add_numeric(const Tree::Node& node);
  [[nodiscard]] CodeTest add_categorical(const Tree& tree, const Tree::Node& node);
  [[nodiscard]] std::uint32_t category_coding(std::span<const std::int32_t> categories, std::size_t feature);
  [[nodiscard]] std::uint16_t column_at(std::uint32_t Coding::*which, std::uint32_t coding);
  [[nodiscard]] std::span<const float> stretch(const Coding& coding, std::uint32_t index) const;

  /// Codes that are given out in one categorical coding.
  struct CategoryTable {
    std::vector<std::uint8_t> codes;  ///< of category 0, 1, ..; 1 where it is not named
    int n_named = 0;
  };

  std::vector<std::vector<float>> thresholds_;                ///< [features], ascending, distinct
  std::vector<std::uint32_t> numeric_coding_;                 ///< [features] first of the feature's codings
  std::vector<std::vector<std::uint32_t>> category_codings_;  ///< [features]
  std::vector<Coding> codings_;
  std::vector<CategoryTable> tables_;  ///< [codings], empty for numeric ones
  std::size_t n_columns_ = 0;
  bool fits_ = true;
};

}  // namespace coppice::scoring
