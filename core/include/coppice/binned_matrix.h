// The training table as bytes: what histograms and routing read.
#pragma once

#include <coppice/buffer.h>
#include <coppice/cuts.h>

#include <cstddef>
#include <cstdint>

namespace coppice {

/// Rows of a column block. Sums over rows have a fixed shape within a block, so a block is also the unit in
/// which ranks and threads share rows.
inline constexpr std::size_t kBlockRows = 512;
/// Features of a record group.
inline constexpr std::size_t kGroupFeatures = 32;

/// One byte per value, in two layouts.
/// - Column blocks: bin of (row, f) at `columns[((row / 512) * n_features + f) * 512 + row % 512]`, for
/// masks.
/// - Row records, by groups of up to 32 features: bin of (row, f) at
///   `records[group_offset(f / 32) + row * group_stride(f / 32) + f % 32]`, for histograms of gathered rows.
///   The stride is 16 bytes for a group of up to 16 features, 32 otherwise.
/// Rows are padded to whole blocks, features to whole records, with bin 0. A backend may leave some slack
/// behind the last bin of either layout.
struct BinnedMatrix {
  Cuts cuts;
  std::size_t n_rows = 0;
  Buffer<std::uint8_t> columns;
  Buffer<std::uint8_t> records;  ///< empty for a matrix that is only routed (an evaluation set)

  [[nodiscard]] std::size_t n_features() const noexcept { return cuts.n_features(); }
  [[nodiscard]] std::size_t n_blocks() const noexcept { return (n_rows + kBlockRows - 1) / kBlockRows; }
  [[nodiscard]] std::size_t n_padded_rows() const noexcept { return n_blocks() * kBlockRows; }
  [[nodiscard]] std::size_t n_groups() const noexcept {
    return (n_features() + kGroupFeatures - 1) / kGroupFeatures;
  }
  [[nodiscard]] std::size_t group_features(std::size_t group) const noexcept {
    return std::min(kGroupFeatures, n_features() - group * kGroupFeatures);
  }
  [[nodiscard]] std::size_t group_stride(std::size_t group) const noexcept {
    return group_features(group) <= 16 ? 16 : 32;
  }
  /// All groups but the last have stride 32.
  [[nodiscard]] std::size_t group_offset(std::size_t group) const noexcept {
    return group * kGroupFeatures * n_padded_rows();
  }
  [[nodiscard]] const std::uint8_t* column_block(std::size_t block, std::size_t f) const noexcept {
    return columns.data() + (block * n_features() + f) * kBlockRows;
  }
  [[nodiscard]] std::uint8_t bin(std::size_t row, std::size_t f) const noexcept {
    return column_block(row / kBlockRows, f)[row % kBlockRows];
  }
};

}  // namespace coppice
