// Moving the kept rows of split nodes to their children.
//
// A tile counts its left rows, takes a place in the node's stretch of the other row buffer, left rows from
// the front and right rows from the back, and writes: no count beforehand, no copy back. In what order rows
// lie in a node is of no consequence, because all sums over them are integers.
#pragma once

#include "cuda/block.h"
#include "cuda/growth.h"

namespace coppice::kernels::cuda {

inline constexpr unsigned kGrowthThreads = 256;
inline constexpr unsigned kPartRounds = 8;  ///< rows of a tile that one thread moves
inline constexpr std::uint32_t kPartRows = kGrowthThreads * kPartRounds;

[[nodiscard]] COPPICE_HOST_DEVICE inline std::uint32_t n_parts_of(std::uint32_t n_rows) noexcept {
  return (n_rows + kPartRows - 1) / kPartRows;
}

inline constexpr unsigned kPartWarps = kGrowthThreads / kWarp;

struct SharedPartition {
  /// Left rows of a warp in a round, [round][warp]; then of all before it.
  unsigned n_left[kPartRounds * kPartWarps];
  unsigned first_left, first_right;
};

/// Turns counts into places and takes the tile's stretches; by the first warp.
__device__ inline void take_places(Pair& pair, std::uint32_t n_rows, SharedPartition& shared) {
  static_assert(kPartRounds * kPartWarps == 2 * kWarp);
  const unsigned lane = threadIdx.x;
  const unsigned first = shared.n_left[2 * lane], second = shared.n_left[2 * lane + 1];
  const auto before = static_cast<unsigned>(warp_exclusive_sum(first + second));
  shared.n_left[2 * lane] = before;
  shared.n_left[2 * lane + 1] = before + first;
  if (lane != kWarp - 1) return;
  const unsigned n_left = before + first + second;
  shared.first_left = atomicAdd(&pair.n_left, n_left);
  shared.first_right = atomicAdd(&pair.n_right, n_rows - n_left);
}

__device__ inline void move_tile(const Growth& g, Pair& pair, std::uint32_t tile, SharedPartition& shared) {
  const NodeRows rows = g.node_rows[pair.parent];
  const RouteNode split = g.route[pair.parent];
  const RouteTree tree{g.route, g.nodes};
  const std::uint32_t feature = split.key >> 9, begin = tile * kPartRows;
  const std::uint32_t n = std::min(std::uint32_t{kPartRows}, rows.size - begin);
  const std::uint32_t* const kept = g.kept[rows.buffer] + rows.begin + begin;
  const Word* const words = g.words[rows.buffer] + rows.begin + begin;
  const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  unsigned lefts[kPartRounds];
  for (unsigned round = 0; round < kPartRounds; ++round) {
    const std::uint32_t i = round * kGrowthThreads + threadIdx.x;
    const bool is_left = i < n && !tree.goes_right(split, g.bins.bin(kept[i], feature));
    lefts[round] = __ballot_sync(kAllLanes, is_left ? 1 : 0);
    if (lane == 0) shared.n_left[round * kPartWarps + warp] = static_cast<unsigned>(__popc(lefts[round]));
  }
  __syncthreads();
  if (warp == 0) take_places(pair, n, shared);
  __syncthreads();
  std::uint32_t* const to_kept = g.kept[1 - rows.buffer] + rows.begin;
  Word* const to_words = g.words[1 - rows.buffer] + rows.begin;
  for (unsigned round = 0; round < kPartRounds; ++round) {
    const std::uint32_t i = round * kGrowthThreads + threadIdx.x;
    if (i >= n) continue;
    const unsigned left_before = shared.n_left[round * kPartWarps + warp] +
                                 static_cast<unsigned>(__popc(lefts[round] & ((1U << lane) - 1)));
    const bool is_left = (lefts[round] >> lane & 1) != 0;
    const std::uint32_t to =
        is_left ? shared.first_left + left_before : rows.size - 1 - (shared.first_right + (i - left_before));
    to_kept[to] = kept[i];
    to_words[to] = words[i];
  }
  __syncthreads();
}

/// Zeros for the histograms that the next phase adds to.
__device__ inline void clear_slots(const Growth& g, int first_slot, int n_slots) {
  Word* const words = g.histograms + static_cast<std::size_t>(first_slot) * g.slot_words;
  const std::size_t n = static_cast<std::size_t>(n_slots) * g.slot_words;
  const std::size_t step = static_cast<std::size_t>(gridDim.x) * blockDim.x;
  for (std::size_t i = static_cast<std::size_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < n; i += step)
    words[i] = 0;
}

/// The phase.
__device__ inline void move_rows(const Growth& g, void* memory) {
  SharedPartition& shared = *static_cast<SharedPartition*>(memory);
  const int n_pairs = g.state->n_pairs;
  clear_slots(g, g.state->first_new_slot, n_pairs);
  for (std::uint32_t part = blockIdx.x; part < g.state->n_parts; part += gridDim.x) {
    Pair& pair = g.pairs[last_not_above(static_cast<unsigned>(n_pairs), part,
                                        [&](unsigned i) { return g.pairs[i].first_part; })];
    move_tile(g, pair, part - pair.first_part, shared);
  }
}

}  // namespace coppice::kernels::cuda
