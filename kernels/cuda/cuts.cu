// Cuts on the device. Distinct values are found in all rows by a hash table for each column; quantiles are
// read off the sorted keys of the sampled rows.
#include <coppice/detail/quantiles.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "cuda/binning.h"
#include "cuda/launch.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;
/// Slots of a column's hash table: four a value, as many columns have few.
constexpr unsigned kSlots = 1024;
constexpr unsigned kEmpty = 0xffffffff;  // the bits of a NaN, which is no value
/// Sort key of a missing value: behind all numbers.
constexpr detail::SortKey kMissingKey = 0xffffffff;
/// Floats that are on the device at a time, at least one column; and columns, which are the y of a grid.
constexpr std::size_t kBatchValues = std::size_t{1} << 26;
constexpr std::size_t kBatchColumns = 4096;

/// Columns [n_columns, n_rows] of a batch, and what is found about each.
struct ColumnBatch {
  const float* values;
  std::size_t n_rows;
  unsigned* slots;  ///< [n_columns, kSlots] bits of distinct values
  unsigned* n_distinct;
};

/// Puts the distinct values of column blockIdx.y into its table, and gives up above `limit`. Shapes: grid
/// [any, n_columns]; the slots are kEmpty and n_distinct 0 before. Cost: each value is read once; columns of
/// many values end early.
__global__ void find_distinct(ColumnBatch batch, unsigned limit) {
  const float* column = batch.values + blockIdx.y * batch.n_rows;
  unsigned* slots = batch.slots + blockIdx.y * kSlots;
  unsigned* n_distinct = batch.n_distinct + blockIdx.y;
  const std::size_t step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t row = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; row < batch.n_rows;
       row += step) {
    const float value = column[row];
    if (value != value) continue;
    const auto bits = std::bit_cast<unsigned>(value + 0.0F);  // -0 is 0
    for (unsigned slot = bits * 0x9e3779b1U >> 22;; slot = (slot + 1) % kSlots) {
      unsigned found = relaxed_load(&slots[slot]);
      if (found == kEmpty) {
        found = atomicCAS(&slots[slot], kEmpty, bits);
        if (found == kEmpty && atomicAdd(n_distinct, 1U) >= limit) return;
      }
      if (found == kEmpty || found == bits) break;
      if (relaxed_load(n_distinct) > limit) return;  // the table may be full
    }
  }
}

/// Sort keys of the sampled rows of column blockIdx.y: column << 32 | key, so that one sort orders a batch;
/// weighted, key << 32 | row, for a batch of one. Shapes: grid [n_sample / kThreads, n_columns], keys
/// [n_columns, n_sample].
__global__ void gather_keys(ColumnBatch batch, const std::uint32_t* sample, std::size_t n_sample,
                            bool is_weighted, std::uint64_t* keys) {
  const std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (i >= n_sample) return;
  const float value = batch.values[blockIdx.y * batch.n_rows + sample[i]];
  const std::uint64_t key = value != value ? kMissingKey : detail::sort_key(value);
  keys[blockIdx.y * n_sample + i] =
      is_weighted ? key << 32 | sample[i] : std::uint64_t{blockIdx.y} << 32 | key;
}

/// Sorted keys of one column, by rank.
struct SortedKeys {
  const std::uint64_t* keys;
  std::size_t n;  ///< missing values left out

  __device__ detail::SortKey key(std::size_t rank) const { return static_cast<detail::SortKey>(keys[rank]); }
  __device__ std::size_t size() const { return n; }
  __device__ float at(std::size_t rank) const { return detail::value_of(key(rank)); }
  /// The first rank in [begin, end) whose key is at least `bound`.
  __device__ std::size_t lower_bound(std::size_t begin, std::size_t end, std::uint64_t bound) const {
    while (begin < end) {
      const std::size_t middle = begin + (end - begin) / 2;
      if (key(middle) < bound)
        begin = middle + 1;
      else
        end = middle;
    }
    return begin;
  }
  __device__ detail::Run run_of(std::size_t rank) const {
    const std::uint64_t k = key(rank);
    return {lower_bound(0, rank, k), lower_bound(rank, n, k + 1)};
  }
};

