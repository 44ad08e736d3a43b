// The portable kernels: what every other instruction set is compared with, and falls back on for deep trees.
#include "scoring/engine.h"

#include <algorithm>

namespace coppice::scoring {
namespace {

// Takes every lane from its node to the leaf below. codes[lane]: the row of the lane. A lane that has arrived
// stays, so that the only branch asks whether any lane still moves.
template <bool kHasSets>
void descend(const Engine& engine, const std::array<const std::uint8_t*, kLanes>& codes, std::size_t stride,
             std::array<std::uint32_t, kLanes>& at) noexcept {
  const FlatNode* nodes = engine.nodes.data();
  std::uint32_t moved = 0;
  do {
    moved = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const FlatNode node = nodes[at[lane]];
      const std::uint8_t code = codes[lane][node.column * stride];
      bool goes_right = code > node.threshold;
      if constexpr (kHasSets) {
        if (node.is_set) goes_right = engine.sets[engine.set_of_node[at[lane]]].contains(code);
      }
      const std::uint32_t next = node.left + static_cast<std::uint32_t>(goes_right);
      moved |= next ^ at[lane];
      at[lane] = next;
    }
  } while (moved != 0);
}

void descend(const Engine& engine, const std::array<const std::uint8_t*, kLanes>& codes, std::size_t stride,
             std::array<std::uint32_t, kLanes>& at) noexcept {
  engine.sets.empty() ? descend<false>(engine, codes, stride, at) : descend<true>(engine, codes, stride, at);
}

// Number of thresholds <= value: the way down the search tree, one bit a level. NaN gives 0.
std::uint8_t code_of(const Engine& engine, const Coding& coding, float value) noexcept {
  const float* heap = engine.thresholds.data() + coding.heap;
  std::uint32_t at = 1;
  for (int level = 0; level < coding.levels; ++level) {
    at = 2 * at + static_cast<std::uint32_t>(value >= heap[at]);
  }
  return static_cast<std::uint8_t>(at - (1U << coding.levels));
}

std::uint64_t code_tile(const Engine& engine, const Coding& coding, const float* values,
                        std::uint8_t* codes) noexcept {
  std::uint64_t missing = 0;
  for (std::size_t i = 0; i < kTileRows; ++i) {
    codes[i] = code_of(engine, coding, values[i]);
    missing |= static_cast<std::uint64_t>(values[i] != values[i]) << i;
  }
  return missing;
}

void code_row(const Engine& engine, const float* row, std::uint8_t* codes) noexcept {
  for (const Coding& coding : engine.codings) {
    const float value = row[coding.feature];
    const std::uint8_t code =
        coding.is_categorical ? category_code(engine, coding, value) : code_of(engine, coding, value);
    set_codes(coding, code, value != value, codes);
  }
}

float sum_row(const Engine& engine, const std::uint8_t* codes) noexcept {
  return walk_trees(engine, 0, static_cast<std::uint32_t>(engine.n_trees), codes, engine.base_margin);
}

void sum_block(const Engine& engine, const Block& block) noexcept {
  for (std::uint32_t tree = 0; tree < engine.n_trees; ++tree) walk_rows(engine, tree, block);
}

}  // namespace

void gather_values(const float* rows, std::size_t n_features, std::size_t n_rows,
                   std::span<const Coding> codings, TileValues& values) noexcept {
  for (std::size_t i = 0; i < n_rows; ++i) {
    const float* row = rows + i * n_features;
    for (std::size_t c = 0; c < codings.size(); ++c) values.of[c][i] = row[codings[c].feature];
  }
}

void leaves_of_row(const Engine& engine, std::uint32_t first_tree, std::uint32_t n_trees,
                   const std::uint8_t* codes, std::array<std::uint32_t, kLanes>& leaves) noexcept {
  std::array<const std::uint8_t*, kLanes> rows;
  rows.fill(codes);
  for (std::uint32_t lane = 0; lane < kLanes; ++lane) {
    leaves[lane] = engine.roots[first_tree + std::min(lane, n_trees - 1)];
  }
  descend(engine, rows, 1, leaves);
}

float walk_trees(const Engine& engine, std::uint32_t first, std::uint32_t last, const std::uint8_t* codes,
                 float margin) noexcept {
  std::array<std::uint32_t, kLanes> leaves;
  for (std::uint32_t tree = first; tree < last; tree += kLanes) {
    const std::uint32_t n_trees = std::min<std::uint32_t>(kLanes, last - tree);
    leaves_of_row(engine, tree, n_trees, codes, leaves);
    for (std::uint32_t lane = 0; lane < n_trees; ++lane) margin += engine.weights[leaves[lane]];
  }
  return margin;
}

void walk_rows(const Engine& engine, std::uint32_t tree, const Block& block) noexcept {
  std::array<const std::uint8_t*, kLanes> rows;
  std::array<std::uint32_t, kLanes> leaves;
  for (std::size_t row = 0; row < block.n_rows; row += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) rows[lane] = block.codes + row + lane;
    leaves.fill(engine.roots[tree]);
    descend(engine, rows, block.stride, leaves);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      block.margins[row + lane] += engine.weights[leaves[lane]];
    }
  }
}

const Kernels& scalar_kernels() noexcept {
  static constexpr Kernels kKernels{Isa::kScalar, gather_values, code_tile, code_row, sum_row, sum_block};
  return kKernels;
}

}  // namespace coppice::scoring
