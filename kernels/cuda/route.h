// Sweep B on the device: every row through the grown tree, exact sums for its leaves; the tree on its way to
// the host; and finished trees for tables that follow along.
#pragma once

#include "cuda/growth.h"

namespace coppice::kernels::cuda {

class Stream;

struct LeafSumming {
  BinsView bins;
  RowsView rows;
  RouteTree tree;
  const int* n_nodes = nullptr;  ///< of the tree, on the device
  int gradient_exponent = 0;     ///< of the 64-bit sums
  int hessian_exponent = 0;
  engine::LeafSum* sums = nullptr;  ///< by node number; added to
};

/// Nodes of trees whose leaf sums are gathered in shared memory; larger trees add to global memory, row by
/// row.
inline constexpr int kSharedLeafNodes = 2048;

/// Enqueues the routing of all rows: rows.leaves and the sums. max_nodes: what the tree may have.
void sum_leaves(const Stream& stream, const LeafSumming& how, int max_nodes, unsigned most_blocks);

/// A grown tree with its sums: on the device, or in pinned memory of the host.
struct GrownArrays {
  TreeState* state = nullptr;
  GrownNode* nodes = nullptr;
  LeafSum* sums = nullptr;
};

/// Enqueues the copy of a tree's state, and of as many nodes and sums as it has, to pinned memory. max_nodes:
/// what the tree may have. A kernel does it, because only the device knows how many there are.
void send_tree(const Stream& stream, const GrownArrays& from, const GrownArrays& to, std::size_t max_nodes);

/// Enqueues margins [n_rows] += weights[leaf].
void add_tree(const Stream& stream, const BinsView& bins, const RouteTree& tree, const float* weights,
              float* margins, unsigned most_blocks);

/// Enqueues margins[i] += weights[leaves[i]] of the training rows: what the next sweep would do first.
void add_leaf_weights(const Stream& stream, const RowsView& rows, std::uint32_t n_rows, unsigned most_blocks);

/// Enqueues values[i] = value.
void fill(const Stream& stream, float* values, std::uint32_t n, float value, unsigned most_blocks);

}  // namespace coppice::kernels::cuda
