#include "cuda/growth.h"

#include <algorithm>
#include <cmath>

#include "cuda/block.h"
#include "cuda/histogram.h"
#include "cuda/partition.h"
#include "cuda/split.h"

namespace coppice::kernels::cuda {
namespace {

/// Shared memory of every phase: the memory of a phase follows.
struct SharedGrowth {
  std::int64_t sums[kWarp];
  double gains[kGrowthThreads / kWarp];
  int nodes[kGrowthThreads / kWarp];
  unsigned flag;
};
static_assert(sizeof(SharedGrowth) % alignof(SharedSearch) == 0 &&
              sizeof(SharedSearch) % alignof(CategoricalScratch) == 0);

// ---------------------------------------------------------------------------------------------------------
// The beginning: words of the kept rows, the root.

/// Exponents of the words, from the totals of the sweep.
struct WordExponents {
  int gradient, hessian;
};
__device__ WordExponents word_exponents(const Growth& g) {
  const SweepTotals& totals = g.state->totals;
  return {engine::word_exponent(totals.sum(g.exponents, kKeptGradient), totals.n_kept),
          engine::word_exponent(totals.sum(g.exponents, kKeptHessian), totals.n_kept)};
}

/// Turns the kept rows' gradients into words, and adds them up to the root's sum.
__device__ void quantise_rows(const Growth& g) {
  const WordExponents exponents = word_exponents(g);
  const float gradient_scale = engine::exp2_float(exponents.gradient);
  const float hessian_scale = engine::exp2_float(exponents.hessian);
  const std::uint32_t n_kept = g.state->totals.n_kept;
  Word sum = 0;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n_kept; i += gridDim.x * blockDim.x) {
    const std::uint32_t row = g.kept[0][i];
    const RowTerms terms = weigh(g.rows, row, g.rows.gradients[row]);
    const float times = engine::repeat(
        g.draw, engine::importance(terms.gradient, terms.hessian, g.draw.floor, g.draw.threshold));
    const Word word = engine::quantise(terms.gradient * times, terms.hessian * times, gradient_scale,
                                       hessian_scale, g.draw.rounding_key, row);
    g.words[0][i] = word;
    sum += word;
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0 && sum != 0) atomic_add(&g.state->root, sum);
}

/// The features of the level to be searched.
__device__ void draw_level_features(const Growth& g, int depth) {
  const FeatureList of_tree = features_of_tree(g);
  const std::size_t n = engine::sampled_size(of_tree.size, g.sampling.by_level);
  if (threadIdx.x == 0) g.state->n_level_features = static_cast<std::uint32_t>(n);
  if (g.sampling.by_level >= 1) return;
  const std::uint64_t key = engine::draw_key(g.sampling.seed, engine::Purpose::kLevelFeatures,
                                             g.sampling.round, static_cast<std::uint32_t>(depth));
  for (std::uint32_t place = threadIdx.x; place < of_tree.size; place += blockDim.x) {
    const std::uint64_t own = engine::mix64(key + of_tree.features[place]);
    std::size_t n_before = 0;
    for (std::uint32_t i = 0; i < of_tree.size; ++i) {
      const std::uint64_t other = engine::mix64(key + of_tree.features[i]);
      n_before += other < own || (other == own && i < place) ? 1 : 0;
    }
    g.in_level[place] = n_before < n ? 1 : 0;
  }
}

__device__ void make_node(const Growth& g, int node, int depth, Word sum) {
  g.nodes[node] = {.depth = depth, .sum = sum, .split = {}};
  g.route[node] = {};
  g.leaf_sums[node] = {};
}

/// Makes the root and, if it can split, the first work list. By one block.
__device__ void make_root(const Growth& g) {
  TreeState& state = *g.state;
  if (threadIdx.x == 0) {
    const WordExponents exponents = word_exponents(g);
    state.gradient_bits = exponents.gradient;
    state.hessian_bits = exponents.hessian;
    state.rule = g.rule;
    engine::set_units(exponents.gradient, exponents.hessian,
                      engine::gradient_noise(state.totals.sum(g.exponents, kSquares),
                                             state.totals.sum(g.exponents, kKeptHessian), g.subsample),
                      state.rule);
    make_node(g, 0, 0, state.root);
    state.n_nodes = 1;
    g.node_rows[0] = {0, state.totals.n_kept, 0};
    g.slots[0] = 0;
    g.pairs[0] = {};
    state.n_slots = 1;
    state.n_pairs = engine::can_split(g.nodes[0], 1, g.limits, state.rule) ? 1 : 0;
    state.n_tiles = n_tiles_of(state.totals.n_kept) * n_groups_of(features_of_tree(g));
  }
  draw_level_features(g, 0);
}

// ---------------------------------------------------------------------------------------------------------
// Between the search and the moving of rows: which nodes split.

__device__ bool is_open(const Growth& g, int node) {
  return g.nodes[node].is_splittable && g.nodes[node].left < 0;
}

/// Gives every searched node its best split.
__device__ void take_splits(const Growth& g) {
  const std::uint32_t n_octets = n_octets_of(features_of_tree(g).size);
  for (int i = static_cast<int>(threadIdx.x); i < 2 * g.state->n_pairs; i += static_cast<int>(blockDim.x)) {
    const Pair& pair = g.pairs[i / 2];
    const int node = i % 2 == 1 ? pair.sibling : (pair.searches_built ? pair.built : -1);
    if (node < 0) continue;
    const BlockSplit best = best_split(g.candidates + static_cast<std::size_t>(i) * n_octets, n_octets);
    engine::take_split(best.split, best.missing, g.state->rule, g.nodes[node]);
  }
}

/// Splits a node into children `left` and left + 1.
__device__ void split_node(const Growth& g, int node, int left) {
  GrownNode& parent = g.nodes[node];
  parent.left = left;
  g.route[node] = make_route_node(parent, node);
  make_node(g, left, parent.depth + 1, parent.split.left);
  make_node(g, left + 1, parent.depth + 1, parent.sum - parent.split.left);
}

__device__ bool is_worth_moving(const Growth& g, int left, int n_leaves) {
  return engine::can_split(g.nodes[left], n_leaves, g.limits, g.state->rule) ||
         engine::can_split(g.nodes[left + 1], n_leaves, g.limits, g.state->rule);
}

__device__ void push_pair(const Growth& g, int pair, int parent, std::uint32_t first_part) {
  Pair& to = g.pairs[pair];
  to = {};
  to.parent = parent;
  to.left = g.nodes[parent].left;
  to.first_part = first_part;
  to.built_slot = g.state->n_slots + pair;
  to.parent_slot = g.slots[parent];
}

__device__ void end_step(const Growth& g, int n_nodes, int n_pairs, std::uint32_t n_parts) {
  TreeState& state = *g.state;
  state.first_new = state.n_nodes;
  state.n_nodes = n_nodes;
  state.n_pairs = n_pairs;
  state.n_parts = n_parts;
  state.first_new_slot = state.n_slots;
  state.n_slots += n_pairs;
}

/// Leaves to spare.
__device__ int room_of(const Growth& g, int n_nodes) {
  const int n_leaves = (n_nodes + 1) / 2;
  return g.limits.max_leaves > 0 ? std::max(0, g.limits.max_leaves - n_leaves) : n_nodes;
}

/// The open node that splits first, -1: there is none. By all threads of a block.
__device__ int first_open_node(const Growth& g, int n_nodes, SharedGrowth& shared) {
  int best = -1;
  double gain = 0;
  const auto take = [&](int node, double of_node) {
    if (node < 0 || (best >= 0 && !engine::splits_before(of_node, node, gain, best))) return;
    best = node;
    gain = of_node;
  };
  for (int i = static_cast<int>(threadIdx.x); i < n_nodes; i += static_cast<int>(blockDim.x))
    if (is_open(g, i)) take(i, g.nodes[i].gain);
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const int node = __shfl_xor_sync(kAllLanes, best, distance);
    take(node, __shfl_xor_sync(kAllLanes, gain, distance));
  }
  if (threadIdx.x % kWarp == 0) {
    shared.nodes[threadIdx.x / kWarp] = best;
    shared.gains[threadIdx.x / kWarp] = gain;
  }
  __syncthreads();
  for (unsigned warp = 0; warp < blockDim.x / kWarp; ++warp) take(shared.nodes[warp], shared.gains[warp]);
  __syncthreads();
  return best;
}

