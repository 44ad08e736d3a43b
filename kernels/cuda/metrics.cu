#include "cuda/metrics.h"

#include <coppice/detail/fixed_sum.h>
#include <coppice/detail/metric_terms.h>

#include <algorithm>

#include "cuda/launch.h"
#include "cuda/scored_rows.h"

namespace coppice::kernels::cuda {
namespace {

namespace engine = coppice::detail;

constexpr unsigned kThreads = 256;
constexpr unsigned kSumRows = engine::kSumBlock;
/// Sums of a block of rows for a metric with a threshold: of weights by 2 * called positive + is positive.
constexpr unsigned kWeightCells = 4;
/// Those, and of amounts by called positive.
constexpr unsigned kCells = 6;

std::size_t n_sum_blocks(std::size_t n_rows) { return (n_rows + kSumRows - 1) / kSumRows; }

// ---------------------------------------------------------------------------------------------------------
// Which metrics are worked out here, and what they need.

/// Numbers that a block of rows adds up for a metric; 0: it is none of sums.
std::size_t sums_of(const Metric& metric) {
  if (engine::is_loss(metric.kind)) return 1;
  return metric.has_threshold() ? kCells : 0;
}

bool is_of_cards(const Metric& metric) { return metric.kind == Metric::Kind::kCardPrecision; }

/// The amounts of watched rows, where a metric looks at them.
std::span<const float> amounts_of(const SessionData& data, const WatchedRows& rows) {
  const auto looks = [](const Metric& metric) { return engine::has_amounts(metric.kind); };
  return std::ranges::any_of(data.metrics, looks) ? rows.columns.amounts : std::span<const float>();
}

/// Sizes of the room that all sets share; 0 where no metric needs it.
struct RoomSizes {
  std::size_t sums = 0;
  std::size_t ranked = 0;  ///< rows
  std::size_t card_rows = 0, groups = 0;

