// What stands in for the CUDA backend in a build without it.
#include <coppice/error.h>

#include "cuda/backend.h"

namespace coppice::kernels::cuda {

namespace {

[[noreturn]] void refuse() {
  throw Error("kernels.device.missing", "this build has no CUDA backend: use the device cpu or auto");
}

}  // namespace

std::unique_ptr<Backend> make_backend(int /*device*/) { refuse(); }

void predict_margins(int /*device*/, const Model& /*model*/, const Dataset& /*data*/,
                     std::span<float> /*margins*/) {
  refuse();
}

}  // namespace coppice::kernels::cuda
