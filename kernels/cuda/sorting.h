// Sorts of device memory, by CUB; by the standard library where kernels run on the executor of the tests, as
// CUB's algorithms have no form for a CPU.
#pragma once

#include <cstdint>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

/// The keys, ascending. Waits for it. Cost: twice the memory of the keys while it runs.
[[nodiscard]] DeviceBuffer<std::uint64_t> sorted(const Stream& stream, DeviceBuffer<std::uint64_t> keys);

}  // namespace coppice::kernels::cuda
