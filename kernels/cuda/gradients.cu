#include "cuda/gradients.h"

#include <algorithm>
#include <cmath>

#include "cuda/block.h"

namespace coppice::kernels::cuda {
namespace {

// One thread for each row of a block of 512. What the rows add to the block's sums goes through shared memory
// to one thread for each lane of each sum, because the order of float additions is fixed.

constexpr unsigned kThreads = kBlockRowsU;
constexpr unsigned kLanes = engine::kLanes;
constexpr unsigned kMaxima = 2, kTerms = kSweepSums + kMaxima;
/// Rows of a term, and 16 more so that the lanes of two terms fall into different banks.
constexpr unsigned kTermStride = kBlockRowsU + kLanes;

struct SharedSweep {
  float terms[kTerms][kTermStride];
  float lanes[kTerms][kLanes];
  unsigned n_kept[kThreads / kWarp];
  unsigned first_kept;
};

template <class Loss>
__device__ float next_gradient(const Sweep& sweep, std::uint32_t row) {
  float margin = sweep.rows.margins[row];
  if (sweep.has_tree) {
    margin += sweep.rows.leaf_weights[sweep.rows.leaves[row]];
    sweep.rows.margins[row] = margin;
  }
  const float unit = Loss::gradient(margin, sweep.rows.labels[row]);
  sweep.rows.gradients[row] = unit;
  return unit;
}

/// Writes a row's terms; is it kept?
template <class Loss>
__device__ bool add_row(const Sweep& sweep, std::uint32_t row, SharedSweep& shared) {
  const unsigned i = threadIdx.x;
  float terms[kTerms] = {};
  bool is_kept = false;
  if (row < sweep.n_rows) {
    const engine::Draw& draw = sweep.draw;
    const RowTerms of_row = weigh<Loss>(sweep.rows, row, next_gradient<Loss>(sweep, row));
    const float a = engine::importance(of_row.gradient, of_row.hessian, draw.floor, draw.threshold);
    const float square = a * a;
    terms[kSquares] = square;
    if (a < draw.threshold) {
      terms[kBelow] = a;
      terms[kSquaresBelow] = square;
    }
    is_kept = sweep.draws && engine::is_kept(draw, a, row);
    if (is_kept) {
      const float times = engine::repeat(draw, a);
      terms[kKeptGradient] = std::fabs(of_row.gradient * times);
      terms[kKeptHessian] = of_row.hessian * times;
    }
    terms[kSweepSums] = std::fabs(of_row.gradient);
    terms[kSweepSums + 1] =
        Loss::kObjective == Objective::kBinaryLogistic ? terms[kSweepSums] : of_row.hessian;
  }
  for (unsigned t = 0; t < kTerms; ++t) shared.terms[t][i] = terms[t];
  return is_kept;
}

/// Adds up (or takes the largest of) the lane's rows of a term.
__device__ void finish_lane(SharedSweep& shared) {
  const unsigned term = threadIdx.x / kLanes, lane = threadIdx.x % kLanes;
  if (term >= kTerms) return;
  float value = 0;
  for (unsigned i = lane; i < kBlockRowsU; i += kLanes) {
    const float x = shared.terms[term][i];
    value = term < kSweepSums ? value + x : (x > value ? x : value);
  }
  shared.lanes[term][lane] = value;
}

__device__ float largest_lane(const float* lanes) {
  float largest = 0;
  for (unsigned lane = 0; lane < kLanes; ++lane) largest = lanes[lane] > largest ? lanes[lane] : largest;
  return largest;
}

/// Kept rows of a block take their place in the list of all.
__device__ void append_kept(const Sweep& sweep, std::uint32_t row, bool is_kept, unsigned of_warp,
                            const SharedSweep& shared) {
  if (!is_kept) return;
  const unsigned warp = threadIdx.x / kWarp, lane = threadIdx.x % kWarp;
  unsigned at = shared.first_kept + static_cast<unsigned>(__popc(of_warp & ((1U << lane) - 1)));
  for (unsigned w = 0; w < warp; ++w) at += shared.n_kept[w];
  sweep.kept[at] = row;
}

/// Sweep A, see Sweep. Shapes: a block of kThreads takes one block of rows after another; shared memory
/// SharedSweep. Cost: a row reads label, margin, leaf and its weight (4 bytes each), and writes margin,
/// gradient and, if kept, its number. Source: sweep_block of the CPU, whose order of float additions is kept
/// (docs/determinism.md).
template <class Loss>
__global__ void __launch_bounds__(kThreads) sweep_rows(Sweep sweep) {
  SharedSweep& shared = *shared_memory<SharedSweep>();
  const unsigned n_blocks = (sweep.n_rows + kBlockRowsU - 1) / kBlockRowsU;
  std::int64_t total = 0;  // of sum threadIdx.x
  for (unsigned block = blockIdx.x; block < n_blocks; block += gridDim.x) {
    const std::uint32_t row = block * kBlockRowsU + threadIdx.x;
    const bool is_kept = add_row<Loss>(sweep, row, shared);
    const unsigned of_warp = __ballot_sync(kAllLanes, is_kept ? 1 : 0);
    if (threadIdx.x % kWarp == 0) shared.n_kept[threadIdx.x / kWarp] = static_cast<unsigned>(__popc(of_warp));
    __syncthreads();
    finish_lane(shared);
    if (threadIdx.x == kThreads - 1) {
      unsigned n = 0;
      for (const unsigned of : shared.n_kept) n += of;
      shared.first_kept = n > 0 ? atomicAdd(&sweep.totals->n_kept, n) : 0;
    }
    __syncthreads();
    append_kept(sweep, row, is_kept, of_warp, shared);
    if (threadIdx.x < kSweepSums)
      total += engine::to_fixed(static_cast<double>(engine::add_lanes(shared.lanes[threadIdx.x])),
                                exponent_of_sum(sweep.exponents, threadIdx.x));
    else if (threadIdx.x == kSweepSums)
      sweep.rows.largest_gradient[block] = largest_lane(shared.lanes[kSweepSums]);
    else if (threadIdx.x == kSweepSums + 1)
      sweep.rows.largest_hessian[block] = largest_lane(shared.lanes[kSweepSums + 1]);
    __syncthreads();
  }
  if (threadIdx.x < kSweepSums && total != 0) atomic_add(&sweep.totals->sums[threadIdx.x], total);
}

}  // namespace

void sweep(const Stream& stream, const Sweep& how, unsigned most_blocks) {
  const unsigned n_blocks = (how.n_rows + kBlockRowsU - 1) / kBlockRowsU;
  const LaunchShape shape{
      .grid = {std::min(n_blocks, most_blocks)}, .block = {kThreads}, .shared_bytes = sizeof(SharedSweep)};
  if (how.rows.objective == Objective::kBinaryLogistic)
    launch<sweep_rows<engine::LogisticLoss>>(stream, shape, how);
  else
    launch<sweep_rows<engine::SquaredLoss>>(stream, shape, how);
}

}  // namespace coppice::kernels::cuda
