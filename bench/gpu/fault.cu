// coppice_gpu_fault: a kernel that fails is told as an error, and the process lives on. Says whether the
// device works again without a new process, which CUDA does not promise. Exit code: 0 as it should be, 1 not,
// 77 no device.
#include <coppice/error.h>
#include <coppice/kernels/backends.h>
#include <coppice/train.h>

#include <cstdio>
#include <exception>
#include <string>

#include "cuda/launch.h"

namespace {

namespace gpu = coppice::kernels::cuda;

__global__ void write_to(int* address) { *address = 1; }

/// Trains one small tree on the first GPU and on the CPU; are they equal?
bool trains() {
  coppice::Dataset data;
  data.n_rows = 1000;
  data.schema.label = "label";
  data.schema.features = {{.name = "a", .kind = coppice::FeatureKind::kNumeric, .categories = {}}};
  coppice::Buffer<float> column(data.n_rows);
  data.labels = coppice::Buffer<float>(data.n_rows);
  for (std::size_t row = 0; row < data.n_rows; ++row) {
    column[row] = static_cast<float>(row % 10);
    data.labels[row] = row % 10 < 3 ? 1.0F : 0.0F;
  }
  data.columns.push_back(std::move(column));
  coppice::Parameters parameters;
  parameters.num_round = 1;
  return coppice::train(*coppice::kernels::make_backend("cuda"), parameters, data).trees ==
         coppice::train(*coppice::kernels::make_backend("cpu"), parameters, data).trees;
}

/// Is a write to address 0 told as an error?
bool tells_a_fault() {
  gpu::use_device(0);
  const gpu::Stream stream;
  try {
    gpu::launch<write_to>(stream, {.grid = {1}, .block = {1}}, static_cast<int*>(nullptr));
    stream.synchronize();
  } catch (const coppice::Error& error) {
    std::printf("told: %s\n", error.what());
    return error.id() == "kernels.cuda.call";
  }
  return false;
}

}  // namespace

int main() {
  if (gpu::device_count() == 0) {
    std::printf("cuda: no device (%s)\n", gpu::why_no_device().c_str());
    return 77;
  }
  try {
    if (!trains() || !tells_a_fault()) return 1;
    try {
      if (!trains()) return 1;
      std::printf("The device works again.\n");
    } catch (const coppice::Error& error) {
      std::printf("The device needs a new process: %s\n", error.what());
      if (error.id() != "kernels.cuda.call") return 1;
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "coppice_gpu_fault: %s\n", error.what());
    return 1;
  }
}
