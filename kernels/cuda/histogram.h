// Histograms: sums of words by feature and bin.
//
// Lane = feature: a warp takes a row, each lane adds the row's word to its own feature's bin. Histograms lie
// in shared memory as [bin][lane], gradients and hessians apart, so that the lanes of a warp never meet in a
// bank, whatever the data, and each add is one 32-bit instruction. Sums fit 32 bits because those of all kept
// rows do. Where a group has at most 16 features, a warp takes several rows at a time, in copies side by
// side.
#pragma once

#include "cuda/block.h"
#include "cuda/growth.h"

namespace coppice::kernels::cuda {

/// Rows that one block adds before another could help: adding them costs about as much as bringing the
/// block's histograms to global memory.
inline constexpr std::uint32_t kTileRows = 256;

[[nodiscard]] COPPICE_HOST_DEVICE inline std::uint32_t n_tiles_of(std::uint32_t n_rows) noexcept {
  return (n_rows + kTileRows - 1) / kTileRows;
}

/// The tree's features.
__device__ inline FeatureList features_of_tree(const Growth& g) {
  return g.state->totals.n_kept < g.screening_rows ? g.all_features : g.screened_features;
}
[[nodiscard]] COPPICE_HOST_DEVICE inline std::uint32_t n_groups_of(const FeatureList& list) noexcept {
  return (list.size + kGroup - 1) / kGroup;
}

/// A group's histogram in a slot: [bin][feature of the group].
__device__ inline Word* histogram_of(const Growth& g, int slot, std::uint32_t group) {
  return g.histograms + static_cast<std::size_t>(slot) * g.slot_words +
         static_cast<std::size_t>(group) * g.max_bins * kGroup;
}

/// A block's histograms in shared memory.
struct SharedHistogram {
  int* gradients;      ///< [max_bins][32]
  unsigned* hessians;  ///< the same

  __device__ SharedHistogram(void* memory, std::uint32_t max_bins)
      : gradients(static_cast<int*>(memory)), hessians(static_cast<unsigned*>(memory) + max_bins * kGroup) {}
};

/// The features of a group and how lanes share them.
struct LaneFeatures {
  FeatureList list;    ///< of the group
  unsigned width = 4;  ///< lanes of one row: 4, 8, 16 or 32

  __device__ LaneFeatures(const FeatureList& of_tree, std::uint32_t group)
      : list{of_tree.features + group * kGroup,
             std::min(std::uint32_t{kGroup}, of_tree.size - group * kGroup)} {
    while (width < list.size) width *= 2;
  }
};

/// Rows of one tile: [begin, end) of a row buffer.
struct TileRows {
  std::uint32_t begin, end;
  int buffer;
};

/// Adds the rows of a tile. Loads of a few rows are under way at a time.
__device__ inline void add_rows(const Growth& g, const LaneFeatures& lanes, const TileRows& tile,
                                const SharedHistogram& to) {
  constexpr std::uint32_t kAtOnce = 8;
  const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  const unsigned place = lane % lanes.width;
  if (place >= lanes.list.size) return;
  const std::uint32_t feature = lanes.list.features[place];
  const std::uint8_t* const bins = g.bins.record_of(feature);
  const std::size_t stride = g.bins.record_stride(feature);
  const std::uint32_t* const kept = g.kept[tile.buffer];
  const Word* const words = g.words[tile.buffer];
  const std::uint32_t rows_at_once = kWarp / lanes.width;
  const std::uint32_t step = blockDim.x / kWarp * rows_at_once;
  for (std::uint32_t i = tile.begin + warp * rows_at_once + lane / lanes.width; i < tile.end;
       i += kAtOnce * step) {
    Word word[kAtOnce];
    unsigned bin[kAtOnce];
    for (std::uint32_t k = 0; k < kAtOnce; ++k) {
      const bool exists = k * step < tile.end - i;
      const std::uint32_t at = exists ? i + k * step : i;
      word[k] = exists ? words[at] : 0;
      bin[k] = bins[kept[at] * stride];
    }
    for (std::uint32_t k = 0; k < kAtOnce; ++k) {
      atomicAdd(&to.gradients[bin[k] * kGroup + lane], engine::gradient_of(word[k]));
      atomicAdd(&to.hessians[bin[k] * kGroup + lane], engine::hessian_of(word[k]));
    }
  }
}

__device__ inline void clear_histogram(const Growth& g, const SharedHistogram& histogram) {
  for (std::uint32_t i = threadIdx.x; i < g.max_bins * kGroup; i += blockDim.x) {
    histogram.gradients[i] = 0;
    histogram.hessians[i] = 0;
  }
}

/// Adds what is in shared memory to a histogram, and leaves zeros.
__device__ inline void flush_histogram(const Growth& g, const LaneFeatures& lanes,
                                       const SharedHistogram& from, Word* to) {
  for (std::uint32_t i = threadIdx.x; i < g.max_bins * lanes.width; i += blockDim.x) {
    const std::uint32_t bin = i / lanes.width, place = i % lanes.width;
    int gradient = 0;
    unsigned hessian = 0;
    for (unsigned copy = place; copy < kWarp; copy += lanes.width) {
      const std::uint32_t at = bin * kGroup + copy;
      gradient += from.gradients[at];
      hessian += from.hessians[at];
      from.gradients[at] = 0;
      from.hessians[at] = 0;
    }
    if (gradient != 0 || hessian != 0)
      atomic_add(&to[bin * kGroup + place], engine::pack(gradient, static_cast<std::int32_t>(hessian)));
  }
}

/// The phase: each block takes a run of neighbouring tiles, so that most of them add to the same histogram.
__device__ inline void build_histograms(const Growth& g, void* memory) {
  const std::uint64_t n_tiles = g.state->n_tiles;
  const auto begin = static_cast<std::uint32_t>(n_tiles * blockIdx.x / gridDim.x);
  const auto end = static_cast<std::uint32_t>(n_tiles * (blockIdx.x + 1) / gridDim.x);
  if (begin == end) return;
  const SharedHistogram histogram(memory, g.max_bins);
  const FeatureList of_tree = features_of_tree(g);
  clear_histogram(g, histogram);
  __syncthreads();
  const auto n_pairs = static_cast<unsigned>(g.state->n_pairs);
  for (std::uint32_t t = begin; t < end;) {
    const Pair& pair = g.pairs[last_not_above(n_pairs, t, [&](unsigned i) { return g.pairs[i].first_tile; })];
    const NodeRows& rows = g.node_rows[pair.built];
    const std::uint32_t of_group = n_tiles_of(rows.size), first = t - pair.first_tile;
    const std::uint32_t group = first / of_group;
    const LaneFeatures lanes(of_tree, group);
    const std::uint32_t stop = std::min(end, pair.first_tile + (group + 1) * of_group);
    const std::uint32_t row = (first - group * of_group) * kTileRows;
    add_rows(g, lanes,
             {rows.begin + row, rows.begin + std::min(rows.size, row + (stop - t) * kTileRows), rows.buffer},
             histogram);
    __syncthreads();
    flush_histogram(g, lanes, histogram, histogram_of(g, pair.built_slot, group));
    __syncthreads();
    t = stop;
  }
}

}  // namespace coppice::kernels::cuda
