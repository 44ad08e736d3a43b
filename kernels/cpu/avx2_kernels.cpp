// The portable kernels compiled for AVX2.
#include "cpu/instruction_set.h"
#include "cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::kernels::cpu {

#if COPPICE_X86
COPPICE_BEGIN_TARGET(COPPICE_AVX2)
namespace {
#include "cpu/portable_kernels.inl"
}  // namespace
COPPICE_END_TARGET

const Kernels& avx2_kernels() noexcept { return kPortableKernels; }
#else
const Kernels& avx2_kernels() noexcept { return scalar_kernels(); }
#endif

}  // namespace coppice::kernels::cpu
