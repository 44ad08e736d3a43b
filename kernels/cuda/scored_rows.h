// Watched rows with their margins, on the device.
#pragma once

#include <coppice/objective.h>

#include <cstdint>

#include "cuda/launch.h"

namespace coppice::kernels::cuda {

/// Shapes: [n_rows] each.
struct ScoredRows {
  const float* margins = nullptr;
  const float* labels = nullptr;
  const float* weights = nullptr;  ///< or null: 1 each
  const float* amounts = nullptr;  ///< or null: 0 each
  std::uint32_t n_rows = 0;
  Objective objective = Objective::kBinaryLogistic;

  [[nodiscard]] __device__ float weight(std::uint32_t row) const {
    return weights == nullptr ? 1.0F : weights[row];
  }
  /// Weighted.
  [[nodiscard]] __device__ double amount(std::uint32_t row) const {
    return amounts == nullptr ? 0 : static_cast<double>(weight(row)) * amounts[row];
  }
};

}  // namespace coppice::kernels::cuda