/// Leaf-wise: splits the best open node; goes on while its children need no search.
__device__ void expand_best(const Growth& g, SharedGrowth& shared) {
  int n_nodes = g.state->n_nodes;
  int parent = -1;
  bool is_moving = false;
  while (!is_moving) {
    parent = room_of(g, n_nodes) > 0 ? first_open_node(g, n_nodes, shared) : -1;
    if (parent < 0) break;
    if (threadIdx.x == 0) split_node(g, parent, n_nodes);
    __syncthreads();
    n_nodes += 2;
    is_moving = is_worth_moving(g, n_nodes - 2, (n_nodes + 1) / 2);
  }
  if (threadIdx.x != 0) return;
  if (is_moving) push_pair(g, 0, parent, 0);
  end_step(g, n_nodes, is_moving ? 1 : 0, is_moving ? n_parts_of(g.node_rows[parent].size) : 0);
}

/// Depth-wise: is an open node among the `room` that split first?
__device__ bool is_chosen(const Growth& g, int node, int room) {
  for (int other = g.state->first_new; other < g.state->n_nodes; ++other) {
    if (!is_open(g, other) || !engine::splits_before(g.nodes[other].gain, other, g.nodes[node].gain, node))
      continue;
    if (--room == 0) return false;
  }
  return true;
}

