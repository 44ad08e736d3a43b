// Runs of cells with plain numbers, which are nearly all of most tables: where reading one spends its time.
#pragma once

#include <cstddef>

namespace coppice::io {

/// Cells that are read at once.
inline constexpr std::size_t kPlainCells = 8;

/// Reading them at once costs what so many cost one by one: where there are fewer in a row, it does not pay.
inline constexpr std::size_t kFewCells = 3;

/// Bytes from a cell on that must be readable: nearer to the end of a text fewer cells are read at once, or
/// none.
inline constexpr std::ptrdiff_t kPlainCellsReadAhead = 224;

struct PlainCells {
  std::size_t count;  ///< of cells that were read
  const char* next;   ///< where the cell after them begins
};

/// What a run of cells ends with.
enum class RunEnd : char { kComma = ',', kLine = '\n' };

/// Reads up to `n` <= kPlainCells cells from `begin` on, as far as each holds nothing, which is NaN, or what
/// parse_plain_number takes, and ends with a comma, the last of the n with `run_end`. Gives that function's
/// bits. `values` has room for kPlainCells; those from `count` on are undefined afterwards.
using ReadPlainCells = PlainCells(const char* begin, const char* readable_end, std::size_t n, RunEnd run_end,
                                  float* values) noexcept;

/// The twin: one cell after the other.
ReadPlainCells read_plain_cells_scalar;

/// With AVX-512; nullptr where this machine has not what it needs.
[[nodiscard]] ReadPlainCells* plain_cells_avx512() noexcept;

/// The fastest one for this machine.
[[nodiscard]] inline ReadPlainCells& plain_cells_reader() noexcept {
  ReadPlainCells* const wide = plain_cells_avx512();
  return wide != nullptr ? *wide : read_plain_cells_scalar;
}

}  // namespace coppice::io
