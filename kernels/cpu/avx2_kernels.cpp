// The portable kernels compiled for AVX2.
#include "cpu/kernels.h"

#include <coppice/detail/instruction_set.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

namespace coppice::kernels::cpu {

#if COPPICE_X86
COPPICE_BEGIN_TARGET(COPPICE_AVX2)
namespace {
#include "cpu/portable_kernels.inl"

/// Bins or leaf numbers of as many rows as a register holds.
using RowBytes [[gnu::vector_size(32)]] = std::uint8_t;

/// found[i] = set[bins[i]] for the rows of a register.
void look_up(const std::uint8_t* set, const std::uint8_t* bins, std::uint8_t* found) {
  for (std::size_t i = 0; i < sizeof(RowBytes); ++i) found[i] = set[bins[i]];
}
#include "cpu/route_block.inl"
}  // namespace
COPPICE_END_TARGET

const Kernels& avx2_kernels() noexcept {
  static const Kernels kernels = [] {
    Kernels k = kPortableKernels;
    k.route_block = route_block;
    return k;
  }();
  return kernels;
}
#else
const Kernels& avx2_kernels() noexcept { return scalar_kernels(); }
#endif

}  // namespace coppice::kernels::cpu
