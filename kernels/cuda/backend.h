// The CUDA backend as the registry of devices sees it.
#pragma once

#include <coppice/backend.h>

#include <memory>
#include <string>

namespace coppice::kernels::cuda {

/// A backend on a device. Errors: kernels.device.missing when there is none, or this build has no CUDA.
[[nodiscard]] std::unique_ptr<Backend> make_backend(int device);

/// What this build and machine offer, for a person: `cuda: no device (...)`, `cuda:0 NVIDIA H100, 80 GB`.
/// Empty when this build has no CUDA.
[[nodiscard]] std::string describe_devices();

/// Opens a training run on the calling thread's device. Errors: kernels.memory.
[[nodiscard]] std::unique_ptr<TrainingSession> open_session(const SessionData& data,
                                                            const Parameters& parameters);

}  // namespace coppice::kernels::cuda
