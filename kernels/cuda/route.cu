#include "cuda/route.h"

#include <algorithm>

#include "cuda/block.h"

namespace coppice::kernels::cuda {
namespace {

constexpr unsigned kThreads = kBlockRowsU;

__device__ std::uint32_t leaf_of(const RouteTree& tree, const BinsView& bins, std::uint32_t row) {
  std::int32_t at = 0;
  for (;;) {
    const RouteNode node = tree.nodes[at];
    if (node.left < 0) return static_cast<std::uint32_t>(at);
    at = node.left + (tree.goes_right(node, bins.bin(row, node.key >> 9)) ? 1 : 0);
  }
}

/// A row's share of its leaf's sums, in the scales of its block.
struct LeafTerm {
  std::int32_t gradient, hessian;
};

/// Exponents of a block's terms.
struct BlockScales {
  int gradient, hessian;

  __device__ BlockScales(const LeafSumming& how, unsigned block)
      : gradient(engine::block_exponent(how.rows.largest_gradient[block], how.gradient_exponent)),
        hessian(engine::block_exponent(how.rows.largest_hessian[block], how.hessian_exponent)) {}

  [[nodiscard]] __device__ LeafTerm term(const LeafSumming& how, std::uint32_t row) const {
    const RowTerms terms = weigh(how.rows, row, how.rows.gradients[row]);
    return {engine::round_nearest(terms.gradient, engine::exp2_float(gradient)),
            engine::round_nearest(terms.hessian, engine::exp2_float(hessian))};
  }
  /// Terms, or sums of them over the block, in the exponents of the 64-bit sums.
  [[nodiscard]] __device__ engine::LeafSum wide(const LeafSumming& how, LeafTerm sum) const {
    return {static_cast<std::int64_t>(sum.gradient) * (std::int64_t{1} << (how.gradient_exponent - gradient)),
            static_cast<std::int64_t>(sum.hessian) * (std::int64_t{1} << (how.hessian_exponent - hessian))};
  }
};

__device__ void add_to(engine::LeafSum& to, const engine::LeafSum& sum) {
  if (sum.gradient != 0) atomic_add(&to.gradient, sum.gradient);
  if (sum.hessian != 0) atomic_add(&to.hessian, sum.hessian);
}

/// Sums of the leaves in shared memory: of a block of rows in 32 bits, over the blocks in 64.
struct SharedSums {
  engine::LeafSum* wide;
  LeafTerm* narrow;

  __device__ explicit SharedSums(int n_nodes)
      : wide(shared_memory<engine::LeafSum>()), narrow(reinterpret_cast<LeafTerm*>(wide + n_nodes)) {}
};
constexpr std::size_t kSharedNodeBytes = sizeof(engine::LeafSum) + sizeof(LeafTerm);

/// Sweep B for trees whose sums fit in shared memory (kSharedNodeBytes a node). Shapes: a block of kThreads
/// takes one block of rows after another. Cost: a row reads a bin for each level, its gradient and weight,
/// and writes its leaf; each block of threads adds its sums to global memory once. Source: the leaf sums in
/// docs/determinism.md, exact integers in any order.
__global__ void __launch_bounds__(kThreads) sum_small_tree(LeafSumming how) {
  const int n_nodes = *how.n_nodes;
  if (n_nodes > kSharedLeafNodes) return;
  const SharedSums shared(n_nodes);
  for (int node = static_cast<int>(threadIdx.x); node < n_nodes; node += static_cast<int>(kThreads)) {
    shared.wide[node] = {};
    shared.narrow[node] = {};
  }
  __syncthreads();
  for (unsigned block = blockIdx.x; block < how.bins.n_blocks(); block += gridDim.x) {
    const std::uint32_t row = block * kBlockRowsU + threadIdx.x;
    const BlockScales scales(how, block);
    if (row < how.bins.n_rows) {
      const std::uint32_t leaf = leaf_of(how.tree, how.bins, row);
      how.rows.leaves[row] = leaf;
      const LeafTerm term = scales.term(how, row);
      atomicAdd(&shared.narrow[leaf].gradient, term.gradient);
      atomicAdd(&shared.narrow[leaf].hessian, term.hessian);
    }
    __syncthreads();
    for (int node = static_cast<int>(threadIdx.x); node < n_nodes; node += static_cast<int>(kThreads)) {
      const engine::LeafSum sum = scales.wide(how, shared.narrow[node]);
      shared.wide[node].gradient += sum.gradient;
      shared.wide[node].hessian += sum.hessian;
      shared.narrow[node] = {};
    }
    __syncthreads();
  }
  for (int node = static_cast<int>(threadIdx.x); node < n_nodes; node += static_cast<int>(kThreads))
    add_to(how.sums[node], shared.wide[node]);
}

/// The same for larger trees: every row adds to global memory.
__global__ void __launch_bounds__(kThreads) sum_large_tree(LeafSumming how) {
  if (*how.n_nodes <= kSharedLeafNodes) return;
  for (unsigned block = blockIdx.x; block < how.bins.n_blocks(); block += gridDim.x) {
    const std::uint32_t row = block * kBlockRowsU + threadIdx.x;
    if (row >= how.bins.n_rows) continue;
    const std::uint32_t leaf = leaf_of(how.tree, how.bins, row);
    how.rows.leaves[row] = leaf;
    const BlockScales scales(how, block);
    add_to(how.sums[leaf], scales.wide(how, scales.term(how, row)));
  }
}

/// Copies n values, eight bytes at a time; by all threads of the grid.
template <class T>
__device__ void copy_values(const T* from, T* to, std::size_t n) {
  static_assert(sizeof(T) % sizeof(std::uint64_t) == 0 && alignof(T) == alignof(std::uint64_t));
  const std::size_t n_words = n * (sizeof(T) / sizeof(std::uint64_t)),
                    step = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < n_words; i += step)
    reinterpret_cast<std::uint64_t*>(to)[i] = reinterpret_cast<const std::uint64_t*>(from)[i];
}

/// See send_tree. Shapes: any grid. Cost: 112 bytes a node over the bus.
__global__ void __launch_bounds__(kThreads) copy_tree(GrownArrays from, GrownArrays to) {
  const auto n_nodes = static_cast<std::size_t>(from.state->n_nodes);
  copy_values(from.state, to.state, 1);
  copy_values(from.nodes, to.nodes, n_nodes);
  copy_values(from.sums, to.sums, n_nodes);
}

/// The calling thread's rows of n.
template <class Visit>
__device__ void for_rows(std::uint32_t n, const Visit& visit) {
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x) visit(i);
}

