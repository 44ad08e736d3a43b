// Kernels for AVX-512 with byte permutes (Ice Lake, Zen 4 and later). Each repeats its portable twin
// operation by operation; tests compare them bit by bit. What has no wide form worth having is taken from the
// twins.
#include "cpu/kernels.h"

#include <coppice/detail/instruction_set.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

namespace coppice::kernels::cpu {

#if COPPICE_X86
COPPICE_BEGIN_TARGET(COPPICE_AVX512)
namespace {
#include "cpu/avx512_gradients.inl"
#include "cpu/avx512_trees.inl"
#include "cpu/route_block.inl"
}  // namespace
COPPICE_END_TARGET

const Kernels& avx512_kernels() noexcept {
  static const Kernels kernels = [] {
    Kernels k = scalar_kernels();
    k.bin_column = bin_column;
    k.sweep[0][0] = sweep_block<detail::LogisticLoss, false>;
    k.sweep[0][1] = sweep_block<detail::LogisticLoss, true>;
    k.sweep[1][0] = sweep_block<detail::SquaredLoss, false>;
    k.sweep[1][1] = sweep_block<detail::SquaredLoss, true>;
    k.quantise = quantise_rows;
    k.subtract = subtract;
    k.find_numeric = find_numeric;
    k.part_slots = part_slots;
    k.route_block = route_block;
    k.add_leaf_sums = add_leaf_sums;
    k.add_leaf_weights = add_leaf_weights;
    return k;
  }();
  return kernels;
}
#else
const Kernels& avx512_kernels() noexcept { return scalar_kernels(); }
#endif

}  // namespace coppice::kernels::cpu
