// The portable kernels for any processor.
#include "cpu/kernels.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::kernels::cpu {
namespace {
#include "cpu/portable_kernels.inl"
}  // namespace

const Kernels& scalar_kernels() noexcept { return kPortableKernels; }

}  // namespace coppice::kernels::cpu
