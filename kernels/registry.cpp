// Names of devices and instruction sets.
#include <coppice/error.h>
#include <coppice/kernels/backends.h>

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <system_error>

#include "cuda/backend.h"

namespace coppice::kernels {

std::string_view to_string(InstructionSet set) noexcept {
  switch (set) {
    case InstructionSet::kAvx512:
      return "avx512";
    case InstructionSet::kAvx2:
      return "avx2";
    case InstructionSet::kScalar:
      break;
  }
  return "scalar";
}

InstructionSet best_instruction_set() noexcept {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512vbmi") &&
      __builtin_cpu_supports("avx512vbmi2") && __builtin_cpu_supports("avx512vpopcntdq"))
    return InstructionSet::kAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) return InstructionSet::kAvx2;
#endif
  return InstructionSet::kScalar;
}

namespace {

/// N of `cuda:N`, 0 of `cuda`; nothing for other devices.
std::optional<int> cuda_device(std::string_view device) {
  if (device == "cuda") return 0;
  constexpr std::string_view kPrefix = "cuda:";
  if (!device.starts_with(kPrefix)) return {};
  const std::string_view number = device.substr(kPrefix.size());
  int index = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (error != std::errc() || end != number.data() + number.size() || index < 0) return {};
  return index;
}

}  // namespace

std::unique_ptr<Backend> make_backend(std::string_view device, int threads) {
  if (device == "cpu" || device == "auto") return make_cpu_backend(threads);
  if (const auto index = cuda_device(device)) return cuda::make_backend(*index);
  throw Error("kernels.device.unknown",
              fmt::format("unknown device '{}': use cpu, cuda, cuda:N or auto", device));
}

std::vector<float> score_on_device(std::string_view device, const Model& model, const Dataset& data,
                                   Output output) {
  const auto index = cuda_device(device);
  if (!index)
    throw Error("kernels.device.unknown",
                fmt::format("unknown device '{}': use cpu, cuda or cuda:N", device));
  std::vector<float> scores(data.n_rows);
  cuda::predict_margins(*index, model, data, scores);
  if (output == Output::kPrediction) margins_to_predictions(model.objective, scores);
  return scores;
}

}  // namespace coppice::kernels
