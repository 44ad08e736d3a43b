// CUB's headers take long to compile, so they are in one file only.
#include "cuda/sorting.h"

#if defined(__CUDACC__)
#include <cub/device/device_radix_sort.cuh>
#else
#include <algorithm>
#endif

#include <utility>

namespace coppice::kernels::cuda {

#if defined(__CUDACC__)

DeviceBuffer<std::uint64_t> sorted(const Stream& stream, DeviceBuffer<std::uint64_t> keys) {
  DeviceBuffer<std::uint64_t> spare(keys.size());
  cub::DoubleBuffer<std::uint64_t> buffers(keys.data(), spare.data());
  std::size_t scratch_bytes = 0;
  const auto sort = [&](void* scratch) {
    check(cub::DeviceRadixSort::SortKeys(scratch, scratch_bytes, buffers, keys.size(), 0, 64, stream.get()),
          "cub::DeviceRadixSort");
  };
  sort(nullptr);  // says how much it needs
  DeviceBuffer<unsigned char> scratch(scratch_bytes);
  sort(scratch.data());
  stream.synchronize();
  return buffers.Current() == keys.data() ? std::move(keys) : std::move(spare);
}

#else

DeviceBuffer<std::uint64_t> sorted(const Stream& stream, DeviceBuffer<std::uint64_t> keys) {
  std::uint64_t* const begin = keys.data();
  check(cuda_executor::enqueue_work(stream.get(), [=, n = keys.size()] { std::sort(begin, begin + n); }),
        "std::sort");
  stream.synchronize();
  return keys;
}

#endif

}  // namespace coppice::kernels::cuda
