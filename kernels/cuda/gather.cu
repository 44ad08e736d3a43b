#include "cuda/gather.h"

#include <algorithm>

#include "cuda/launch.h"

namespace coppice::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;
constexpr unsigned kGroupU = static_cast<unsigned>(kGroupFeatures);
/// Bytes of a row in the tile that columns are made from. A word more than a record: lanes that read the same
/// feature of consecutive rows then use different banks.
constexpr unsigned kTileStride = kGroupU + 4;
constexpr unsigned kTileBytes = kBlockRowsU * kTileStride;

/// Labels, margins and weights of the drawn rows. Cost: a row reads five floats where they lie.
__global__ void __launch_bounds__(kThreads) gather_rows(Gathering how) {
  const std::uint32_t step = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < how.n; i += step) {
    const std::uint32_t row = how.drawn[i];
    const RowTerms terms = weigh(how.rows, row, how.rows.gradients[row]);
    const float a = engine::importance(terms.gradient, terms.hessian, how.draw.floor, how.draw.threshold);
    const float weight = how.rows.weights == nullptr ? 1.0F : how.rows.weights[row];
    how.labels[i] = how.rows.labels[row];
    how.weights[i] = weight * engine::repeat(how.draw, a);
    how.margins[i] = how.rows.margins[row];
  }
}

/// Bins of one block of drawn rows and one group of features, in both layouts. Shapes: grid [blocks of drawn
/// rows, groups], flat; shared memory kTileBytes. Cost: a row's record is one sector, read once; both layouts
/// are written straight.
__global__ void __launch_bounds__(kThreads) gather_bins(Gathering how) {
  auto* const tile = shared_memory<std::uint8_t>();
  const unsigned n_features = how.bins.n_features, n_groups = (n_features + kGroupU - 1) / kGroupU;
  const std::uint32_t block = blockIdx.x / n_groups, first_row = block * kBlockRowsU;
  const unsigned first_feature = blockIdx.x % n_groups * kGroupU;
  const unsigned row_words = how.bins.record_stride(first_feature) / 4;
  const auto* const from = reinterpret_cast<const unsigned*>(how.bins.record_of(first_feature));
  const std::size_t n_padded = std::size_t{(how.n + kBlockRowsU - 1) / kBlockRowsU} * kBlockRowsU;
  auto* const to = reinterpret_cast<unsigned*>(how.records + first_feature * n_padded) +
                   std::size_t{first_row} * row_words;
  for (unsigned i = threadIdx.x; i < kBlockRowsU * row_words; i += kThreads) {
    const std::uint32_t row = first_row + i / row_words;
    const unsigned word = row < how.n ? from[std::size_t{how.drawn[row]} * row_words + i % row_words] : 0;
    to[i] = word;
    *reinterpret_cast<unsigned*>(tile + i / row_words * kTileStride + i % row_words * 4) = word;
  }
  __syncthreads();
  const unsigned n_here = std::min(unsigned{kGroupU}, n_features - first_feature);
  std::uint8_t* const columns = how.columns + (std::size_t{block} * n_features + first_feature) * kBlockRowsU;
  for (unsigned i = threadIdx.x; i < n_here * kBlockRowsU; i += kThreads)
    columns[i] = tile[i % kBlockRowsU * kTileStride + i / kBlockRowsU];
}

}  // namespace

void gather(const Stream& stream, const Gathering& how, unsigned most_blocks) {
  launch<gather_rows>(
      stream, {.grid = {std::min((how.n + kThreads - 1) / kThreads, most_blocks)}, .block = {kThreads}}, how);
  const unsigned n_blocks = (how.n + kBlockRowsU - 1) / kBlockRowsU;
  const unsigned n_groups = (how.bins.n_features + kGroupU - 1) / kGroupU;
  launch<gather_bins>(stream,
                      {.grid = {n_blocks * n_groups}, .block = {kThreads}, .shared_bytes = kTileBytes}, how);
}

}  // namespace coppice::kernels::cuda
