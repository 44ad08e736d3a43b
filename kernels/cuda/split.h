// The search for the best split of every node of a step, with sibling histograms by subtraction on the way.
//
// A block takes eight features of a pair at a time, one to a warp. Each lane of a warp holds eight
// neighbouring bins: sums below a bin are a warp scan, and every candidate is scored by the lane that holds
// its bin.
#pragma once

#include "cuda/block.h"
#include "cuda/growth.h"
#include "cuda/histogram.h"

#include <coppice/detail/feature_sampling.h>

#include <bit>
#include <cmath>

namespace coppice::kernels::cuda {

inline constexpr int kMostBins = 256;
inline constexpr int kLaneBins = kMostBins / static_cast<int>(kWarp);
/// Words of a feature in shared memory: one more for each lane's bins, so that lanes fall into different
/// banks.
inline constexpr int kFeatureWords = kMostBins + static_cast<int>(kWarp) + 1;

/// One feature's bins in shared memory.
struct FeatureWords {
  const Word* words;
  int n_bins;

  [[nodiscard]] __device__ static int place(int bin) { return bin + bin / kLaneBins; }
  [[nodiscard]] __device__ Word operator[](int bin) const { return words[place(bin)]; }
};

/// What the search of categorical features needs besides.
struct CategoricalScratch {
  double ranks[kMostBins];  ///< of eligible bins
  double roots[kMostBins];  ///< square root of the hessian; -1: the bin is not eligible
  std::uint8_t order[kMostBins];
};

struct SharedSearch {
  Word words[2][kOctet][kFeatureWords];  ///< of the built node and of its sibling
  BlockSplit best[2][kOctet];
};

/// The best candidate so far, of one lane or of all.
struct Candidate {
  double score = -1;
  std::uint32_t key = 0;
  Word left = 0;

