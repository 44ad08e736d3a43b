#include "binned_layout.h"

#include <coppice/error.h>

#include <fmt/format.h>

#include <cstring>

namespace coppice::kernels {
namespace {

Buffer<std::uint8_t> with_slack(std::size_t size) {
  constexpr std::size_t kSlack = 64;
  Buffer<std::uint8_t> bytes(size + kSlack);
  std::memset(bytes.end() - kSlack, 0, kSlack);
  return bytes;
}

}  // namespace

BinnedMatrix allocate_bins(const Dataset& data, const Cuts& cuts, bool with_records) {
  const std::size_t n_features = cuts.n_features();
  if (data.n_features() != n_features)
    throw Error("kernels.bin.features", fmt::format("the table has {} features, its cuts were made for {}",
                                                    data.n_features(), n_features));
  BinnedMatrix matrix;
  matrix.cuts = cuts;
  matrix.n_rows = data.n_rows;
  matrix.columns = with_slack(matrix.n_padded_rows() * n_features);
  if (with_records) {
    const std::size_t last = matrix.n_groups() - 1;
    matrix.records =
        with_slack(matrix.group_offset(last) + matrix.n_padded_rows() * matrix.group_stride(last));
  }
  return matrix;
}

}  // namespace coppice::kernels
