#include "binned_layout.h"

#include <coppice/error.h>

#include <fmt/format.h>

#include <cstring>

#include "transpose.h"

namespace coppice::kernels {
namespace {

constexpr std::size_t kSide = 16;  ///< of the squares that are turned
constexpr std::size_t kAhead = 32;

Buffer<std::uint8_t> with_slack(std::size_t size) {
  constexpr std::size_t kSlack = 64;
  Buffer<std::uint8_t> bytes(size + kSlack);
  std::memset(bytes.end() - kSlack, 0, kSlack);
  return bytes;
}

/// Sixteen records of a group, and their places in the columns.
void gather_records(const BinnedMatrix& from, std::span<const std::uint32_t> rows, std::size_t first,
                    std::size_t group, BinnedMatrix& to) {
  const std::size_t stride = from.group_stride(group);
  const std::size_t n_features = from.group_features(group);
  const std::uint8_t* source = from.records.data() + from.group_offset(group);
  std::uint8_t* target = to.records.data() + to.group_offset(group) + first * stride;
  std::uint8_t* columns = to.columns.data() +
                          ((first / kBlockRows) * to.n_features() + group * kGroupFeatures) * kBlockRows +
                          first % kBlockRows;
  for (std::size_t i = 0; i < kSide; ++i)
    if (first + i + kAhead < rows.size()) __builtin_prefetch(source + rows[first + i + kAhead] * stride);
  for (std::size_t f = 0; f < stride; f += kSide) {
    Bytes square[kSide] = {};  // padding rows have bin 0 everywhere
    for (std::size_t i = 0; i < kSide && first + i < rows.size(); ++i)
      std::memcpy(&square[i], source + rows[first + i] * stride + f, kSide);
    for (std::size_t i = 0; i < kSide; ++i) std::memcpy(target + i * stride + f, &square[i], kSide);
    transpose_square(square);
    for (std::size_t k = 0; k < kSide && f + k < n_features; ++k)
      std::memcpy(columns + (f + k) * kBlockRows, &square[k], kSide);
  }
}

}  // namespace

void check_features(const Dataset& data, const Cuts& cuts) {
  if (data.n_features() == cuts.n_features()) return;
  throw Error("kernels.bin.features", fmt::format("the table has {} features, its cuts were made for {}",
                                                  data.n_features(), cuts.n_features()));
}

BinnedMatrix allocate_bins(const Cuts& cuts, std::size_t n_rows, bool with_records) {
  BinnedMatrix matrix;
  matrix.cuts = cuts;
  matrix.n_rows = n_rows;
  matrix.columns = with_slack(matrix.n_padded_rows() * matrix.n_features());
  if (with_records) {
    const std::size_t last = matrix.n_groups() - 1;
    matrix.records =
        with_slack(matrix.group_offset(last) + matrix.n_padded_rows() * matrix.group_stride(last));
  }
  return matrix;
}

void gather_block(const BinnedMatrix& from, std::span<const std::uint32_t> rows, std::size_t block,
                  BinnedMatrix& to) {
  for (std::size_t group = 0; group < from.n_groups(); ++group)
    for (std::size_t i = 0; i < kBlockRows; i += kSide)
      gather_records(from, rows, block * kBlockRows + i, group, to);
}

}  // namespace coppice::kernels
