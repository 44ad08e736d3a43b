// coppice_gpu_digest: compares the digests of the CPU and of the first GPU over 2^24 inputs.
// Exit code: 0 equal, 1 different, 77 no device.
#include "digest.h"

#include <coppice/error.h>

#include <cstdio>

int main() {
  using namespace coppice;
  if (kernels::cuda::device_count() == 0) {
    std::printf("cuda: no device (%s)\n", kernels::cuda::why_no_device().c_str());
    return 77;
  }
  try {
    kernels::cuda::use_device(0);
    constexpr std::uint64_t kInputs = std::uint64_t{1} << 24;
    const gpu::Digest host = gpu::digest_on_host(kInputs), device = gpu::digest_on_device(kInputs);
    bool is_equal = true;
    for (unsigned f = 0; f < gpu::kFunctions; ++f) {
      std::printf("%-28s cpu %016llx cuda %016llx %s\n", gpu::kFunctionNames[f], host[f], device[f],
                  host[f] == device[f] ? "equal" : "DIFFERENT");
      is_equal = is_equal && host[f] == device[f];
    }
    return is_equal ? 0 : 1;
  } catch (const Error& error) {
    std::fprintf(stderr, "coppice_gpu_digest: %s\n", error.what());
    return 1;
  }
}
