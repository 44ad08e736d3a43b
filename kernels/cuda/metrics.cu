#include "cuda/metrics.h"

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>
#include <coppice/detail/sort_key.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "cuda/block.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {
namespace {

namespace engine = coppice::detail;

constexpr unsigned kThreads = 256;
constexpr unsigned kSumRows = engine::kSumBlock;
/// Sums of a block of rows for a metric with a threshold: of weights by 2 * called positive + is positive.
constexpr unsigned kCells = 4;
/// More blocks than that go round.
constexpr unsigned kMostBlocks = 1024;

std::size_t n_sum_blocks(std::size_t n_rows) { return (n_rows + kSumRows - 1) / kSumRows; }
unsigned blocks_for(std::size_t n) {
  return static_cast<unsigned>(std::clamp<std::size_t>((n + kThreads - 1) / kThreads, 1, kMostBlocks));
}

// ---------------------------------------------------------------------------------------------------------
// Which metrics are worked out here, and what they need.

/// Numbers that a block of rows adds up for a metric; 0: it is none of sums.
std::size_t sums_of(const Metric& metric) {
  if (engine::is_loss(metric.kind)) return 1;
  const bool has_amounts = metric.kind == Metric::Kind::kCost || metric.kind == Metric::Kind::kAmountRecall;
  return metric.has_threshold() && !has_amounts ? kCells : 0;
}

bool is_ranked(const Metric& metric) {
  return metric.kind == Metric::Kind::kAuc || metric.kind == Metric::Kind::kAveragePrecision;
}

std::uint64_t count_positive(std::span<const float> labels) {
  return static_cast<std::uint64_t>(std::ranges::count_if(labels, engine::is_positive));
}

/// Are the ranks of these rows whole numbers that double holds exactly?
bool has_exact_ranks(const WatchedRows& rows, std::uint64_t n_positive) {
  return rows.weights.empty() && n_positive * (rows.labels.size() - n_positive) < engine::kMostPairs;
}

/// Sizes of the room that all sets share.
struct RoomSizes {
  std::size_t sums = 0;
  std::size_t ranked = 0;  ///< rows that are sorted
  std::size_t steps = 0;

  explicit RoomSizes(const SessionData& data) {
    std::size_t of_block = 0;
    for (const Metric& metric : data.metrics) of_block += sums_of(metric);
    for (const WatchedRows& rows : data.watched) {
      const std::size_t n = rows.labels.size();
      sums = std::max(sums, of_block * n_sum_blocks(n));
      if (std::ranges::none_of(data.metrics, is_ranked)) continue;
      const std::uint64_t n_positive = count_positive(rows.labels);
      if (!has_exact_ranks(rows, n_positive)) continue;
      ranked = std::max(ranked, n);
      steps = std::max<std::size_t>(steps, n_positive);
    }
  }
  [[nodiscard]] std::size_t scratch() const {
    return ranked > 0 ? sort_scratch_bytes<std::uint64_t>(ranked) : 0;
  }
  [[nodiscard]] std::size_t half_pairs() const { return ranked > 0 ? 1 : 0; }
};

// ---------------------------------------------------------------------------------------------------------
// Sums

/// Rows with their margins, on the device.
struct ScoredRows {
  const float* margins = nullptr;
  const float* labels = nullptr;
  const float* weights = nullptr;  ///< or null: 1 each
  std::uint32_t n_rows = 0;
  Objective objective = Objective::kBinaryLogistic;

