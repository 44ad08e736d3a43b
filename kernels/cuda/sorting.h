// Sorts of device memory, by CUB; by the standard library where kernels run on the executor of the tests, as
// CUB's algorithms have no form for a CPU.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cuda/device.h"

namespace coppice::kernels::cuda {

/// Room that n keys need for a sort.
template <class Key>
[[nodiscard]] std::size_t sort_scratch_bytes(std::size_t n);

/// n > 0 keys, a second array [n], and sort_scratch_bytes(n). All are on the device.
template <class Key>
struct SortMemory {
  Key* keys = nullptr;
  Key* spare = nullptr;
  std::size_t n = 0;
  unsigned char* scratch = nullptr;
  std::size_t scratch_bytes = 0;
};

/// Enqueues the sort of keys by their lower n_bits > 0, ascending; keys that are equal there stay in order.
/// Tells where they will be: in `keys` or in `spare`; what is in the other one is lost. Key: 32 or 64 bits,
/// unsigned.
template <class Key>
[[nodiscard]] Key* sort_keys(const Stream& stream, const SortMemory<Key>& memory, int n_bits);

/// The keys, ascending. Waits for it. Cost: twice the memory of the keys while it runs.
[[nodiscard]] DeviceBuffer<std::uint64_t> sorted(const Stream& stream, DeviceBuffer<std::uint64_t> keys);

}  // namespace coppice::kernels::cuda
