// Sorts of device memory, by Thrust; by the standard library where kernels run on the executor of the tests.
// Thrust's headers take long to compile, so they are in one file only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

/// Enqueues an ascending sort. Takes as much device memory again while it runs.
void sort(const Stream& stream, std::uint64_t* keys, std::size_t n);

}  // namespace coppice::kernels::cuda