  [[nodiscard]] __device__ float weight(std::uint32_t row) const {
    return weights == nullptr ? 1.0F : weights[row];
  }
};

/// Weighted losses of each block of 1,024 rows. Shapes: grid [blocks of rows], sums [blocks of rows], shared
/// memory 1,024 doubles. Cost: a row reads margin, label and weight; one thread adds 1,024 doubles, because
/// their order is fixed. Source: mean_loss of core.
__global__ void __launch_bounds__(kThreads) sum_losses(ScoredRows rows, Metric::Kind kind, double* sums) {
  auto* const losses = shared_memory<double>();
  const std::uint32_t begin = blockIdx.x * kSumRows,
                      n = std::min(std::uint32_t{kSumRows}, rows.n_rows - begin);
  for (unsigned i = threadIdx.x; i < n; i += kThreads) {
    const std::uint32_t row = begin + i;
    losses[i] =
        engine::loss_of_margin(kind, rows.objective, rows.margins[row], rows.labels[row]) * rows.weight(row);
  }
  __syncthreads();
  if (threadIdx.x != 0) return;
  double sum = 0;
  for (unsigned i = 0; i < n; ++i) sum += losses[i];
  sums[blockIdx.x] = sum;
}

struct SharedCells {
  float weights[kSumRows];
  std::uint8_t cells[kSumRows];
};

/// Weights by cell of each block of 1,024 rows. Shapes: grid [blocks of rows], sums [blocks of rows, kCells],
/// shared memory SharedCells. Cost: as sum_losses; one thread a cell adds. Source: confusion of core.
__global__ void __launch_bounds__(kThreads) sum_cells(ScoredRows rows, double threshold, double* sums) {
  SharedCells& shared = *shared_memory<SharedCells>();
  const std::uint32_t begin = blockIdx.x * kSumRows,
                      n = std::min(std::uint32_t{kSumRows}, rows.n_rows - begin);
  for (unsigned i = threadIdx.x; i < n; i += kThreads) {
    const std::uint32_t row = begin + i;
    const bool called = engine::prediction_of(rows.objective, rows.margins[row]) >= threshold;
    const bool positive = engine::is_positive(rows.labels[row]);
    shared.weights[i] = rows.weight(row);
    shared.cells[i] = static_cast<std::uint8_t>((called ? 2 : 0) + (positive ? 1 : 0));
  }
  __syncthreads();
  if (threadIdx.x >= kCells) return;
  double sum = 0;
  for (unsigned i = 0; i < n; ++i) sum += shared.cells[i] == threadIdx.x ? shared.weights[i] : 0.0F;
  sums[blockIdx.x * kCells + threadIdx.x] = sum;
}

// ---------------------------------------------------------------------------------------------------------
// Ranks

constexpr int kRankBits = 33;

/// Words that a sort parts by class and orders by score: 1 << 32 for positive rows, and the sort key. Shapes:
/// words [n_rows].
__global__ void __launch_bounds__(kThreads) make_rank_words(ScoredRows rows, std::uint64_t* words) {
  const std::uint32_t step = gridDim.x * blockDim.x;
  for (std::uint32_t row = blockIdx.x * blockDim.x + threadIdx.x; row < rows.n_rows; row += step)
    words[row] = std::uint64_t{engine::is_positive(rows.labels[row]) ? 1U : 0U} << 32 |
                 engine::sort_key(rows.margins[row]);
}

/// The sorted scores of one class.
struct ClassKeys {
  const std::uint64_t* words = nullptr;
  std::uint32_t n = 0;

  [[nodiscard]] __device__ engine::SortKey key(std::uint32_t rank) const {
    return static_cast<engine::SortKey>(words[rank]);
  }
  /// How many are below a key.
  [[nodiscard]] __device__ std::uint32_t n_below(std::uint64_t bound) const {
    std::uint32_t begin = 0, end = n;
    while (begin < end) {
      const std::uint32_t middle = begin + (end - begin) / 2;
      if (key(middle) < bound)
        begin = middle + 1;
      else
        end = middle;
    }
    return begin;
  }
};

/// Over the rows of one class, adds up the rows of the other that score lower, and those that do not score
/// higher. Cost: two binary searches a row. Source: auc_by_rare_class of core.
__global__ void __launch_bounds__(kThreads)
    count_pairs(ClassKeys of, ClassKeys others, std::int64_t* half_pairs) {
  std::int64_t sum = 0;
  const std::uint32_t step = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < of.n; i += step) {
    const std::uint64_t key = of.key(i);
    sum += std::int64_t{others.n_below(key)} + others.n_below(key + 1);
  }
  sum = warp_sum(sum);
  if (threadIdx.x % kWarp == 0 && sum != 0) atomic_add(half_pairs, sum);
}

