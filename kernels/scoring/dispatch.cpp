// Which instruction set scores.
#include "scoring/engine.h"

#include <atomic>

namespace coppice::scoring {
namespace {

const Kernels* compiled_kernels(Isa isa) noexcept {
  switch (isa) {
    case Isa::kAvx512:
      return avx512_kernels();
    case Isa::kAvx2:
      return avx2_kernels();
    case Isa::kScalar:
      break;
  }
  return &scalar_kernels();
}

bool machine_has(Isa isa) noexcept {
  if (isa == Isa::kScalar) return true;
#if defined(__x86_64__)
  if (isa == Isa::kAvx2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("popcnt");
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi") &&
         __builtin_cpu_supports("popcnt");
#else
  return false;
#endif
}

const Kernels& best_kernels() noexcept {
  for (const Isa isa : {Isa::kAvx512, Isa::kAvx2}) {
    if (is_supported(isa)) return *compiled_kernels(isa);
  }
  return scalar_kernels();
}

std::atomic<const Kernels*>& forced_kernels() noexcept {
  static std::atomic<const Kernels*> forced = nullptr;
  return forced;
}

}  // namespace

bool is_supported(Isa isa) noexcept { return compiled_kernels(isa) != nullptr && machine_has(isa); }

const Kernels& chosen_kernels() noexcept {
  static const Kernels& best = best_kernels();
  const Kernels* forced = forced_kernels().load(std::memory_order_relaxed);
  return forced != nullptr ? *forced : best;
}

void force_isa(std::optional<Isa> isa) noexcept {
  forced_kernels().store(isa ? compiled_kernels(*isa) : nullptr, std::memory_order_relaxed);
}

}  // namespace coppice::scoring
