// CUB's headers take long to compile, so they are in one file only.
#include "cuda/sorting.h"

#if defined(__CUDACC__)
#include <cub/device/device_radix_sort.cuh>
#endif

#include <utility>

namespace coppice::kernels::cuda {
namespace {

#if defined(__CUDACC__)

/// scratch null: only says in scratch_bytes how much it needs.
template <class Key>
void sort(cub::DoubleBuffer<Key>& buffers, const SortMemory<Key>& memory, std::size_t& scratch_bytes,
          int n_bits, cudaStream_t stream) {
  check(cub::DeviceRadixSort::SortKeys(memory.scratch, scratch_bytes, buffers, memory.n, 0, n_bits, stream),
        "cub::DeviceRadixSort");
}

template <class Key>
std::size_t scratch_bytes_of(std::size_t n) {
  cub::DoubleBuffer<Key> buffers;
  std::size_t scratch_bytes = 0;
  sort<Key>(buffers, {.n = n}, scratch_bytes, 8 * sizeof(Key), nullptr);
  return scratch_bytes;
}

template <class Key>
Key* enqueue_sort(const Stream& stream, const SortMemory<Key>& memory, int n_bits) {
  cub::DoubleBuffer<Key> buffers(memory.keys, memory.spare);
  std::size_t scratch_bytes = memory.scratch_bytes;
  sort(buffers, memory, scratch_bytes, n_bits, stream.get());
  return buffers.Current();
}

#else

/// Something, so that tests see whether it is planned.
template <class Key>
std::size_t scratch_bytes_of(std::size_t n) {
  return n / 8 + 1;
}

template <class Key>
Key* enqueue_sort(const Stream& stream, const SortMemory<Key>& memory, int n_bits) {
  check(cuda_executor::enqueue_sort(stream.get(), memory.keys, memory.spare, memory.n, n_bits), "std::sort");
  return memory.spare;
}

#endif

}  // namespace

template <>
std::size_t sort_scratch_bytes<std::uint32_t>(std::size_t n) {
  return scratch_bytes_of<std::uint32_t>(n);
}
template <>
std::size_t sort_scratch_bytes<std::uint64_t>(std::size_t n) {
  return scratch_bytes_of<std::uint64_t>(n);
}

template <>
std::uint32_t* sort_keys(const Stream& stream, const SortMemory<std::uint32_t>& memory, int n_bits) {
  return enqueue_sort(stream, memory, n_bits);
}
template <>
std::uint64_t* sort_keys(const Stream& stream, const SortMemory<std::uint64_t>& memory, int n_bits) {
  return enqueue_sort(stream, memory, n_bits);
}

DeviceBuffer<std::uint64_t> sorted(const Stream& stream, DeviceBuffer<std::uint64_t> keys) {
  DeviceBuffer<std::uint64_t> spare(keys.size());
  DeviceBuffer<unsigned char> scratch(sort_scratch_bytes<std::uint64_t>(keys.size()));
  const std::uint64_t* const at = sort_keys<std::uint64_t>(
      stream, {keys.data(), spare.data(), keys.size(), scratch.data(), scratch.size()}, 64);
  stream.synchronize();
  return at == keys.data() ? std::move(keys) : std::move(spare);
}

}  // namespace coppice::kernels::cuda
