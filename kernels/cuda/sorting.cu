#include "cuda/sorting.h"

#if defined(__CUDACC__)
#include <thrust/sort.h>
#include <thrust/system/cuda/execution_policy.h>
#else
#include <algorithm>
#endif

namespace coppice::kernels::cuda {

void sort(const Stream& stream, std::uint64_t* keys, std::size_t n) {
#if defined(__CUDACC__)
  thrust::sort(thrust::cuda::par_nosync.on(stream.get()), keys, keys + n);
  check(cudaGetLastError(), "thrust::sort");
#else
  check(cuda_executor::enqueue_work(stream.get(), [=] { std::sort(keys, keys + n); }), "std::sort");
#endif
}

}  // namespace coppice::kernels::cuda
