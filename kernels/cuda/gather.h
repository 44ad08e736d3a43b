// Some rows of a table as a table of their own, without leaving the device.
#pragma once

#include "cuda/rows.h"

namespace coppice::kernels::cuda {

class Stream;

struct Gathering {
  // From:
  BinsView bins;  ///< with records
  RowsView rows;  ///< with their unit gradients
  engine::Draw draw;
  const std::uint32_t* drawn = nullptr;  ///< [n] ascending row numbers
  std::uint32_t n = 0;
  // To; [n] each, and both layouts of the bins, padding included:
  std::uint8_t* columns = nullptr;
  std::uint8_t* records = nullptr;
  float* labels = nullptr;
  float* weights = nullptr;  ///< of the row, times how often it counts
  float* margins = nullptr;
};

/// Enqueues the gathering of engine::WorkingRows.
void gather(const Stream& stream, const Gathering& how, unsigned most_blocks);

}  // namespace coppice::kernels::cuda