  __device__ void offer(double other_score, std::uint32_t other_key, Word other_left) {
    if (other_score < 0 || !engine::is_better(other_score, other_key, score, key)) return;
    score = other_score;
    key = other_key;
    left = other_left;
  }
};

/// The best candidate of the lanes, in all of them. Scores are not negative, so their bits have their order.
__device__ inline Candidate best_of_warp(const Candidate& mine) {
  const std::uint64_t bits = mine.score >= 0 ? std::bit_cast<std::uint64_t>(mine.score) + 1 : 0;
  const auto high = static_cast<unsigned>(bits >> 32), low = static_cast<unsigned>(bits);
  const bool has_high = high == __reduce_max_sync(kAllLanes, high);
  const unsigned best_low = __reduce_max_sync(kAllLanes, has_high ? low : 0U);
  const bool has_score = has_high && low == best_low;
  const unsigned best_key = __reduce_min_sync(kAllLanes, has_score ? mine.key : ~0U);
  const bool is_best = has_score && mine.key == best_key;
  const int lane = __ffs(static_cast<int>(__ballot_sync(kAllLanes, is_best ? 1 : 0))) - 1;
  return {__shfl_sync(kAllLanes, mine.score, lane), __shfl_sync(kAllLanes, mine.key, lane),
          __shfl_sync(kAllLanes, mine.left, lane)};
}

/// What a search is about.
struct SearchedFeature {
  std::uint32_t feature;
  FeatureWords bins;
  Word total;  ///< of the node
  const engine::SplitRule& rule;
};

__device__ inline Candidate find_numeric(const SearchedFeature& of) {
  const engine::SplitRule& rule = of.rule;
  const double total_gradient = static_cast<double>(engine::gradient_of(of.total)) * rule.gradient_unit;
  const double total_hessian = static_cast<double>(engine::hessian_of(of.total)) * rule.hessian_unit;
  Candidate best;
  const auto try_left = [&](Word left, int bin, int side) {
    const double g = static_cast<double>(engine::gradient_of(left)) * rule.gradient_unit;
    const double h = static_cast<double>(engine::hessian_of(left)) * rule.hessian_unit;
    best.offer(engine::split_score(g, h, total_gradient - g, total_hessian - h, rule),
               engine::split_key(of.feature, bin, side), left);
  };
  const int first = static_cast<int>(threadIdx.x % kWarp) * kLaneBins;
  const Word missing = of.bins[0];
  if (first == 0 && missing != 0) try_left(missing, 0, 0);
  Word sum = 0;
  for (int bin = first; bin < first + kLaneBins && bin < of.bins.n_bins; ++bin)
    if (bin > 0) sum += of.bins[bin];
  Word left = warp_exclusive_sum(sum);
  for (int bin = first; bin < first + kLaneBins && bin < of.bins.n_bins - 1; ++bin) {
    const Word word = bin > 0 ? of.bins[bin] : 0;
    if (word == 0) continue;  // the candidate before it once more, with a higher key
    left += word;
    try_left(missing + left, bin, 0);
    if (missing != 0) try_left(left, bin, 1);
  }
  return best;
}

// ---------------------------------------------------------------------------------------------------------
// Categorical features: engine::find_categorical_split in parallel.

/// A candidate, and which of the lane's own bins (one bit each) go right by it.
struct CategoricalCandidate {
  Candidate best;
  unsigned right_bins = 0;
};

__device__ inline CategoricalCandidate find_one_against_rest(const SearchedFeature& of) {
  const engine::CategoricalNode node{of.feature, {}, of.total, of.rule};
  const int first = static_cast<int>(threadIdx.x % kWarp) * kLaneBins;
  Candidate best;
  for (int bin = first; bin < first + kLaneBins && bin < of.bins.n_bins; ++bin) {
    const Word word = bin > 0 ? of.bins[bin] : 0;
    if (word == 0) continue;
    best.offer(node.score(word, 0, 0), engine::split_key(of.feature, bin, 0), of.total - word);
  }
  best = best_of_warp(best);
  const int bin = static_cast<int>(best.key >> 1 & 0xff);
  const bool is_mine = best.score >= 0 && bin / kLaneBins == first / kLaneBins;
  return {best, is_mine ? 1U << (bin % kLaneBins) : 0};
}

/// Places of the lane's own bins in the order of eligible bins, -1 for others.
struct LanePlaces {
  int places[kLaneBins];
};

/// Orders the eligible bins by counting: a bin's place is the number of bins before it.
__device__ inline int order_categories(const engine::CategoricalNode& node, const FeatureWords& bins,
                                       double smooth, CategoricalScratch& scratch, LanePlaces& mine) {
  const int first = static_cast<int>(threadIdx.x % kWarp) * kLaneBins;
  for (int bin = first; bin < first + kLaneBins && bin < bins.n_bins; ++bin) {
    const Word word = bins[bin];
    const double h = node.hessian(word);
    const bool is_eligible = h >= engine::kLeastCategoryHessian;
    scratch.ranks[bin] = is_eligible ? node.gradient(word) / (h + smooth) : 0;
    scratch.roots[bin] = is_eligible ? std::sqrt(h) : -1;
  }
  __syncwarp();
  int n_eligible = 0;
  for (int& place : mine.places) place = 0;
  for (int other = 0; other < bins.n_bins; ++other) {
    if (scratch.roots[other] < 0) continue;
    ++n_eligible;
    const double rank = scratch.ranks[other];
    for (int i = 0; i < kLaneBins; ++i) {
      const int bin = first + i;
      if (bin >= bins.n_bins) continue;
      const double own = scratch.ranks[bin];
      mine.places[i] += rank < own || (rank == own && other < bin) ? 1 : 0;
    }
  }
  for (int i = 0; i < kLaneBins; ++i) {
    const int bin = first + i;
    if (bin >= bins.n_bins || scratch.roots[bin] < 0)
      mine.places[i] = -1;
    else
      scratch.order[mine.places[i]] = static_cast<std::uint8_t>(bin);
  }
  __syncwarp();
  return n_eligible;
}

/// engine::chance_score of the eligible bins: sums in the order of the bins, the same in every lane.
__device__ inline double chance_of(const engine::CategoricalNode& node, const FeatureWords& bins,
                                   const CategoricalScratch& scratch) {
  double roots = 0, sum = 0;
  for (int bin = 0; bin < bins.n_bins; ++bin) {
    if (scratch.roots[bin] < 0) continue;
    roots += scratch.roots[bin];
    sum += node.hessian(bins[bin]);
  }
  return engine::chance_score(roots, sum, node.rule.noise);
}

__device__ inline CategoricalCandidate find_partition(const SearchedFeature& of,
                                                      const engine::CategoricalRule& rule,
                                                      CategoricalScratch& scratch) {
  const engine::CategoricalNode node{of.feature, {}, of.total, of.rule};
  LanePlaces mine;
  const int n = order_categories(node, of.bins, rule.smooth, scratch, mine);
  if (n < 2) return {};
  const double chance = chance_of(node, of.bins, scratch);
  const int limit = std::min(rule.max_threshold, n / 2);
  constexpr int kLaneSizes = kLaneBins / 2;  // of right sides: at most half of the bins
  const int first = static_cast<int>(threadIdx.x % kWarp) * kLaneSizes;
  Candidate best;
  for (int side = 0; side < 2; ++side) {
    const auto word_at = [&](int i) { return of.bins[scratch.order[side == 0 ? i : n - 1 - i]]; };
    Word sum = 0;
    for (int i = first; i < first + kLaneSizes && i < limit; ++i) sum += word_at(i);
    Word right = warp_exclusive_sum(sum);
    for (int i = first; i < first + kLaneSizes && i < limit; ++i) {
      right += word_at(i);
      best.offer(node.score(right, rule.extra_l2, chance), engine::split_key(of.feature, i + 1, side),
                 of.total - right);
    }
  }
  best = best_of_warp(best);
  const int size = static_cast<int>(best.key >> 1 & 0xff);
  const bool is_suffix = (best.key & 1) != 0;
  unsigned right_bins = 0;
  for (int i = 0; i < kLaneBins; ++i) {
    const int place = mine.places[i];
    if (place >= 0 && (is_suffix ? place >= n - size : place < size)) right_bins |= 1U << i;
  }
  return {best, right_bins};
}

/// Bins without rows join the heavier side, the left one when equal.
__device__ inline unsigned add_empty_bins(const SearchedFeature& of, const Candidate& best,
                                          unsigned right_bins) {
  if (engine::hessian_of(of.total - best.left) <= engine::hessian_of(best.left)) return right_bins;
  const int first = static_cast<int>(threadIdx.x % kWarp) * kLaneBins;
  for (int i = 0; i < kLaneBins; ++i)
    if (first + i < of.bins.n_bins && of.bins[first + i] == 0) right_bins |= 1U << i;
  return right_bins;
}

// ---------------------------------------------------------------------------------------------------------

/// Best split of one feature at one node, by a warp. Lane 0 writes it, and of a categorical split every lane
/// its own bins: eight of them are a byte of the set.
__device__ inline void search_feature(const Growth& g, const SearchedFeature& of, bool is_categorical,
                                      CategoricalScratch* scratch, BlockSplit& result) {
  CategoricalCandidate found;
  if (!is_categorical)
    found.best = best_of_warp(find_numeric(of));
  else if (of.bins.n_bins - 1 <= g.categorical.max_onehot)
    found = find_one_against_rest(of);
  else
    found = find_partition(of, g.categorical, *scratch);
  const unsigned lane = threadIdx.x % kWarp;
  if (lane == 0) {
    result.split.score = found.best.score;
    result.split.key = found.best.key;
    result.split.left = found.best.left;
    result.split.is_categorical = is_categorical;
    result.missing = of.bins[0];
  }
  const unsigned right_bins =
      is_categorical && found.best.score >= 0 ? add_empty_bins(of, found.best, found.right_bins) : 0;
  reinterpret_cast<unsigned char*>(result.split.right_bins.data())[lane] =
      static_cast<unsigned char>(right_bins);
}

/// Does a node look at the tree's feature at `place`? The features of a level are drawn from those of the
/// tree, those of a node from the level's, each by the least hashes (engine::sample_features). By a warp.
__device__ inline bool looks_at(const Growth& g, const FeatureList& of_tree, std::uint32_t place, int node) {
  if (g.sampling.by_level < 1 && g.in_level[place] == 0) return false;
  if (g.sampling.by_node >= 1) return true;
  const std::uint64_t key = engine::draw_key(g.sampling.seed, engine::Purpose::kNodeFeatures,
                                             g.sampling.round, static_cast<std::uint32_t>(node));
  const std::uint64_t own = engine::mix64(key + of_tree.features[place]);
  std::int64_t n_before = 0;
  for (std::uint32_t i = threadIdx.x % kWarp; i < of_tree.size; i += kWarp) {
    if (g.sampling.by_level < 1 && g.in_level[i] == 0) continue;
    const std::uint64_t other = engine::mix64(key + of_tree.features[i]);
    n_before += other < own || (other == own && i < place) ? 1 : 0;
  }
  const auto n =
      static_cast<std::int64_t>(engine::sampled_size(g.state->n_level_features, g.sampling.by_node));
  return warp_sum(n_before) < n;
}

/// Brings the histograms of an octet of features to shared memory, the sibling's by subtraction.
__device__ inline void load_octet(const Growth& g, const Pair& pair, std::uint32_t first_place,
                                  SharedSearch& shared) {
  const std::uint32_t group = first_place / kGroup;
  const Word* const built = histogram_of(g, pair.built_slot, group) + first_place % kGroup;
  Word* const parent =
      pair.sibling >= 0 ? histogram_of(g, pair.parent_slot, group) + first_place % kGroup : nullptr;
  for (std::uint32_t i = threadIdx.x; i < g.max_bins * kOctet; i += blockDim.x) {
    const std::uint32_t bin = i / kOctet, feature = i % kOctet, at = bin * kGroup + feature;
    const int to = FeatureWords::place(static_cast<int>(bin));
    const Word word = built[at];
    shared.words[0][feature][to] = word;
    if (parent == nullptr) continue;
    const Word rest = parent[at] - word;
    parent[at] = rest;
    shared.words[1][feature][to] = rest;
  }
}

__device__ inline void search_octet(const Growth& g, const FeatureList& of_tree, const Pair& pair,
                                    std::uint32_t place, SharedSearch& shared, CategoricalScratch* scratch) {
  const unsigned warp = threadIdx.x / kWarp;
  for (int side = 0; side < 2; ++side) {
    const int node = side == 0 ? (pair.searches_built ? pair.built : -1) : pair.sibling;
    BlockSplit& result = shared.best[side][warp];
    if (node < 0 || place >= of_tree.size || !looks_at(g, of_tree, place, node)) {
      if (threadIdx.x % kWarp == 0) result = BlockSplit{};
      continue;
    }
    const std::uint32_t feature = of_tree.features[place];
    const FeatureBins& bins = g.feature_bins[feature];
    const SearchedFeature of{
        feature, {shared.words[side][warp], bins.n_bins}, g.nodes[node].sum, g.state->rule};
    search_feature(g, of, bins.is_categorical, scratch + warp, result);
  }
}

[[nodiscard]] COPPICE_HOST_DEVICE inline std::uint32_t n_octets_of(std::uint32_t n_features) noexcept {
  return (n_features + kOctet - 1) / kOctet;
}

/// The better of several splits of one node.
__device__ inline BlockSplit best_split(const BlockSplit* splits, std::uint32_t n) {
  std::uint32_t best = 0;
  for (std::uint32_t i = 1; i < n; ++i)
    if (splits[i].split.score >= 0 &&
        engine::is_better(splits[i].split.score, splits[i].split.key, splits[best].split))
      best = i;
  return splits[best];
}

/// The phase: candidates of every node of every pair.
__device__ inline void search_splits(const Growth& g, void* memory) {
  SharedSearch& shared = *static_cast<SharedSearch*>(memory);
  auto* const scratch = reinterpret_cast<CategoricalScratch*>(&shared + 1);
  const FeatureList of_tree = features_of_tree(g);
  const std::uint32_t n_octets = n_octets_of(of_tree.size);
  const std::uint32_t n_tasks = n_octets * static_cast<std::uint32_t>(g.state->n_pairs);
  for (std::uint32_t task = blockIdx.x; task < n_tasks; task += gridDim.x) {
    const Pair& pair = g.pairs[task / n_octets];
    const std::uint32_t octet = task % n_octets;
    load_octet(g, pair, octet * kOctet, shared);
    __syncthreads();
    search_octet(g, of_tree, pair, octet * kOctet + threadIdx.x / kWarp, shared, scratch);
    __syncthreads();
    if (threadIdx.x < 2)
      g.candidates[(task / n_octets * 2 + threadIdx.x) * n_octets + octet] =
          best_split(shared.best[threadIdx.x], kOctet);
    __syncthreads();
  }
}

}  // namespace coppice::kernels::cuda
