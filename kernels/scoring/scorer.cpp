// coppice::Scorer: rows are cut into blocks, coded, and sent through the trees by the engine's kernels.
#include <coppice/scorer.h>

#include "scoring/engine.h"

#include <algorithm>
#include <array>
#include <bit>

namespace coppice {

struct Scorer::Engine : scoring::Engine {};

namespace {

using scoring::Coding;
using scoring::kTileRows;
using scoring::TileValues;

constexpr std::size_t kMinBlockRows = 16;  // fewer rows are faster one by one

// Rows to score, by rows or by columns.
struct Table {
  std::size_t n_features = 0;
  const float* rows = nullptr;            // [n, n_features]; null for a table by columns
  const float* const* columns = nullptr;  // [n_features]

  [[nodiscard]] float value(std::size_t row, std::size_t feature) const noexcept {
    return rows != nullptr ? rows[row * n_features + feature] : columns[feature][row];
  }
};

// Gathers rows [first, first + n_rows), n_rows <= kTileRows.
void gather(const scoring::Engine& engine, const Table& table, std::span<const Coding> codings,
            std::size_t first, std::size_t n_rows, TileValues& values) noexcept {
  if (table.rows != nullptr) {
    engine.kernels->gather_tile(table.rows + first * table.n_features, table.n_features, n_rows, codings,
                                values);
    return;
  }
  for (std::size_t c = 0; c < codings.size(); ++c) {
    std::copy_n(table.columns[codings[c].feature] + first, n_rows, values.of[c].data());
  }
}

// Codes of one coding for one tile, into its columns; n_codes <= kTileRows of them.
void code_tile(const scoring::Engine& engine, const Coding& coding, const float* values, std::size_t n_codes,
               std::size_t stride, std::uint8_t* codes) noexcept {
  alignas(64) std::array<std::uint8_t, kTileRows> tile;
  std::uint64_t missing = 0;
  if (coding.is_categorical) {
    for (std::size_t i = 0; i < kTileRows; ++i) tile[i] = category_code(engine, coding, values[i]);
  } else {
    missing = engine.kernels->code_tile(engine, coding, values, tile.data());
  }
  if (coding.low_column != Coding::kNone) {
    std::copy_n(tile.data(), n_codes, codes + coding.low_column * stride);
  }
  if (coding.high_column != Coding::kNone) {
    for (; missing != 0; missing &= missing - 1)
      tile[static_cast<std::size_t>(std::countr_zero(missing))] = 255;
    std::copy_n(tile.data(), n_codes, codes + coding.high_column * stride);
  }
}

// Codes of rows [first, first + n_rows): of (row, column) at codes[column * stride + row - first].
void code_block(const scoring::Engine& engine, const Table& table, std::size_t first, std::size_t n_rows,
                std::size_t stride, std::uint8_t* codes) noexcept {
  const std::span<const Coding> codings = engine.codings;
  TileValues values{};  // the rows that pad the last tile are zeros, or rows from before
  for (std::size_t row = 0; row < n_rows; row += kTileRows) {
    for (std::size_t c = 0; c < codings.size(); c += TileValues::kCodings) {
      const std::span<const Coding> some =
          codings.subspan(c, std::min(TileValues::kCodings, codings.size() - c));
      gather(engine, table, some, first + row, std::min(kTileRows, n_rows - row), values);
      for (std::size_t i = 0; i < some.size(); ++i) {
        code_tile(engine, some[i], values.of[i].data(), std::min(kTileRows, stride), stride, codes + row);
      }
    }
  }
}

// Margin of a row of a model that bytes cannot serve.
float walk_floats(const scoring::Engine& engine, const Table& table, std::size_t row) noexcept {
  float margin = engine.base_margin;
  for (const Tree& tree : engine.float_trees) {
    const Tree::Node* node = tree.nodes.data();
    while (!node->is_leaf()) {
      const float value = table.value(row, static_cast<std::size_t>(node->feature));
      node = &tree.nodes[goes_left(tree, *node, value) ? node->left : node->right];
    }
    margin += node->weight;
  }
  return margin;
}

float margin_of_row(const scoring::Engine& engine, const Table& table, std::size_t row) noexcept {
  if (!engine.float_trees.empty()) return walk_floats(engine, table, row);
  alignas(64) std::array<std::uint8_t, scoring::kScratchBytes> codes;
  if (table.rows != nullptr) {
    engine.kernels->code_row(engine, table.rows + row * table.n_features, codes.data());
  } else {
    code_block(engine, table, row, 1, 1, codes.data());
  }
  return engine.kernels->sum_row(engine, codes.data());
}

void margins_of_block(const scoring::Engine& engine, const Table& table, std::size_t first,
                      std::span<float> margins) noexcept {
  alignas(64) std::array<std::uint8_t, scoring::kScratchBytes> codes;
  alignas(64) std::array<float, scoring::kBlockRows> sums;
  code_block(engine, table, first, margins.size(), engine.block_rows, codes.data());
  sums.fill(engine.base_margin);
  engine.kernels->sum_block(engine, {codes.data(), engine.block_rows, margins.size(), sums.data()});
  std::copy_n(sums.data(), margins.size(), margins.data());
}

void score_table(const scoring::Engine& engine, const Table& table, std::size_t first,
                 std::span<float> scores, Output output) noexcept {
  for (std::size_t row = 0; row < scores.size();) {
    const std::size_t n_rows = std::min(engine.block_rows, scores.size() - row);
    const bool one_by_one = n_rows < kMinBlockRows;
    const std::span<float> block = scores.subspan(row, one_by_one ? 1 : n_rows);
    if (one_by_one) {
      block.front() = margin_of_row(engine, table, first + row);
    } else {
      margins_of_block(engine, table, first + row, block);
    }
    if (output == Output::kPrediction) margins_to_predictions(engine.objective, block);
    row += block.size();
  }
}

}  // namespace

Scorer::Scorer(const Model& model) : engine_(new Engine{scoring::build_engine(model)}) {}
Scorer::~Scorer() = default;
Scorer::Scorer(Scorer&&) noexcept = default;
Scorer& Scorer::operator=(Scorer&&) noexcept = default;

std::size_t Scorer::n_features() const noexcept { return engine_->n_features; }
std::size_t Scorer::n_trees() const noexcept { return engine_->n_trees; }

float Scorer::score(std::span<const float> row, Output output) const noexcept {
  float score = margin_of_row(*engine_, {.n_features = row.size(), .rows = row.data()}, 0);
  if (output == Output::kPrediction) margins_to_predictions(engine_->objective, {&score, 1});
  return score;
}

void Scorer::score_rows(std::span<const float> rows, std::span<float> scores, Output output) const noexcept {
  score_table(*engine_, {.n_features = engine_->n_features, .rows = rows.data()}, 0, scores, output);
}

void Scorer::score_columns(std::span<const float* const> columns, std::size_t first, std::span<float> scores,
                           Output output) const noexcept {
  score_table(*engine_, {.columns = columns.data()}, first, scores, output);
}

void Scorer::leaves(std::span<const float> row, std::span<std::int32_t> leaves) const noexcept {
  if (!engine_->float_trees.empty()) {
    std::ranges::transform(engine_->float_trees, leaves.begin(),
                           [&](const Tree& tree) { return leaf_of(tree, row); });
    return;
  }
  alignas(64) std::array<std::uint8_t, scoring::kScratchBytes> codes;
  engine_->kernels->code_row(*engine_, row.data(), codes.data());
  std::array<std::uint32_t, scoring::kLanes> nodes;
  for (std::size_t tree = 0; tree < leaves.size(); tree += scoring::kLanes) {
    const std::size_t n_trees = std::min(scoring::kLanes, leaves.size() - tree);
    scoring::leaves_of_row(*engine_, static_cast<std::uint32_t>(tree), static_cast<std::uint32_t>(n_trees),
                           codes.data(), nodes);
    for (std::size_t i = 0; i < n_trees; ++i) {
      leaves[tree + i] = static_cast<std::int32_t>(nodes[i] - engine_->roots[tree + i]);
    }
  }
}

}  // namespace coppice
