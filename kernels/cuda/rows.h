// What kernels know of the rows of a table: views into device memory, to be passed by value.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/detail/grown_tree.h>
#include <coppice/detail/numerics.h>

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace coppice::kernels::cuda {

namespace engine = coppice::detail;

inline constexpr unsigned kBlockRowsU = static_cast<unsigned>(kBlockRows);

/// A BinnedMatrix on the device.
struct BinsView {
  const std::uint8_t* columns = nullptr;
  const std::uint8_t* records = nullptr;  ///< null: a matrix that is only routed
  std::uint32_t n_rows = 0;
  std::uint32_t n_features = 0;

  [[nodiscard]] COPPICE_HOST_DEVICE unsigned n_blocks() const noexcept {
    return (n_rows + kBlockRowsU - 1) / kBlockRowsU;
  }
  [[nodiscard]] COPPICE_HOST_DEVICE std::uint8_t bin(std::uint32_t row, std::uint32_t f) const noexcept {
    return columns[(static_cast<std::size_t>(row / kBlockRowsU) * n_features + f) * kBlockRowsU +
                   row % kBlockRowsU];
  }
  /// Bytes from one row to the next in the records that hold a feature.
  [[nodiscard]] COPPICE_HOST_DEVICE unsigned record_stride(std::uint32_t f) const noexcept {
    return n_features - f / kGroupFeatures * kGroupFeatures <= 16 ? 16U : 32U;
  }
  /// The feature's bin of row 0.
  [[nodiscard]] COPPICE_HOST_DEVICE const std::uint8_t* record_of(std::uint32_t f) const noexcept {
    return records +
           static_cast<std::size_t>(f / kGroupFeatures) * kGroupFeatures * n_blocks() * kBlockRowsU +
           f % kGroupFeatures;
  }
};

/// The rows of a training table, [n_rows] each, but for the block maxima.
struct RowsView {
  const float* labels = nullptr;
  const float* weights = nullptr;       ///< or null: all 1
  float* margins = nullptr;             ///< without the last tree, until the next sweep
  float* gradients = nullptr;           ///< unit gradients
  float* largest_gradient = nullptr;    ///< [n_blocks] of |weighted gradient|
  float* largest_hessian = nullptr;     ///< [n_blocks] bound of the weighted hessian
  std::uint32_t* leaves = nullptr;      ///< leaf of the last tree, as a node number
  const float* leaf_weights = nullptr;  ///< of the last tree, by node number
  Objective objective = Objective::kBinaryLogistic;
};

/// One row in sweep A and what follows from it.
struct RowTerms {
  float gradient;  ///< weighted
  float hessian;   ///< weighted
};

template <class Loss>
[[nodiscard]] COPPICE_HOST_DEVICE inline RowTerms weigh(const RowsView& rows, std::uint32_t row, float unit) {
  const float hessian = Loss::hessian(unit);
  if (rows.weights == nullptr) return {unit, hessian};
  return {unit * rows.weights[row], hessian * rows.weights[row]};
}
[[nodiscard]] COPPICE_HOST_DEVICE inline RowTerms weigh(const RowsView& rows, std::uint32_t row, float unit) {
  return rows.objective == Objective::kBinaryLogistic ? weigh<engine::LogisticLoss>(rows, row, unit)
                                                      : weigh<engine::SquaredLoss>(rows, row, unit);
}

/// A node for routing: which way a bin goes.
struct alignas(16) RouteNode {
  std::int32_t left = -1;  ///< child number; the right child is left + 1; -1: a leaf
  std::uint32_t key = 0;   ///< Split::key
  /// Categorical: where its set of bins is, the node's own number; -1: numeric.
  std::int32_t set = -1;
};

/// A tree for routing, by node numbers.
struct RouteTree {
  const RouteNode* nodes = nullptr;
  const engine::GrownNode* grown = nullptr;  ///< for the sets of categorical splits

  /// Split::goes_right, from the short form.
  [[nodiscard]] __device__ bool goes_right(const RouteNode& node, int bin) const {
    if (node.set >= 0) return engine::contains(grown[node.set].split.right_bins, bin);
    return bin == 0 ? (node.key & 1) != 0 : bin > static_cast<int>(node.key >> 1 & 0xff);
  }
};

[[nodiscard]] COPPICE_HOST_DEVICE inline RouteNode make_route_node(const engine::GrownNode& node,
                                                                   std::int32_t number) {
  return {node.left, node.split.key, node.left >= 0 && node.split.is_categorical ? number : -1};
}

}  // namespace coppice::kernels::cuda
