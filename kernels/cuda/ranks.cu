#include "cuda/ranks.h"

#include <coppice/detail/metric_terms.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>

#include "cuda/block.h"
#include "cuda/scored_rows.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {

namespace engine = coppice::detail;
using engine::RankSums;

namespace {

/// Ranks of a chunk, each a thread's.
constexpr unsigned kChunk = 512;
/// Blocks that leave results; more chunks than that go round.
constexpr unsigned kMostBlocks = 512;

unsigned n_chunks_of(std::size_t n_rows) { return static_cast<unsigned>((n_rows + kChunk - 1) / kChunk); }

/// Index of the first of n rising keys that is not below one of them.
template <class KeyAt>
__device__ std::uint32_t first_of(std::uint32_t n, std::uint32_t key, const KeyAt& key_at) {
  std::uint32_t begin = 0, end = n;
  while (begin < end) {
    const std::uint32_t middle = begin + (end - begin) / 2;
    if (key_at(middle) < key)
      begin = middle + 1;
    else
      end = middle;
  }
  return begin;
}

}  // namespace

/// Rows in falling order of their scores.
struct RankedRows {
  ScoredRows rows;
  engine::RankScale scale;
  bool by_prediction = false;            ///< scores are predictions, and values too: find_unit()
  const std::uint64_t* words = nullptr;  ///< [rank]: row << 32, and a key that rises where scores fall
  const RankSums* before = nullptr;      ///< [chunk]: sums over all ranks before it

  [[nodiscard]] __device__ std::uint32_t key(std::uint32_t rank) const {
    return static_cast<std::uint32_t>(words[rank]);
  }
  [[nodiscard]] __device__ float score(std::uint32_t rank) const { return engine::value_of(~key(rank)); }
  /// What predictions are counted in follows from the first and the last of them.
  __device__ void find_unit() {
    if (by_prediction) scale = engine::scale_with_scores(scale, score(rows.n_rows - 1), score(0));
  }
  /// What a row adds.
  [[nodiscard]] __device__ RankSums term(std::uint32_t rank) const {
    const auto row = static_cast<std::uint32_t>(words[rank] >> 32);
    const bool is_positive = engine::is_positive(rows.labels[row]);
    RankSums term = scale.term(rows.weight(row), is_positive);
    if (by_prediction)
      term.value = scale.value.count(static_cast<double>(rows.weight(row)) * score(rank));
    else if (is_positive)
      term.value = scale.value.count(rows.amount(row));
    return term;
  }
  [[nodiscard]] __device__ bool is_last_of_tie(std::uint32_t rank) const {
    return rank + 1 == rows.n_rows || key(rank + 1) != key(rank);
  }
  /// The first rank of the same score.
  [[nodiscard]] __device__ std::uint32_t first_of_tie(std::uint32_t rank) const {
    if (rank == 0 || key(rank - 1) != key(rank)) return rank;
    return first_of(rank, key(rank), [this](std::uint32_t other) { return key(other); });
  }
};

