// Names of devices and instruction sets.
#include <coppice/error.h>
#include <coppice/kernels/backends.h>

#include <fmt/format.h>

#include <charconv>
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

std::unique_ptr<Backend> make_backend(std::string_view device, int threads) {
  constexpr std::string_view kCuda = "cuda";
  if (device == "cpu" || device == "auto") return make_cpu_backend(threads);
  if (device == kCuda) return cuda::make_backend(0);
  const std::string_view number = device.starts_with("cuda:") ? device.substr(kCuda.size() + 1) : "";
  int index = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), index);
  if (!number.empty() && error == std::errc() && end == number.data() + number.size() && index >= 0)
    return cuda::make_backend(index);
  throw Error("kernels.device.unknown",
              fmt::format("unknown device '{}': use cpu, cuda, cuda:N or auto", device));
}

std::string describe_devices() {
  const std::string cuda = cuda::describe_devices();
  return fmt::format("cpu: {}\n{}{}", to_string(best_instruction_set()), cuda, cuda.empty() ? "" : "\n");
}

}  // namespace coppice::kernels
