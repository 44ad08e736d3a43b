// The CUDA backend as the registry of devices sees it.
#pragma once

#include <coppice/backend.h>
#include <coppice/model.h>

#include <memory>
#include <span>

namespace coppice::kernels::cuda {

/// A backend on a device. Errors: kernels.device.missing when there is none, or this build has no CUDA.
[[nodiscard]] std::unique_ptr<Backend> make_backend(int device);

/// Margins of a table's rows [n_rows], on the calling thread's device: the bits of coppice::predict_margin.
/// Needs: a model that a Scorer takes. Errors: kernels.memory.
void predict_margins(const Model& model, const Dataset& data, std::span<float> margins);

/// The same on a given device. Errors: also those of make_backend.
void predict_margins(int device, const Model& model, const Dataset& data, std::span<float> margins);

/// Opens a training run on the calling thread's device. Errors: kernels.memory.
[[nodiscard]] std::unique_ptr<TrainingSession> open_session(const SessionData& data,
                                                            const Parameters& parameters);

}  // namespace coppice::kernels::cuda