namespace {

// ---------------------------------------------------------------------------------------------------------
// Sums over chunks

/// Sums over the threads of a block below, and over all of them. `scratch` as of block_exclusive_sum.
struct BlockRankSums {
  RankSums before, total;
};
__device__ BlockRankSums block_rank_sums(const RankSums& own, std::int64_t* scratch) {
  const BlockSum positive = block_exclusive_sum(own.positive, scratch);
  const BlockSum negative = block_exclusive_sum(own.negative, scratch);
  const BlockSum value = block_exclusive_sum(own.value, scratch);
  return {{positive.before, negative.before, value.before}, {positive.total, negative.total, value.total}};
}
constexpr std::size_t kScratch = 33;

/// The words of RankedRows, not yet sorted. Shapes: words [n_rows].
__global__ void __launch_bounds__(kChunk)
    make_rank_words(ScoredRows rows, bool by_prediction, std::uint64_t* words) {
  const std::uint32_t row = blockIdx.x * kChunk + threadIdx.x;
  if (row >= rows.n_rows) return;
  const float score =
      by_prediction ? engine::prediction_of(rows.objective, rows.margins[row]) : rows.margins[row];
  words[row] = std::uint64_t{row} << 32 | static_cast<std::uint32_t>(~engine::sort_key(score));
}

/// Sums over each chunk. Shapes: grid [chunks], sums [chunks], shared memory kScratch sums. Cost: a row reads
/// its word, and label, weight and amount wherever they are.
__global__ void __launch_bounds__(kChunk) sum_chunks(RankedRows ranked, RankSums* sums) {
  ranked.find_unit();
  const std::uint32_t rank = blockIdx.x * kChunk + threadIdx.x;
  const RankSums own = rank < ranked.rows.n_rows ? ranked.term(rank) : RankSums{};
  const RankSums total = block_rank_sums(own, shared_memory<std::int64_t>()).total;
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

/// Sums over chunks become sums over all chunks before. Shapes: one block, sums [n_chunks], shared memory as
/// of sum_chunks. Cost: a step for each kChunk chunks.
__global__ void __launch_bounds__(kChunk) add_chunks(RankSums* sums, unsigned n_chunks) {
  RankSums so_far;
  for (unsigned begin = 0; begin < n_chunks; begin += kChunk) {
    const unsigned chunk = begin + threadIdx.x;
    const RankSums own = chunk < n_chunks ? sums[chunk] : RankSums{};
    const BlockRankSums block = block_rank_sums(own, shared_memory<std::int64_t>());
    if (chunk < n_chunks) sums[chunk] = so_far + block.before;
    so_far += block.total;
  }
}

// ---------------------------------------------------------------------------------------------------------
// Ties

/// What the threads of a block share of a chunk.
struct Chunk {
  /// Sums over all ranks up to and with each, from [1] on; [0]: above the tie that the chunk begins with.
  RankSums above[kChunk + 1];
  std::uint32_t keys[kChunk];
  std::int64_t scratch[kScratch];
};

/// Sums over all ranks before one, for the whole block.
__device__ RankSums sums_before(const RankedRows& ranked, std::uint32_t rank, std::int64_t* scratch) {
  const std::uint32_t chunk = rank / kChunk, other = chunk * kChunk + threadIdx.x;
  if (rank % kChunk == 0) return ranked.before[chunk];
  const RankSums own = other < rank ? ranked.term(other) : RankSums{};
  return ranked.before[chunk] + block_rank_sums(own, scratch).total;
}

/// Calls visit(before, above), as the folds of core take it, for every tie that ends in a chunk, in the
/// thread of its last row. Cost: where the chunk goes on with a tie of chunks before, a binary search and
/// another chunk's sums.
template <class Visit>
__device__ void visit_ties(const RankedRows& ranked, unsigned chunk, Chunk& shared, const Visit& visit) {
  const std::uint32_t begin = chunk * kChunk, rank = begin + threadIdx.x;
  const bool is_row = rank < ranked.rows.n_rows;
  const RankSums own = is_row ? ranked.term(rank) : RankSums{};
  const RankSums above = ranked.before[chunk] + block_rank_sums(own, shared.scratch).before + own;
  const std::uint32_t key = is_row ? ranked.key(rank) : 0;
  shared.above[threadIdx.x + 1] = above;
  shared.keys[threadIdx.x] = key;
  const RankSums before_first = sums_before(ranked, ranked.first_of_tie(begin), shared.scratch);
  if (threadIdx.x == 0) shared.above[0] = before_first;
  __syncthreads();
  if (is_row && ranked.is_last_of_tie(rank)) {
    const std::uint32_t first =
        first_of(threadIdx.x, key, [&](std::uint32_t other) { return shared.keys[other]; });
    visit(shared.above[first], above);
  }
  __syncthreads();
}

template <class Sum>
struct FoldMemory {
  Sum sums[kChunk];
  Chunk chunk;
};

/// What a fold makes of the ties of a block's chunks. Shapes: results [blocks], shared memory FoldMemory.
template <class Fold>
__global__ void __launch_bounds__(kChunk)
    fold_ties(RankedRows ranked, Fold fold, typename Fold::Sum* results) {
  auto& shared = *shared_memory<FoldMemory<typename Fold::Sum>>();
  const unsigned n_chunks = (ranked.rows.n_rows + kChunk - 1) / kChunk;
  typename Fold::Sum sum = fold.nothing();
  for (unsigned chunk = blockIdx.x; chunk < n_chunks; chunk += gridDim.x)
    visit_ties(ranked, chunk, shared.chunk, [&](const RankSums& before, const RankSums& above) {
      sum = Fold::join(sum, fold.of_tie(before, above));
    });
  shared.sums[threadIdx.x] = sum;
  for (unsigned width = kChunk / 2; width > 0; width /= 2) {
    __syncthreads();
    if (threadIdx.x < width)
      shared.sums[threadIdx.x] = Fold::join(shared.sums[threadIdx.x], shared.sums[threadIdx.x + width]);
  }
  if (threadIdx.x == 0) results[blockIdx.x] = shared.sums[0];
}

struct GapMemory {
  double ends[engine::kCalibrationBins];
  Chunk chunk;
};

/// calibration_gap at the ends of all bins, each of which is in one tie. Shapes: gaps [kCalibrationBins],
/// shared memory GapMemory.
__global__ void __launch_bounds__(kChunk) find_gaps(RankedRows ranked, double* gaps) {
  ranked.find_unit();
  GapMemory& shared = *shared_memory<GapMemory>();
  const unsigned n_chunks = (ranked.rows.n_rows + kChunk - 1) / kChunk;
  const engine::RankScale& scale = ranked.scale;
  if (threadIdx.x < engine::kCalibrationBins)
    shared.ends[threadIdx.x] = engine::calibration_bin_end(scale, threadIdx.x);
  for (unsigned chunk = blockIdx.x; chunk < n_chunks; chunk += gridDim.x)
    visit_ties(ranked, chunk, shared.chunk, [&](const RankSums& before, const RankSums& above) {
      unsigned bin = 0;
      while (bin < engine::kCalibrationBins && shared.ends[bin] <= scale.weight(before)) ++bin;
      for (; bin < engine::kCalibrationBins && shared.ends[bin] <= scale.weight(above); ++bin)
        gaps[bin] = engine::calibration_gap(scale, before, above, shared.ends[bin]);
    });
}

template <class Fold>
void enqueue_fold(const Stream& stream, const RankedRows& ranked, unsigned n_blocks, const Fold& fold,
                  typename Fold::Sum* results) {
  launch<fold_ties<Fold>>(
      stream, {.grid = {n_blocks}, .block = {kChunk}, .shared_bytes = sizeof(FoldMemory<typename Fold::Sum>)},
      ranked, fold, results);
}

/// From the results of the blocks.
template <class Fold>
double folded(const Fold& fold, std::span<const typename Fold::Sum> results) {
  auto sum = fold.nothing();
  for (const auto result : results) sum = Fold::join(sum, result);
  return fold.result(sum);
}

}  // namespace

bool is_of_ranks(const Metric& metric) {
  return engine::is_of_ranking(metric.kind) || metric.kind == Metric::Kind::kCalibrationError;
}

RankMetrics::RankMetrics(std::span<const Metric> metrics, const Costs& costs, std::size_t most_rows)
    : metrics_(metrics),
      costs_(costs),
      words_(2 * most_rows),
      scratch_(sort_scratch_bytes<std::uint64_t>(most_rows)),
      chunks_(n_chunks_of(most_rows)),
      pairs_(kMostBlocks),
      steps_(kMostBlocks),
      best_(metrics.size() * kMostBlocks),
      gaps_(engine::kCalibrationBins) {}

std::size_t RankMetrics::n_bytes(std::size_t most_rows) {
  return 2 * most_rows * sizeof(std::uint64_t) + sort_scratch_bytes<std::uint64_t>(most_rows) +
         n_chunks_of(most_rows) * sizeof(RankSums);
}

RankedRows RankMetrics::rank(const Stream& stream, const ScoredRows& rows, const engine::RankScale& scale,
                             bool by_prediction) {
  const unsigned n_chunks = n_chunks_of(rows.n_rows);
  LaunchShape shape{.grid = {n_chunks}, .block = {kChunk}};
  launch<make_rank_words>(stream, shape, rows, by_prediction, words_.data());
  constexpr int kKeyBits = 32;
  const std::uint64_t* const words = sort_keys<std::uint64_t>(
      stream, {words_.data(), words_.data() + rows.n_rows, rows.n_rows, scratch_.data(), scratch_.size()},
      kKeyBits);
  const RankedRows ranked{rows, scale, by_prediction, words, chunks_.data()};
  shape.shared_bytes = kScratch * sizeof(std::int64_t);
  launch<sum_chunks>(stream, shape, ranked, chunks_.data());
  shape.grid = {1};
  launch<add_chunks>(stream, shape, chunks_.data(), n_chunks);
  return ranked;
}

void RankMetrics::enqueue(const Stream& stream, const ScoredRows& rows, const engine::RankScale& scale) {
  scale_ = scale;
  n_blocks_ = std::min(n_chunks_of(rows.n_rows), kMostBlocks);
  const auto is_of_margins = [](const Metric& metric) { return engine::is_of_ranking(metric.kind); };
  if (std::ranges::any_of(metrics_, is_of_margins)) {
    const RankedRows ranked = rank(stream, rows, scale, false);
    for (std::size_t i = 0; i < metrics_.size(); ++i) {
      const Metric& metric = metrics_[i];
      if (metric.kind == Metric::Kind::kAuc)
        enqueue_fold(stream, ranked, n_blocks_, engine::PairFold{scale}, pairs_.data());
      else if (metric.kind == Metric::Kind::kAveragePrecision)
        enqueue_fold(stream, ranked, n_blocks_, engine::PrecisionFold{scale}, steps_.data());
      else if (is_of_margins(metric))
        enqueue_fold(stream, ranked, n_blocks_, engine::BestTieFold{scale, metric, costs_},
                     best_.data() + i * kMostBlocks);
    }
  }
  if (std::ranges::count(metrics_, Metric::Kind::kCalibrationError, &Metric::kind) > 0) {
    const RankedRows ranked = rank(stream, rows, scale, true);
    launch<find_gaps>(stream, {.grid = {n_blocks_}, .block = {kChunk}, .shared_bytes = sizeof(GapMemory)},
                      ranked, gaps_.data());
  }
}

double RankMetrics::value(std::size_t index) const {
  const Metric& metric = metrics_[index];
  switch (metric.kind) {
    case Metric::Kind::kAuc:
      return folded(engine::PairFold{scale_}, {pairs_.data(), n_blocks_});
    case Metric::Kind::kAveragePrecision:
      return folded(engine::PrecisionFold{scale_}, {steps_.data(), n_blocks_});
    case Metric::Kind::kCalibrationError: {
      engine::CalibrationBins gaps;
      std::copy_n(gaps_.data(), gaps.size(), gaps.begin());
      return engine::calibration_error(scale_, gaps);
    }
    default:
      return folded(engine::BestTieFold{scale_, metric, costs_},
                    {best_.data() + index * kMostBlocks, n_blocks_});
  }
}

}  // namespace coppice::kernels::cuda
