// What stands in for the CUDA backend in a build without it.
#include <coppice/error.h>

#include "cuda/backend.h"

namespace coppice::kernels::cuda {

std::unique_ptr<Backend> make_backend(int /*device*/) {
  throw Error("kernels.device.missing", "this build has no CUDA backend: use the device cpu or auto");
}

std::string describe_devices() { return {}; }

}  // namespace coppice::kernels::cuda