/// margins [n_rows] += weights[leaf], by node number. Cost: a row reads a bin for each level of the tree.
__global__ void __launch_bounds__(kThreads)
    add_tree_rows(BinsView bins, RouteTree tree, const float* weights, float* margins) {
  for_rows(bins.n_rows, [&](std::uint32_t row) { margins[row] += weights[leaf_of(tree, bins, row)]; });
}

/// margins += leaf weights of the training rows, whose leaves are known.
__global__ void __launch_bounds__(kThreads) add_leaf_rows(RowsView rows, std::uint32_t n_rows) {
  for_rows(n_rows, [&](std::uint32_t row) { rows.margins[row] += rows.leaf_weights[rows.leaves[row]]; });
}

/// values [n] = value.
__global__ void __launch_bounds__(kThreads) fill_rows(float* values, std::uint32_t n, float value) {
  for_rows(n, [&](std::uint32_t row) { values[row] = value; });
}

LaunchShape shape_of(std::uint32_t n_rows, unsigned most_blocks) {
  return {.grid = {std::min((n_rows + kThreads - 1) / kThreads, most_blocks)}, .block = {kThreads}};
}

}  // namespace

void sum_leaves(const Stream& stream, const LeafSumming& how, int max_nodes, unsigned most_blocks) {
  LaunchShape shape = shape_of(how.bins.n_rows, most_blocks);
  if (max_nodes > kSharedLeafNodes) launch<sum_large_tree>(stream, shape, how);
  shape.shared_bytes = static_cast<std::size_t>(std::min(max_nodes, kSharedLeafNodes)) * kSharedNodeBytes;
  launch<sum_small_tree>(stream, shape, how);
}

void send_tree(const Stream& stream, const GrownArrays& from, const GrownArrays& to, std::size_t max_nodes) {
  constexpr std::size_t kMostBlocks = 64;  // enough for the bus
  const std::size_t n_words = max_nodes * (sizeof(GrownNode) / sizeof(std::uint64_t));
  const auto n_blocks = static_cast<unsigned>(std::min(kMostBlocks, (n_words + kThreads - 1) / kThreads));
  launch<copy_tree>(stream, {.grid = {n_blocks}, .block = {kThreads}}, from, to);
}

void add_tree(const Stream& stream, const BinsView& bins, const RouteTree& tree, const float* weights,
              float* margins, unsigned most_blocks) {
  launch<add_tree_rows>(stream, shape_of(bins.n_rows, most_blocks), bins, tree, weights, margins);
}

void add_leaf_weights(const Stream& stream, const RowsView& rows, std::uint32_t n_rows,
                      unsigned most_blocks) {
  launch<add_leaf_rows>(stream, shape_of(n_rows, most_blocks), rows, n_rows);
}

void fill(const Stream& stream, float* values, std::uint32_t n, float value, unsigned most_blocks) {
  launch<fill_rows>(stream, shape_of(n, most_blocks), values, n, value);
}

}  // namespace coppice::kernels::cuda
