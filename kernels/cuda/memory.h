// What a session keeps on the device, and what copies read and write on the host meanwhile.
#pragma once

#include <coppice/binned_matrix.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "cuda/device.h"
#include "cuda/growth.h"
#include "cuda/plan.h"

namespace coppice::kernels::cuda {

/// A matrix on the device.
struct DeviceBins {
  DeviceBuffer<std::uint8_t> columns;
  DeviceBuffer<std::uint8_t> records;
  std::uint32_t n_rows = 0;
  std::uint32_t n_features = 0;

  [[nodiscard]] BinsView view() const noexcept {
    return {columns.data(), records.data(), n_rows, n_features};
  }
};

/// What the growth of a tree needs, sized by TreeSizes, and a tree that is added.
struct TreeMemory {
  DeviceBuffer<std::uint32_t> kept[2];
  DeviceBuffer<Word> words[2];
  DeviceBuffer<Word> histograms;
  DeviceBuffer<GrownNode> nodes;
  DeviceBuffer<RouteNode> route;
  DeviceBuffer<LeafSum> leaf_sums;
  DeviceBuffer<NodeRows> node_rows;
  DeviceBuffer<int> slots;
  DeviceBuffer<float> leaf_weights;
  DeviceBuffer<Pair> pairs;
  DeviceBuffer<BlockSplit> candidates;
  DeviceBuffer<FeatureBins> feature_bins;
  DeviceBuffer<std::uint32_t> features;  ///< all_features, then screened_features
  DeviceBuffer<std::uint8_t> in_level;
  DeviceBuffer<TreeState> state;
};

/// Memory for a training table of up to so many rows, and its trees. Uninitialised but for feature_bins, and
/// for nodes, whose padding goes to the host (compute-sanitizer would report it).
struct SessionMemory {
  DeviceBins bins;
  DeviceBuffer<float> labels, weights, margins, gradients;
  DeviceBuffer<float> largest_gradient, largest_hessian;
  DeviceBuffer<std::uint32_t> leaves;
  TreeMemory tree;

  PinnedBuffer<TreeState> fetched_state;
  PinnedBuffer<GrownNode> fetched_nodes;  ///< and those of a tree that is added
  PinnedBuffer<LeafSum> fetched_sums;
  PinnedBuffer<RouteNode> added_route;
  PinnedBuffer<float> leaf_weights;
  PinnedBuffer<std::uint32_t> features;

  /// table: its bins are not looked at. Waits for a copy.
  SessionMemory(const Stream& stream, const BinnedMatrix& table, bool has_weights, const TreeSizes& sizes);

  /// What a tree that is added needs as well.
  void allocate_nodes(const Stream& stream, std::size_t n_nodes);
};

/// Enqueues the copy of a matrix that is only routed.
[[nodiscard]] DeviceBins upload_columns(const Stream& stream, const BinnedMatrix& bins);

}  // namespace coppice::kernels::cuda
