#include <coppice/error.h>

#include "cuda/backend.h"

namespace coppice::kernels::cuda {

std::unique_ptr<TrainingSession> open_session(const SessionData& /*data*/, const Parameters& /*parameters*/) {
  throw Error("kernels.device.missing", "training on CUDA is not there yet");
}

}  // namespace coppice::kernels::cuda