/// What each tie adds to ap, in falling order: at the first of its positive rows, and 0 at the others.
/// Shapes: steps [positive.n]. Cost: three binary searches a tie. Source: average_precision of core.
__global__ void __launch_bounds__(kThreads)
    make_precision_steps(ClassKeys positive, ClassKeys negative, double* steps) {
  const std::uint32_t grid_step = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < positive.n; i += grid_step) {
    const std::uint64_t key = positive.key(i);
    const bool is_first = i + 1 == positive.n || positive.key(i + 1) != key;
    double of_tie = 0;
    if (is_first) {
      const std::uint32_t below = positive.n_below(key);
      of_tie = engine::precision_step(i + 1 - below, positive.n - below, negative.n - negative.n_below(key));
    }
    steps[positive.n - 1 - i] = of_tie;
  }
}

/// Sums of cells.
struct Cells {
  double sums[kCells] = {};
  friend Cells operator+(const Cells& a, const Cells& b) {
    Cells result;
    for (unsigned cell = 0; cell < kCells; ++cell) result.sums[cell] = a.sums[cell] + b.sums[cell];
    return result;
  }
};

}  // namespace

WatchedMetrics::WatchedMetrics(const Stream& stream, const SessionData& data, Objective objective)
    : metrics_(data.metrics), watched_(data.watched), objective_(objective) {
  for (const WatchedRows& rows : watched_)
    sets_.push_back({upload(stream, rows.labels), upload(stream, rows.weights),
                     engine::sum_weights(rows.weights, rows.labels.size()), count_positive(rows.labels)});
  const RoomSizes sizes(data);
  sums_ = DeviceBuffer<double>(sizes.sums);
  words_ = DeviceBuffer<std::uint64_t>(2 * sizes.ranked);
  scratch_ = DeviceBuffer<unsigned char>(sizes.scratch());
  half_pairs_ = DeviceBuffer<std::int64_t>(sizes.half_pairs());
  steps_ = DeviceBuffer<double>(sizes.steps);
  fetched_sums_ = PinnedBuffer<double>(sizes.sums);
  fetched_steps_ = PinnedBuffer<double>(sizes.steps);
  fetched_half_pairs_ = PinnedBuffer<std::int64_t>(sizes.half_pairs());
}

std::size_t WatchedMetrics::n_bytes(const SessionData& data) {
  std::size_t n = 0;
  for (const WatchedRows& rows : data.watched) n += rows.labels.size_bytes() + rows.weights.size_bytes();
  const RoomSizes sizes(data);
  return n + (sizes.sums + sizes.steps) * sizeof(double) + 2 * sizes.ranked * sizeof(std::uint64_t) +
         sizes.scratch() + sizes.half_pairs() * sizeof(std::int64_t);
}

bool WatchedMetrics::is_here(const Metric& metric, std::size_t index) const {
  return sums_of(metric) > 0 ||
         (is_ranked(metric) && has_exact_ranks(watched_[index], sets_[index].n_positive));
}

std::vector<std::optional<double>> WatchedMetrics::evaluate(const Stream& stream, std::size_t index,
                                                            const float* margins) {
  std::vector<std::optional<double>> values(metrics_.size());
  const auto here = [&](const Metric& metric) { return is_here(metric, index); };
  if (std::ranges::none_of(metrics_, here)) return values;
  enqueue_sums(stream, index, margins);
  enqueue_ranks(stream, index, margins);
  stream.synchronize();
  const std::size_t n_blocks = n_sum_blocks(watched_[index].labels.size());
  std::span<double> sums(fetched_sums_.data(), fetched_sums_.size());
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const std::size_t n = sums_of(metrics_[m]) * n_blocks;
    if (n > 0)
      values[m] = value_of_sums(metrics_[m], index, sums.first(n));
    else if (here(metrics_[m]))
      values[m] = value_of_ranks(metrics_[m], index);
    sums = sums.subspan(n);
  }
  return values;
}