/// Quantile cuts of one column for each thread. Shapes: keys [n_columns, n_sample] sorted, cuts [n_columns,
/// kMaxValueBins], of which n_cuts [n_columns] are set. Cost: two binary searches for each cut. Source:
/// detail::append_quantiles.
__global__ void find_quantiles(const std::uint64_t* keys, std::size_t n_sample, unsigned n_columns,
                               int max_bin, bool fine_tails, float* cuts, unsigned* n_cuts) {
  const unsigned column = blockIdx.x * blockDim.x + threadIdx.x;
  if (column >= n_columns) return;
  SortedKeys sorted{keys + column * n_sample, n_sample};
  sorted.n = sorted.lower_bound(0, n_sample, kMissingKey);
  unsigned n = 0;
  detail::append_quantiles(detail::ByRank(sorted), max_bin, fine_tails,
                           [&](float cut) { cuts[column * kMaxValueBins + n++] = cut; });
  n_cuts[column] = n;
}

unsigned blocks_for(std::size_t n) {
  constexpr std::size_t kMostBlocks = 1024;  // more rows than that go round
  return static_cast<unsigned>(std::clamp<std::size_t>((n + kThreads - 1) / kThreads, 1, kMostBlocks));
}

/// Makes the cuts of a table, a batch of numeric columns at a time.
class CutMaker {
 public:
  CutMaker(const Dataset& data, const CutOptions& options)
      : data_(data), options_(options), sample_(cut_sample(data.n_rows, options)) {
    device_sample_ = upload(stream_, std::span<const std::uint32_t>(sample_));
  }

  /// cuts[f] of the features in `batch`.
  void make(std::span<const std::size_t> batch, std::vector<std::vector<float>>& cuts);

 private:
  std::vector<std::uint64_t> sorted_pairs(const ColumnBatch& columns, std::size_t column);

  Stream stream_;
  const Dataset& data_;
  const CutOptions options_;
  std::vector<std::uint32_t> sample_;
  DeviceBuffer<std::uint32_t> device_sample_;
};

/// The sampled numbers of one column with their rows, ascending.
std::vector<std::uint64_t> CutMaker::sorted_pairs(const ColumnBatch& columns, std::size_t column) {
  DeviceBuffer<std::uint64_t> keys(sample_.size());
  ColumnBatch one = columns;
  one.values += column * columns.n_rows;
  const auto n_blocks = static_cast<unsigned>((sample_.size() + kThreads - 1) / kThreads);
  launch<gather_keys>(stream_, {.grid = {n_blocks}, .block = {kThreads}}, one, device_sample_.data(),
                      sample_.size(), true, keys.data());
  keys = sorted(stream_, std::move(keys));
  std::vector<std::uint64_t> pairs(sample_.size());
  copy_to_host(stream_, std::span(pairs), keys.data());
  stream_.synchronize();
  const auto missing = std::ranges::lower_bound(pairs, std::uint64_t{kMissingKey} << 32);
  pairs.erase(missing, pairs.end());
  return pairs;
}