/// Depth-wise: splits all open nodes, or those of highest gain when leaves run out.
__device__ void expand_level(const Growth& g, SharedGrowth& shared) {
  const TreeState& state = *g.state;
  const int first = state.first_new, end = state.n_nodes, step = static_cast<int>(blockDim.x);
  const int thread = static_cast<int>(threadIdx.x);
  int n_open = 0;
  for (int i = first + thread; i < end; i += step) n_open += is_open(g, i) ? 1 : 0;
  n_open = static_cast<int>(block_exclusive_sum(n_open, shared.sums).total);
  const int n_chosen = std::min(n_open, room_of(g, end));
  const int n_leaves = (end + 1) / 2 + n_chosen;
  int n_nodes = end, n_pairs = 0;
  std::uint32_t n_parts = 0;
  // Which nodes are chosen is settled before any of them gets children.
  for (int base = first; base < end; base += step) {
    const int node = base + thread;
    const bool chosen = node < end && is_open(g, node) && n_chosen > 0 &&
                        (n_chosen == n_open || is_chosen(g, node, n_chosen));
    if (node < end) g.slots[node] = chosen ? g.slots[node] : -1;
  }
  __syncthreads();
  for (int base = first; base < end; base += step) {
    const int node = base + thread;
    const bool chosen = node < end && g.slots[node] >= 0 && is_open(g, node);
    const BlockSum made = block_exclusive_sum(chosen ? 2 : 0, shared.sums);
    const int left = n_nodes + static_cast<int>(made.before);
    if (chosen) split_node(g, node, left);
    const bool is_moving = chosen && is_worth_moving(g, left, n_leaves);
    const std::uint32_t parts = is_moving ? n_parts_of(g.node_rows[node].size) : 0;
    const BlockSum work = block_exclusive_sum(is_moving ? (std::int64_t{1} << 32) + parts : 0, shared.sums);
    if (is_moving)
      push_pair(g, n_pairs + static_cast<int>(work.before >> 32), node,
                n_parts + static_cast<std::uint32_t>(work.before));
    n_nodes += static_cast<int>(made.total);
    n_pairs += static_cast<int>(work.total >> 32);
    n_parts += static_cast<std::uint32_t>(work.total);
  }
  __syncthreads();
  if (thread == 0) end_step(g, n_nodes, n_pairs, n_parts);
}

__device__ void expand(const Growth& g, SharedGrowth& shared) {
  take_splits(g);
  __syncthreads();
  if (g.limits.is_leaf_wise)
    expand_best(g, shared);
  else
    expand_level(g, shared);
}

// ---------------------------------------------------------------------------------------------------------
// Between the moving of rows and the next histograms: which child is built.