void WatchedMetrics::enqueue_sums(const Stream& stream, std::size_t index, const float* margins) {
  const Set& set = sets_[index];
  const auto n_rows = static_cast<std::uint32_t>(set.labels.size());
  const ScoredRows rows{margins, set.labels.data(), set.weights.data(), n_rows, objective_};
  const auto n_blocks = static_cast<unsigned>(n_sum_blocks(n_rows));
  LaunchShape shape{.grid = {n_blocks}, .block = {kThreads}};
  std::size_t at = 0;
  for (const Metric& metric : metrics_) {
    double* const sums = sums_.data() + at;
    at += sums_of(metric) * n_blocks;
    if (engine::is_loss(metric.kind)) {
      shape.shared_bytes = kSumRows * sizeof(double);
      launch<sum_losses>(stream, shape, rows, metric.kind, sums);
    } else if (sums_of(metric) > 0) {
      shape.shared_bytes = sizeof(SharedCells);
      launch<sum_cells>(stream, shape, rows, metric.argument, sums);
    }
  }
  copy_to_host(stream, std::span(fetched_sums_.data(), at), sums_.data());
}

void WatchedMetrics::enqueue_ranks(const Stream& stream, std::size_t index, const float* margins) {
  const Set& set = sets_[index];
  const auto n_rows = static_cast<std::uint32_t>(set.labels.size());
  const auto n_positive = static_cast<std::uint32_t>(set.n_positive), n_negative = n_rows - n_positive;
  if (std::ranges::none_of(metrics_, is_ranked) || !has_exact_ranks(watched_[index], n_positive)) return;
  if (n_positive == 0 || n_negative == 0) return;  // all of them are NaN
  const LaunchShape shape{.grid = {blocks_for(n_rows)}, .block = {kThreads}};
  const ScoredRows rows{margins, set.labels.data(), nullptr, n_rows, objective_};
  launch<make_rank_words>(stream, shape, rows, words_.data());
  const std::uint64_t* const words = sort_keys<std::uint64_t>(
      stream, {words_.data(), words_.data() + n_rows, n_rows, scratch_.data(), scratch_.size()}, kRankBits);
  const ClassKeys negative{words, n_negative}, positive{words + n_negative, n_positive};
  for (const Metric& metric : metrics_) {
    if (metric.kind == Metric::Kind::kAuc) {
      fill_bytes(stream, half_pairs_.data(), 0, 1);
      const bool positive_is_rare = n_positive <= n_negative;
      launch<count_pairs>(stream, shape, positive_is_rare ? positive : negative,
                          positive_is_rare ? negative : positive, half_pairs_.data());
      copy_to_host(stream, std::span(fetched_half_pairs_.data(), 1), half_pairs_.data());
    } else if (metric.kind == Metric::Kind::kAveragePrecision) {
      launch<make_precision_steps>(stream, shape, positive, negative, steps_.data());
      copy_to_host(stream, std::span(fetched_steps_.data(), n_positive), steps_.data());
    }
  }
}

double WatchedMetrics::value_of_sums(const Metric& metric, std::size_t index, std::span<double> sums) const {
  const WatchedRows& rows = watched_[index];
  if (engine::is_loss(metric.kind))
    return engine::loss_metric(metric.kind, engine::add_neighbours(sums) / sets_[index].weight_sum,
                               rows.labels, rows.weights);
  std::vector<Cells> blocks(sums.size() / kCells);
  for (std::size_t i = 0; i < sums.size(); ++i) blocks[i / kCells].sums[i % kCells] = sums[i];
  const Cells cells = engine::add_neighbours(std::span(blocks));
  return engine::threshold_metric(metric,
                                  {.true_positive = cells.sums[3],
                                   .false_positive = cells.sums[2],
                                   .true_negative = cells.sums[0],
                                   .false_negative = cells.sums[1]},
                                  {});
}

double WatchedMetrics::value_of_ranks(const Metric& metric, std::size_t index) const {
  const std::uint64_t n_positive = sets_[index].n_positive;
  const std::uint64_t n_negative = sets_[index].labels.size() - n_positive;
  if (n_positive == 0 || n_negative == 0) return std::numeric_limits<double>::quiet_NaN();
  if (metric.kind == Metric::Kind::kAuc) {
    const std::uint64_t n_pairs = n_positive * n_negative;
    const auto half = static_cast<std::uint64_t>(*fetched_half_pairs_.data());
    return engine::auc_of_pairs(n_positive <= n_negative ? half : 2 * n_pairs - half, n_pairs);
  }
  double sum = 0;
  for (const double step : std::span(fetched_steps_.data(), n_positive)) sum += step;
  return sum / static_cast<double>(n_positive);
}

}  // namespace coppice::kernels::cuda