  explicit RoomSizes(const SessionData& data) {
    std::size_t of_block = 0;
    for (const Metric& metric : data.metrics) of_block += sums_of(metric);
    const bool has_ranks = std::ranges::any_of(data.metrics, is_of_ranks);
    const bool has_cards = std::ranges::any_of(data.metrics, is_of_cards);
    for (const WatchedRows& rows : data.watched) {
      const std::size_t n_rows = rows.columns.labels.size();
      sums = std::max(sums, of_block * n_sum_blocks(n_rows));
      if (has_ranks) ranked = std::max(ranked, n_rows);
      if (has_cards) card_rows = std::max(card_rows, n_rows);
      if (has_cards) groups = std::max(groups, engine::end_of_numbers(rows.columns.groups));
    }
  }
};

// ---------------------------------------------------------------------------------------------------------
// Sums

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
  double amounts[kSumRows];
  float weights[kSumRows];
  std::uint8_t cells[kSumRows];
};

/// Weights by cell of each block of 1,024 rows, and amounts of positive rows. Shapes: grid [blocks of rows],
/// sums [blocks of rows, kCells], shared memory SharedCells. Cost: as sum_losses; one thread a cell adds.
/// Source: confusion of core.
__global__ void __launch_bounds__(kThreads) sum_cells(ScoredRows rows, double threshold, double* sums) {
  SharedCells& shared = *shared_memory<SharedCells>();
  const std::uint32_t begin = blockIdx.x * kSumRows,
                      n = std::min(std::uint32_t{kSumRows}, rows.n_rows - begin);
  for (unsigned i = threadIdx.x; i < n; i += kThreads) {
    const std::uint32_t row = begin + i;
    const bool called = engine::prediction_of(rows.objective, rows.margins[row]) >= threshold;
    const bool positive = engine::is_positive(rows.labels[row]);
    shared.weights[i] = rows.weight(row);
    shared.amounts[i] = rows.amount(row);
    shared.cells[i] = static_cast<std::uint8_t>((called ? 2 : 0) + (positive ? 1 : 0));
  }
  __syncthreads();
  if (threadIdx.x >= kCells) return;
  double sum = 0;
  if (threadIdx.x < kWeightCells) {
    for (unsigned i = 0; i < n; ++i) sum += shared.cells[i] == threadIdx.x ? shared.weights[i] : 0.0F;
  } else {
    const unsigned cell = 2 * (threadIdx.x - kWeightCells) + 1;
    for (unsigned i = 0; i < n; ++i) sum += shared.cells[i] == cell ? shared.amounts[i] : 0.0;
  }
  sums[blockIdx.x * kCells + threadIdx.x] = sum;
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

WatchedMetrics::WatchedMetrics(const Stream& stream, const SessionData& data, const Parameters& parameters)
    : metrics_(data.metrics),
      watched_(data.watched),
      objective_(parameters.objective),
      costs_(costs_of(parameters)) {
  const RoomSizes sizes(data);
  for (const WatchedRows& rows : watched_) {
    const EvaluationColumns& columns = rows.columns;
    const std::span<const float> amounts = amounts_of(data, rows);
    Set& set = sets_.emplace_back();
    set.labels = upload(stream, columns.labels);
    set.weights = upload(stream, columns.weights);
    set.amounts = upload(stream, amounts);
    set.weight_sum = engine::sum_weights(columns.weights, columns.labels.size());
    if (sizes.ranked > 0) set.scale = engine::rank_scale({columns.labels, columns.weights, amounts});
    if (sizes.card_rows > 0) set.cards = WatchedCards(stream, columns);
  }
  sums_ = DeviceBuffer<double>(sizes.sums);
  fetched_sums_ = PinnedBuffer<double>(sizes.sums);
  if (sizes.ranked > 0) ranks_ = RankMetrics(metrics_, costs_, sizes.ranked);
  if (sizes.card_rows > 0) cards_ = CardMetrics(metrics_, sizes.card_rows, sizes.groups);
}

std::size_t WatchedMetrics::n_bytes(const SessionData& data) {
  const RoomSizes sizes(data);
  std::size_t n = sizes.sums * sizeof(double);
  for (const WatchedRows& rows : data.watched) {
    const EvaluationColumns& columns = rows.columns;
    n += columns.labels.size_bytes() + columns.weights.size_bytes() + amounts_of(data, rows).size_bytes();
    if (sizes.card_rows > 0) n += WatchedCards::n_bytes(columns.labels.size());
  }
  if (sizes.ranked > 0) n += RankMetrics::n_bytes(sizes.ranked);
  if (sizes.card_rows > 0) n += CardMetrics::n_bytes(sizes.card_rows, sizes.groups);
  return n;
}

ScoredRows WatchedMetrics::scored(std::size_t index, const float* margins) const {
  const Set& set = sets_[index];
  return {margins,
          set.labels.data(),
          set.weights.data(),
          set.amounts.data(),
          static_cast<std::uint32_t>(set.labels.size()),
          objective_};
}

std::vector<double> WatchedMetrics::evaluate(const Stream& stream, std::size_t index, const float* margins) {
  const ScoredRows rows = scored(index, margins);
  enqueue_sums(stream, rows);
  if (std::ranges::any_of(metrics_, is_of_ranks)) ranks_.enqueue(stream, rows, sets_[index].scale);
  if (std::ranges::any_of(metrics_, is_of_cards)) cards_.enqueue(stream, sets_[index].cards, margins);
  stream.synchronize();
  const std::size_t n_blocks = n_sum_blocks(rows.n_rows);
  std::span<double> sums(fetched_sums_.data(), fetched_sums_.size());
  std::vector<double> values;
  for (std::size_t m = 0; m < metrics_.size(); ++m) {
    const Metric& metric = metrics_[m];
    const std::size_t n = sums_of(metric) * n_blocks;
    values.push_back(is_of_cards(metric)   ? cards_.value(m)
                     : is_of_ranks(metric) ? ranks_.value(m)
                                           : value_of_sums(metric, index, sums.first(n)));
    sums = sums.subspan(n);
  }
  return values;
}

void WatchedMetrics::enqueue_sums(const Stream& stream, const ScoredRows& rows) {
  const auto n_blocks = static_cast<unsigned>(n_sum_blocks(rows.n_rows));
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

double WatchedMetrics::value_of_sums(const Metric& metric, std::size_t index, std::span<double> sums) const {
  const EvaluationColumns& columns = watched_[index].columns;
  if (engine::is_loss(metric.kind))
    return engine::loss_metric(metric.kind, engine::add_neighbours(sums) / sets_[index].weight_sum,
                               columns.labels, columns.weights);
  std::vector<Cells> blocks(sums.size() / kCells);
  for (std::size_t i = 0; i < sums.size(); ++i) blocks[i / kCells].sums[i % kCells] = sums[i];
  const Cells cells = engine::add_neighbours(std::span(blocks));
  return engine::threshold_metric(metric,
                                  {.true_positive = cells.sums[3],
                                   .false_positive = cells.sums[2],
                                   .true_negative = cells.sums[0],
                                   .false_negative = cells.sums[1],
                                   .found_amount = cells.sums[5],
                                   .missed_amount = cells.sums[4]},
                                  costs_);
}

}  // namespace coppice::kernels::cuda
