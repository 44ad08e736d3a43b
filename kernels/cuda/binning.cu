// Bins on the device: a block of threads makes the bins of one block of rows and one group of features, in
// both layouts.
#include <algorithm>
#include <vector>

#include "binned_layout.h"
#include "cuda/binning.h"
#include "cuda/launch.h"

namespace coppice::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;
/// Bytes of a row in the tile that records are made from. A word more than a record: lanes that write the
/// same feature of consecutive rows then use different banks.
constexpr unsigned kTileStride = kGroupFeatures + 4;
constexpr unsigned kTileBytes = kBlockRows * kTileStride;
/// Floats that are on the device at a time.
constexpr std::size_t kStretchValues = std::size_t{1} << 26;

/// One stretch of rows of a table. Offsets count from the first row of the stretch.
struct Stretch {
  const float* values;  ///< [n_features, n_padded_rows]
  std::size_t n_rows;
  std::size_t n_padded_rows;  ///< whole blocks
  unsigned n_features;
  const float* cuts;             ///< Cuts::values
  const std::uint32_t* offsets;  ///< Cuts::offsets
  const std::uint16_t* n_codes;  ///< Cuts::n_codes
  std::uint8_t* columns;
  std::uint8_t* records;  ///< null: not wanted
};

/// Cuts::bin_of.
__device__ std::uint8_t bin_of(const Stretch& stretch, unsigned feature, float value) {
  if (value != value) return 0;
  if (stretch.n_codes[feature] > 0) return static_cast<std::uint8_t>(1 + static_cast<int>(value));
  const std::uint32_t first = stretch.offsets[feature];
  std::uint32_t begin = first, end = stretch.offsets[feature + 1];
  while (begin < end) {
    const std::uint32_t middle = begin + (end - begin) / 2;
    if (stretch.cuts[middle] <= value)
      begin = middle + 1;
    else
      end = middle;
  }
  return static_cast<std::uint8_t>(1 + (begin - first));
}

/// Copies the tile to the group's records, a word at a time.
__device__ void write_records(const std::uint8_t* tile, unsigned stride, std::uint8_t* records) {
  const unsigned row_words = stride / 4;
  auto* words = reinterpret_cast<unsigned*>(records);
  for (unsigned i = threadIdx.x; i < kBlockRows * row_words; i += blockDim.x)
    words[i] = *reinterpret_cast<const unsigned*>(tile + i / row_words * kTileStride + i % row_words * 4);
}

/// The bins of one block of rows and one group of features, in both layouts. Shapes: grid [blocks of rows,
/// groups], flat, because there may be more groups than a grid's y takes; shared memory kTileBytes. Cost: 4
/// bytes read and 2 written for each value, and a binary search in its feature's cuts. Source: Cuts::bin_of,
/// BinnedMatrix.
__global__ void bin_block(Stretch stretch) {
  auto* tile = shared_memory<std::uint8_t>();
  const unsigned n_groups = (stretch.n_features + static_cast<unsigned>(kGroupFeatures) - 1) /
                            static_cast<unsigned>(kGroupFeatures);
  const std::size_t block = blockIdx.x / n_groups, first_row = block * kBlockRows;
  const unsigned first_feature = blockIdx.x % n_groups * static_cast<unsigned>(kGroupFeatures);
  const unsigned n_features =
      std::min(static_cast<unsigned>(kGroupFeatures), stretch.n_features - first_feature);
  const unsigned stride = n_features <= 16 ? 16 : 32;  // BinnedMatrix::group_stride
  for (unsigned f = 0; f < stride; ++f) {
    const unsigned feature = first_feature + f;
    const float* values = stretch.values + feature * stretch.n_padded_rows + first_row;
    std::uint8_t* column = stretch.columns + (block * stretch.n_features + feature) * kBlockRows;
    for (unsigned row = threadIdx.x; row < kBlockRows; row += blockDim.x) {
      const bool is_value = f < n_features && first_row + row < stretch.n_rows;
      const std::uint8_t bin = is_value ? bin_of(stretch, feature, values[row]) : std::uint8_t{0};
      if (f < n_features) column[row] = bin;
      tile[row * kTileStride + f] = bin;
    }
  }
  if (stretch.records == nullptr) return;
  __syncthreads();
  write_records(tile, stride, stretch.records + first_feature * stretch.n_padded_rows + first_row * stride);
}

