#include "cuda/cards.h"

#include <algorithm>
#include <bit>

#include "cuda/launch.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {

namespace engine = coppice::detail;
using engine::CardOfDay;

namespace {

constexpr unsigned kThreads = 256;

/// The word of each card, not yet sorted: its number << 32, and a key that rises where its score falls.
/// Shapes: words [n_cards]. Cost: a row of weight reads its number, and its margin where it lies.
__global__ void __launch_bounds__(kThreads)
    score_cards(const CardOfDay* cards, std::uint32_t n_cards, const std::uint32_t* rows,
                const float* margins, std::uint64_t* words) {
  const std::uint32_t card = blockIdx.x * kThreads + threadIdx.x;
  if (card < n_cards)
    words[card] = std::uint64_t{card} << 32 | engine::falling_key(cards[card], rows, margins);
}

/// Keys make way for days. Shapes: words [n_cards].
__global__ void __launch_bounds__(kThreads)
    put_days(const CardOfDay* cards, std::uint32_t n_cards, std::uint64_t* words) {
  const std::uint32_t i = blockIdx.x * kThreads + threadIdx.x;
  if (i >= n_cards) return;
  const auto card = static_cast<std::uint32_t>(words[i] >> 32);
  words[i] = std::uint64_t{card} << 32 | cards[card].day;
}

/// Cards that a block looks at together.
struct Candidates {
  engine::Investigation today;
  unsigned n_seen;
  float weights[kThreads];  ///< 0: found on an earlier day
  bool is_positive[kThreads];
};

/// Takes the first of n candidates until there are `count` cards. Returns how many it has looked at.
__device__ unsigned take_candidates(Candidates& shared, unsigned n, double count) {
  engine::Investigation today = shared.today;
  unsigned i = 0;
  for (; i < n && today.taken < count; ++i) today.take(shared.weights[i], shared.is_positive[i], count);
  shared.today = today;
  return i;
}

/// One metric: the sum over days of the share of compromised cards among the first `count`. Source:
/// card_precision of core. Shapes: one block; begins [n_days + 1], words [n_cards] in order, is_found
/// [groups], all 0; shared memory Candidates. Cost: a chain of days; of each, the cards down to the last that
/// is taken, kThreads at a time, which one thread adds up, because the order of sums is fixed.
__global__ void __launch_bounds__(kThreads)
    investigate(const CardOfDay* cards, const std::uint32_t* begins, std::uint32_t n_days,
                const std::uint64_t* words, double count, std::uint8_t* is_found, double* sum) {
  Candidates& shared = *shared_memory<Candidates>();
  double so_far = 0;
  for (std::uint32_t day = 0; day < n_days; ++day) {
    const std::uint32_t end = begins[day + 1];
    if (threadIdx.x == 0) shared.today = {};
    __syncthreads();
    for (std::uint32_t first = begins[day]; first < end && shared.today.taken < count; first += kThreads) {
      const std::uint32_t rank = first + threadIdx.x;
      const CardOfDay card = rank < end ? cards[words[rank] >> 32] : CardOfDay();
      const bool is_candidate = rank < end && is_found[card.group] == 0;
      shared.weights[threadIdx.x] = is_candidate ? card.weight : 0;
      shared.is_positive[threadIdx.x] = card.is_positive;
      __syncthreads();
      if (threadIdx.x == 0)
        shared.n_seen = take_candidates(shared, std::min(std::uint32_t{kThreads}, end - first), count);
      __syncthreads();
      if (threadIdx.x < shared.n_seen && card.is_positive) is_found[card.group] = 1;
    }
    __syncthreads();  // what is found today is not looked at tomorrow
    if (threadIdx.x == 0) so_far += shared.today.found / count;
  }
  if (threadIdx.x == 0) *sum = so_far;
}

unsigned n_blocks_of(std::size_t n) { return static_cast<unsigned>((n + kThreads - 1) / kThreads); }

}  // namespace

WatchedCards::WatchedCards(const Stream& stream, const EvaluationColumns& columns)
    : cards(columns.labels.size()),
      begins(columns.labels.size() + 1),
      rows(columns.labels.size()),
      n_groups(engine::end_of_numbers(columns.groups)) {
  const engine::CardDays found = engine::card_days(columns);
  n_cards = static_cast<std::uint32_t>(found.cards.size());
  n_days = static_cast<std::uint32_t>(found.n_days());
  copy_to_device(stream, cards.data(), found.cards);
  copy_to_device(stream, begins.data(), found.begins);
  copy_to_device(stream, rows.data(), found.rows);
  stream.synchronize();
}

std::size_t WatchedCards::n_bytes(std::size_t n_rows) {
  return n_rows * (sizeof(CardOfDay) + 2 * sizeof(std::uint32_t)) + sizeof(std::uint32_t);
}

CardMetrics::CardMetrics(std::span<const Metric> metrics, std::size_t most_rows, std::size_t most_groups)
    : metrics_(metrics),
      words_(2 * most_rows),
      scratch_(sort_scratch_bytes<std::uint64_t>(most_rows)),
      is_found_(most_groups),
      sums_(metrics.size()) {}

std::size_t CardMetrics::n_bytes(std::size_t most_rows, std::size_t most_groups) {
  return 2 * most_rows * sizeof(std::uint64_t) + sort_scratch_bytes<std::uint64_t>(most_rows) + most_groups;
}

/// Cards day by day, those of a day in falling order of their scores; of equal ones the lower group first.
const std::uint64_t* CardMetrics::rank(const Stream& stream, const WatchedCards& watched,
                                       const float* margins) {
  const std::uint32_t n = watched.n_cards;
  const LaunchShape shape{.grid = {n_blocks_of(n)}, .block = {kThreads}};
  std::uint64_t* const one = words_.data();
  std::uint64_t* const other = one + n;
  const auto sort = [&](std::uint64_t* words, int n_bits) {
    return sort_keys<std::uint64_t>(
        stream, {words, words == one ? other : one, n, scratch_.data(), scratch_.size()}, n_bits);
  };
  launch<score_cards>(stream, shape, watched.cards.data(), n, watched.rows.data(), margins, one);
  std::uint64_t* const words = sort(one, 32);
  launch<put_days>(stream, shape, watched.cards.data(), n, words);
  return sort(words, static_cast<int>(std::bit_width(watched.n_days)));
}

void CardMetrics::enqueue(const Stream& stream, const WatchedCards& watched, const float* margins) {
  n_days_ = watched.n_days;
  if (n_days_ == 0) return;
  const std::uint64_t* const words = rank(stream, watched, margins);
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    if (metrics_[i].kind != Metric::Kind::kCardPrecision) continue;
    fill_bytes(stream, is_found_.data(), 0, watched.n_groups);
    launch<investigate>(stream, {.grid = {1}, .block = {kThreads}, .shared_bytes = sizeof(Candidates)},
                        watched.cards.data(), watched.begins.data(), n_days_, words, metrics_[i].argument,
                        is_found_.data(), sums_.data() + i);
  }
}

double CardMetrics::value(std::size_t index) const {
  return engine::mean_of_days(n_days_ > 0 ? sums_.data()[index] : 0, n_days_);
}

}  // namespace coppice::kernels::cuda