void CutMaker::make(std::span<const std::size_t> batch, std::vector<std::vector<float>>& cuts) {
  const auto n_columns = static_cast<unsigned>(batch.size());
  DeviceBuffer<float> values(batch.size() * data_.n_rows);
  for (std::size_t i = 0; i < batch.size(); ++i)
    copy_to_device(stream_, values.data() + i * data_.n_rows, data_.columns[batch[i]]);
  DeviceBuffer<unsigned> slots(batch.size() * kSlots), n_distinct(batch.size()), n_cuts(batch.size());
  fill_bytes(stream_, slots.data(), 0xff, slots.size());
  fill_bytes(stream_, n_distinct.data(), 0, n_distinct.size());
  const ColumnBatch columns{values.data(), data_.n_rows, slots.data(), n_distinct.data()};
  launch<find_distinct>(stream_, {.grid = {blocks_for(data_.n_rows), n_columns}, .block = {kThreads}},
                        columns, static_cast<unsigned>(options_.max_bin));
  const bool is_weighted = !data_.weights.empty();
  DeviceBuffer<std::uint64_t> keys(is_weighted ? 0 : batch.size() * sample_.size());
  DeviceBuffer<float> found(batch.size() * kMaxValueBins);
  if (!is_weighted) {
    const auto n_blocks = static_cast<unsigned>((sample_.size() + kThreads - 1) / kThreads);
    launch<gather_keys>(stream_, {.grid = {n_blocks, n_columns}, .block = {kThreads}}, columns,
                        device_sample_.data(), sample_.size(), false, keys.data());
    keys = sorted(stream_, std::move(keys));
    launch<find_quantiles>(stream_, {.grid = {(n_columns + 31) / 32}, .block = {32}}, keys.data(),
                           sample_.size(), n_columns, options_.max_bin, options_.fine_tails, found.data(),
                           n_cuts.data());
  }
  std::vector<unsigned> host_slots(slots.size()), host_distinct(batch.size()), host_n_cuts(batch.size());
  std::vector<float> host_found(found.size());
  copy_to_host(stream_, std::span(host_slots), slots.data());
  copy_to_host(stream_, std::span(host_distinct), n_distinct.data());
  if (!is_weighted) {
    copy_to_host(stream_, std::span(host_n_cuts), n_cuts.data());
    copy_to_host(stream_, std::span(host_found), found.data());
  }
  stream_.synchronize();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::vector<float>& made = cuts[batch[i]];
    if (host_distinct[i] <= static_cast<unsigned>(options_.max_bin)) {
      std::vector<float> distinct;
      for (const unsigned bits : std::span(host_slots).subspan(i * kSlots, kSlots))
        if (bits != kEmpty) distinct.push_back(std::bit_cast<float>(bits));
      std::ranges::sort(distinct);
      detail::append_gaps(distinct, made);
    } else if (is_weighted) {
      detail::append_weighted_quantiles(sorted_pairs(columns, i), data_.weights, options_.max_bin,
                                        options_.fine_tails, made);
    } else {
      const auto quantiles = std::span(host_found).subspan(i * kMaxValueBins, host_n_cuts[i]);
      made.assign(quantiles.begin(), quantiles.end());
    }
  }
}

}  // namespace

Cuts make_cuts(const Dataset& data, const CutOptions& options) {
  std::vector<std::size_t> numeric;
  for (std::size_t f = 0; f < data.n_features(); ++f)
    if (data.schema.features[f].kind != FeatureKind::kCategorical) numeric.push_back(f);
  std::vector<std::vector<float>> made(data.n_features());
  if (!numeric.empty() && data.n_rows > 0) {
    CutMaker maker(data, options);
    const std::size_t batch_size = std::clamp<std::size_t>(kBatchValues / data.n_rows, 1, kBatchColumns);
    for (std::size_t begin = 0; begin < numeric.size(); begin += batch_size)
      maker.make(std::span(numeric).subspan(begin, std::min(batch_size, numeric.size() - begin)), made);
  }
  Cuts cuts;
  for (std::size_t f = 0; f < data.n_features(); ++f) {
    const Feature& feature = data.schema.features[f];
    cuts.values.insert(cuts.values.end(), made[f].begin(), made[f].end());
    cuts.offsets.push_back(static_cast<std::uint32_t>(cuts.values.size()));
    cuts.n_codes.push_back(feature.kind == FeatureKind::kCategorical
                               ? static_cast<std::uint16_t>(feature.categories.size() + 1)
                               : std::uint16_t{0});
  }
  return cuts;
}

}  // namespace coppice::kernels::cuda