/// Device memory for a stretch, and its way there and back.
class Binner {
 public:
  Binner(const Dataset& data, BinnedMatrix& matrix, std::size_t stretch_rows)
      : data_(data),
        matrix_(matrix),
        values_(stretch_rows * matrix.n_features()),
        columns_(stretch_rows * matrix.n_features()),
        records_(matrix.records.empty() ? 0 : stretch_rows * matrix.n_groups() * kGroupFeatures),
        cuts_(upload(stream_, std::span<const float>(matrix.cuts.values))),
        offsets_(upload(stream_, std::span<const std::uint32_t>(matrix.cuts.offsets))),
        n_codes_(upload(stream_, std::span<const std::uint16_t>(matrix.cuts.n_codes))) {}

  /// Bins rows [first, first + n_rows); first is a multiple of kBlockRows.
  void bin(std::size_t first, std::size_t n_rows);

 private:
  Stream stream_;
  const Dataset& data_;
  BinnedMatrix& matrix_;
  DeviceBuffer<float> values_;
  DeviceBuffer<std::uint8_t> columns_, records_;
  DeviceBuffer<float> cuts_;
  DeviceBuffer<std::uint32_t> offsets_;
  DeviceBuffer<std::uint16_t> n_codes_;
};

void Binner::bin(std::size_t first, std::size_t n_rows) {
  const std::size_t n_blocks = (n_rows + kBlockRows - 1) / kBlockRows;
  const std::size_t n_padded = n_blocks * kBlockRows;
  const std::size_t n_features = matrix_.n_features();
  for (std::size_t f = 0; f < n_features; ++f)
    copy_to_device(stream_, values_.data() + f * n_padded,
                   std::span<const float>(data_.columns[f]).subspan(first, n_rows));
  const Stretch stretch{values_.data(), n_rows,          n_padded,        static_cast<unsigned>(n_features),
                        cuts_.data(),   offsets_.data(), n_codes_.data(), columns_.data(),
                        records_.data()};
  const auto grid = static_cast<unsigned>(n_blocks * matrix_.n_groups());
  launch<bin_block>(stream_, {.grid = {grid}, .block = {kThreads}, .shared_bytes = kTileBytes}, stretch);
  copy_to_host(stream_, std::span(matrix_.columns.data() + first * n_features, n_padded * n_features),
               columns_.data());
  for (std::size_t g = 0; g < matrix_.n_groups() && !records_.empty(); ++g) {
    const std::size_t stride = matrix_.group_stride(g);
    copy_to_host(
        stream_,
        std::span(matrix_.records.data() + matrix_.group_offset(g) + first * stride, n_padded * stride),
        records_.data() + g * kGroupFeatures * n_padded);
  }
  stream_.synchronize();
}

}  // namespace

BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) {
  check_features(data, cuts);
  BinnedMatrix matrix = allocate_bins(cuts, data.n_rows, with_records);
  if (data.n_rows == 0) return matrix;
  const std::size_t most_blocks = std::max<std::size_t>(1, kStretchValues / kBlockRows / cuts.n_features());
  const std::size_t stretch_rows = std::min(matrix.n_blocks(), most_blocks) * kBlockRows;
  Binner binner(data, matrix, stretch_rows);
  for (std::size_t first = 0; first < data.n_rows; first += stretch_rows)
    binner.bin(first, std::min(stretch_rows, data.n_rows - first));
  return matrix;
}

}  // namespace coppice::kernels::cuda
