// The backend of one CUDA device: cuts and bins of a table, and sessions.
#include "cuda/backend.h"

#include <fmt/format.h>

#include "cuda/binning.h"
#include "cuda/device.h"

namespace coppice::kernels::cuda {
namespace {

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device) : device_(device) { use_device(device); }

  [[nodiscard]] std::string name() const override { return fmt::format("cuda:{}", device_); }
  [[nodiscard]] Cuts make_cuts(const Dataset& data, const CutOptions& options) const override {
    use_device(device_);
    return cuda::make_cuts(data, options);
  }
  [[nodiscard]] BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) const override {
    use_device(device_);
    return cuda::bin(data, cuts, with_records);
  }
  [[nodiscard]] std::unique_ptr<TrainingSession> open(const SessionData& data,
                                                      const Parameters& parameters) const override {
    use_device(device_);
    return open_session(data, parameters);
  }

 private:
  int device_;
};

}  // namespace

std::unique_ptr<Backend> make_backend(int device) { return std::make_unique<CudaBackend>(device); }

void predict_margins(int device, const Model& model, const Dataset& data, std::span<float> margins) {
  use_device(device);
  predict_margins(model, data, margins);
}

}  // namespace coppice::kernels::cuda