__device__ void settle_pair(const Growth& g, int n_leaves, Pair& pair) {
  const NodeRows parent = g.node_rows[pair.parent];
  const int left = pair.left, right = pair.left + 1;
  g.node_rows[left] = {parent.begin, pair.n_left, 1 - parent.buffer};
  g.node_rows[right] = {parent.begin + pair.n_left, parent.size - pair.n_left, 1 - parent.buffer};
  pair.built = pair.n_left <= parent.size - pair.n_left ? left : right;
  const int sibling = pair.built == left ? right : left;
  pair.searches_built = engine::can_split(g.nodes[pair.built], n_leaves, g.limits, g.state->rule);
  pair.sibling = engine::can_split(g.nodes[sibling], n_leaves, g.limits, g.state->rule) ? sibling : -1;
  g.slots[pair.built] = pair.built_slot;
  g.slots[sibling] = pair.parent_slot;
}

__device__ void plan_search(const Growth& g, SharedGrowth& shared) {
  TreeState& state = *g.state;
  const std::uint32_t n_groups = n_groups_of(features_of_tree(g));
  const int n_pairs = state.n_pairs;
  std::uint32_t n_tiles = 0;
  for (int base = 0; base < n_pairs; base += static_cast<int>(blockDim.x)) {
    const int i = base + static_cast<int>(threadIdx.x);
    std::uint32_t tiles = 0;
    if (i < n_pairs) {
      settle_pair(g, (state.n_nodes + 1) / 2, g.pairs[i]);
      tiles = n_tiles_of(g.node_rows[g.pairs[i].built].size) * n_groups;
    }
    const BlockSum sum = block_exclusive_sum(tiles, shared.sums);
    if (i < n_pairs) g.pairs[i].first_tile = n_tiles + static_cast<std::uint32_t>(sum.before);
    n_tiles += static_cast<std::uint32_t>(sum.total);
  }
  if (threadIdx.x == 0) state.n_tiles = n_tiles;
  draw_level_features(g, g.nodes[g.pairs[0].left].depth);
}

// ---------------------------------------------------------------------------------------------------------

/// The growth of a tree, see growth.h. Shapes: a cooperative launch of any number of blocks of
/// kGrowthThreads, with growth_shared_bytes of shared memory. Cost: three grid barriers a step; a kept row of
/// a built node reads 12 bytes and its record, one that is moved reads a bin and is copied (12 bytes).
/// Source: GrownTree and the growth loop of core, step by step; docs/decisions/008-cuda-session.md.
__global__ void __launch_bounds__(kGrowthThreads, 2) grow(Growth g) {
  SharedGrowth& shared = *shared_memory<SharedGrowth>();
  void* const memory = &shared + 1;
  clear_slots(g, 0, 1);
  quantise_rows(g);
  if (is_last_block(&g.state->arrived, &shared.flag)) make_root(g);
  grid_barrier();
  while (g.state->n_pairs > 0) {
    build_histograms(g, memory);
    grid_barrier();
    search_splits(g, memory);
    if (is_last_block(&g.state->arrived, &shared.flag)) expand(g, shared);
    grid_barrier();
    if (g.state->n_pairs == 0) break;
    move_rows(g, memory);
    if (is_last_block(&g.state->arrived, &shared.flag)) plan_search(g, shared);
    grid_barrier();
  }
}

}  // namespace

std::size_t growth_shared_bytes(std::uint32_t max_bins, bool has_categorical) noexcept {
  const std::size_t histogram = std::size_t{max_bins} * kGroup * (sizeof(int) + sizeof(unsigned));
  const std::size_t search =
      sizeof(SharedSearch) + (has_categorical ? kOctet * sizeof(CategoricalScratch) : 0);
  return sizeof(SharedGrowth) + std::max({histogram, search, sizeof(SharedPartition)});
}

unsigned most_growth_blocks(std::uint32_t max_bins, bool has_categorical) {
  return most_cooperative_blocks<grow>(kGrowthThreads, growth_shared_bytes(max_bins, has_categorical));
}

void grow_tree(const Stream& stream, const Growth& growth, unsigned n_blocks) {
  launch<grow>(stream,
               {.grid = {n_blocks},
                .block = {kGrowthThreads},
                .shared_bytes = growth_shared_bytes(growth.max_bins, growth.has_categorical),
                .is_cooperative = true},
               growth);
}

}  // namespace coppice::kernels::cuda
