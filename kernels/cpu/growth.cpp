// Growing one tree: histograms, split search, moving the kept rows.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <span>
#include <utility>

#include "cpu/session.h"

namespace coppice::kernels::cpu {
namespace {

/// Fewest features worth a task of their own.
constexpr std::size_t kLeastBlockFeatures = 4;
/// A sibling of fewer rows is built from its rows: subtracting would touch more bins than it has rows.
constexpr std::uint32_t kSubtractRows = 256;
/// Slots that are moved at a time: both outputs stay in the first-level cache.
constexpr std::uint32_t kPartSlots = 2048;

}  // namespace

/// Few and large blocks, because a row costs as much to fetch as four features to add; but enough for all
/// threads: pairs differ in size, so where there are several, each thread gets two tasks.
void Session::plan_blocks(std::size_t n_pairs) {
  blocks_.clear();
  const std::vector<std::uint32_t>& features = features_->of_tree();
  const auto n_threads = static_cast<std::size_t>(team_->size());
  const std::size_t n_blocks = n_pairs == 1 ? n_threads : (2 * n_threads + n_pairs - 1) / n_pairs;
  const std::size_t most =
      std::clamp((features.size() + n_blocks - 1) / n_blocks, kLeastBlockFeatures, kGroupFeatures);
  for (std::size_t begin = 0; begin < features.size();) {
    const std::size_t group_end = (features[begin] / kGroupFeatures + 1) * kGroupFeatures;
    const auto end = static_cast<std::size_t>(std::lower_bound(features.begin(), features.end(), group_end) -
                                              features.begin());
    const std::size_t size = end - begin, n = (size + most - 1) / most;
    for (std::size_t i = 0; i < n; ++i)
      blocks_.push_back({static_cast<std::uint32_t>(begin + i * size / n),
                         static_cast<std::uint32_t>((i + 1) * size / n - i * size / n)});
    begin = end;
  }
  std::stable_sort(blocks_.begin(), blocks_.end(),
                   [](const FeatureBlock& a, const FeatureBlock& b) { return a.size > b.size; });
}

void Session::begin_growth(int round) {
  features_.emplace(parameters_,
                    detail::screened_features(parameters_, gain_history_, bins_.n_features(), n_kept_, round),
                    round);
  in_node_.assign(1, {});
  mark_features(0);
  for (const int histogram : node_histogram_) pool_.release(histogram);
  node_histogram_.assign(1, -1);
  node_rows_.assign(1, {0, static_cast<std::uint32_t>(n_kept_), 0});
  frontier_.clear();
  if (!tree_->can_split(0)) return;
  node_histogram_[0] = keeps_histogram(0) ? pool_.acquire() : -1;
  frontier_.push_back({.built = 0, .built_histogram = node_histogram_[0]});
}

bool Session::keeps_histogram(int node) const {
  const int next_depth = tree_->nodes()[node].depth + 1;
  return (parameters_.max_depth == 0 || next_depth < parameters_.max_depth) &&
         node_rows_[node].size >= 2 * kSubtractRows;
}

void Session::forget_node(int node) {
  pool_.release(node_histogram_[node]);
  node_histogram_[node] = -1;
}

void Session::add_node_rows(int node, const FeatureBlock& block, Word* histogram) const {
  const NodeRows& rows = node_rows_[node];
  const std::span features = std::span(features_->of_tree()).subspan(block.first, block.size);
  const std::size_t group = features.front() / kGroupFeatures;
  HistogramRows from;
  from.stride = bins_.group_stride(group);
  from.records = (is_copied_ ? kept_records_.data() + group * kGroupFeatures * n_kept_
                             : bins_.records.data() + bins_.group_offset(group));
  from.words = words_.data();
  const bool is_whole = node == 0 && (is_copied_ || n_kept_ == bins_.n_rows);
  from.slots = is_whole ? nullptr : slots_[rows.buffer].data() + rows.begin;
  from.first_slot = 0;
  from.n = rows.size;
  const bool are_neighbours = features.back() - features.front() + 1 == features.size();
  std::array<std::uint8_t, kGroupFeatures> offsets;
  for (std::size_t i = 0; i < features.size(); ++i)
    offsets[i] = static_cast<std::uint8_t>(features[i] % kGroupFeatures);
  from.offsets = offsets.data();
  kernels_.add_rows[are_neighbours ? 0 : 1][features.size()](from, histogram);
}

void Session::find_in_block(int node, const FeatureBlock& block, const Word* histogram,
                            BlockSplit& best) const {
  const Word total = tree_->nodes()[node].sum;
  const detail::CategoricalRule categorical = detail::make_categorical_rule(parameters_);
  for (std::uint32_t i = 0; i < block.size; ++i) {
    const std::uint32_t f = features_->of_tree()[block.first + i];
    if (!features_->is_uniform() && in_node_[node][f] == 0) continue;
    const Word* bins = histogram + i * kHistogramStride;
    const int n_bins = bins_.cuts.n_bins(f);
    const std::uint32_t key_before = best.split.key;
    const double score_before = best.split.score;
    if (bins_.cuts.is_categorical(f))
      detail::find_categorical_split(f, {bins, static_cast<std::size_t>(n_bins)}, total, tree_->rule(),
                                     categorical, best.split);
    else
      kernels_.find_numeric(f, bins, n_bins, total, tree_->rule(), best.split);
    if (best.split.key != key_before || best.split.score != score_before) best.missing = bins[0];
  }
}

void Session::search_block(const NodePair& pair, std::size_t pair_index, const FeatureBlock& block,
                           std::size_t block_index, int thread) {
  Word* scratch = scratch_[thread].data();
  const std::size_t offset = block.first * kHistogramStride;
  // Bins of the i-th feature of the block, to whole vectors.
  const auto n_words = [&](std::uint32_t i) {
    return static_cast<std::size_t>((bins_.cuts.n_bins(features_->of_tree()[block.first + i]) + 7) & ~7);
  };
  const auto clear = [&](Word* histogram) {
    for (std::uint32_t i = 0; i < block.size; ++i)
      std::memset(histogram + i * kHistogramStride, 0, n_words(i) * sizeof(Word));
  };
  Word* built = pair.built_histogram >= 0 ? pool_.at(pair.built_histogram) + offset : scratch;
  BlockSplit* best = &block_splits_[pair_index * 2 * blocks_.size() + block_index];
  clear(built);
  add_node_rows(pair.built, block, built);
  const auto search = [&](int node, const Word* histogram, BlockSplit& split) {
    const PhaseTimer timer(search_seconds_[thread].value);
    split = {};
    find_in_block(node, block, histogram, split);
  };
  best[0] = {};
  if (pair.searches_built) search(pair.built, built, best[0]);
  if (pair.sibling < 0) return;
  Word* sibling;
  if (pair.parent_histogram >= 0) {
    sibling = pool_.at(pair.parent_histogram) + offset;
    for (std::uint32_t i = 0; i < block.size; ++i)
      kernels_.subtract(sibling + i * kHistogramStride, built + i * kHistogramStride, n_words(i));
  } else {
    const int own = node_histogram_[pair.sibling];
    sibling = own >= 0 ? pool_.at(own) + offset : scratch + kGroupFeatures * kHistogramStride;
    clear(sibling);
    add_node_rows(pair.sibling, block, sibling);
  }
  search(pair.sibling, sibling, best[blocks_.size()]);
}

void Session::build_histograms() {
  double both = 0;
  {
    const PhaseTimer timer(both);
    plan_blocks(frontier_.size());
    block_splits_.resize(frontier_.size() * 2 * blocks_.size());
    team_->for_each(frontier_.size() * blocks_.size(), [&](std::size_t task, int thread) {
      const std::size_t pair = task / blocks_.size(), block = task % blocks_.size();
      search_block(frontier_[pair], pair, blocks_[block], block, thread);
    });
  }
  double searching = 0;
  for (PerThread<double>& of_thread : search_seconds_) searching += std::exchange(of_thread.value, 0);
  searching /= static_cast<double>(search_seconds_.size());
  seconds_.split += searching;
  seconds_.histogram += both - searching;
}

void Session::evaluate_splits() {
  const PhaseTimer timer(seconds_.partition);
  for (std::size_t i = 0; i < frontier_.size(); ++i) {
    const NodePair& pair = frontier_[i];
    for (int side = 0; side < 2; ++side) {
      const int node = side == 0 ? pair.built : pair.sibling;
      if (node < 0 || (side == 0 && !pair.searches_built)) continue;
      const BlockSplit* splits = &block_splits_[(i * 2 + static_cast<std::size_t>(side)) * blocks_.size()];
      BlockSplit best;
      for (std::size_t b = 0; b < blocks_.size(); ++b)
        if (splits[b].split.score >= 0 &&
            detail::is_better(splits[b].split.score, splits[b].split.key, best.split))
          best = splits[b];
      tree_->set_split(node, best.split, best.missing);
      if (!tree_->nodes()[node].is_splittable) forget_node(node);
    }
  }
}

BinSource Session::bin_source(std::uint32_t feature) const {
  BinSource source;
  const std::size_t group = feature / kGroupFeatures;
  if (is_copied_) {
    source.base = kept_records_.data() + group * kGroupFeatures * n_kept_ + feature % kGroupFeatures;
    source.row_stride = bins_.group_stride(group);
    source.block_stride = source.row_stride * kBlockRows;
  } else {
    source.base = bins_.columns.data() + feature * kBlockRows;
    source.block_stride = bins_.n_features() * kBlockRows;
  }
  const std::size_t n_slots = is_copied_ ? n_kept_ : bins_.n_rows;
  source.is_small = (n_slots / kBlockRows + 1) * source.block_stride < std::size_t{1} << 31;
  return source;
}

void Session::partition(const std::vector<int>& split_nodes) {
  struct Part {
    std::size_t index;  ///< in split_nodes
    std::uint32_t begin, size;
  };
  struct Cursor {
    std::atomic<std::uint32_t> left{0}, right{0};
  };
  std::vector<Part> parts;
  std::vector<Cursor> cursors(split_nodes.size());
  for (std::size_t k = 0; k < split_nodes.size(); ++k) {
    const std::uint32_t size = node_rows_[split_nodes[k]].size;
    for (std::uint32_t begin = 0; begin < size; begin += kPartSlots)
      parts.push_back({k, begin, std::min(kPartSlots, size - begin)});
  }
  const bool is_whole = is_copied_ || n_kept_ == bins_.n_rows;
  // Each part takes its place in the node's new stretch when it is done, left rows from the front and right
  // rows from the back: the order of a node's rows is of no consequence.
  team_->for_each(parts.size(), [&](std::size_t i, int /*thread*/) {
    alignas(64) std::uint32_t left[kPartSlots + 16], right[kPartSlots + 16];
    const Part& part = parts[i];
    const int node = split_nodes[part.index];
    const NodeRows& rows = node_rows_[node];
    const Split& split = tree_->nodes()[node].split;
    const bool is_root = node == 0 && is_whole;
    const std::uint32_t* slots = is_root ? nullptr : slots_[rows.buffer].data() + rows.begin + part.begin;
    const auto n_left = static_cast<std::uint32_t>(
        kernels_.part_slots(bin_source(split.feature()), split, slots, part.begin, part.size, left, right));
    const std::uint32_t n_right = part.size - n_left;
    Cursor& cursor = cursors[part.index];
    std::uint32_t* to = slots_[1 - rows.buffer].data() + rows.begin;
    std::copy_n(left, n_left, to + cursor.left.fetch_add(n_left, std::memory_order_relaxed));
    std::copy_n(right, n_right,
                to + rows.size - n_right - cursor.right.fetch_add(n_right, std::memory_order_relaxed));
  });
  for (std::size_t k = 0; k < split_nodes.size(); ++k) {
    const NodeRows rows = node_rows_[split_nodes[k]];
    const auto left = static_cast<std::size_t>(tree_->nodes()[split_nodes[k]].left);
    const std::uint32_t n_left = cursors[k].left.load();
    node_rows_[left] = {rows.begin, n_left, 1 - rows.buffer};
    node_rows_[left + 1] = {rows.begin + n_left, rows.size - n_left, 1 - rows.buffer};
  }
}

void Session::push_pair(int parent) {
  const int left = tree_->nodes()[parent].left;
  const bool left_first = node_rows_[left].size <= node_rows_[left + 1].size;
  const int small = left_first ? left : left + 1;
  const int large = left_first ? left + 1 : left;
  int& parent_histogram = node_histogram_[parent];
  NodePair pair;
  if (!tree_->can_split(large)) {
    forget_node(parent);
    if (!tree_->can_split(small)) return;
    node_histogram_[small] = keeps_histogram(small) ? pool_.acquire() : -1;
    pair.built = small;
  } else {
    const bool subtracts = parent_histogram >= 0 && node_rows_[large].size >= kSubtractRows;
    if (subtracts) {
      pair.parent_histogram = parent_histogram;
      node_histogram_[large] = parent_histogram;
      parent_histogram = -1;
    } else {
      forget_node(parent);
      node_histogram_[large] = keeps_histogram(large) ? pool_.acquire() : -1;
    }
    pair.searches_built = tree_->can_split(small);
    if (pair.searches_built || subtracts) {
      if (pair.searches_built) node_histogram_[small] = keeps_histogram(small) ? pool_.acquire() : -1;
      pair.built = small;
      pair.sibling = large;
    } else {
      pair.built = large;
      pair.searches_built = true;
    }
  }
  pair.built_histogram = node_histogram_[pair.built];
  frontier_.push_back(pair);
}

void Session::mark_features(int node) {
  if (features_->is_uniform()) return;
  auto& allowed = in_node_[node];
  allowed.assign(bins_.n_features(), 0);
  const int depth = tree_->nodes()[node].depth;
  for (const std::uint32_t f : features_->of_node(depth, node)) allowed[f] = 1;
}

void Session::expand_frontier() {
  const PhaseTimer timer(seconds_.partition);
  frontier_.clear();
  // Leaf-wise growth may find nothing to search in its newest leaves and go on with the next best leaf.
  while (frontier_.empty()) {
    const std::vector<int> chosen = tree_->expand();
    if (chosen.empty()) return;
    const std::size_t n_nodes = tree_->nodes().size();
    node_rows_.resize(n_nodes);
    node_histogram_.resize(n_nodes, -1);
    if (!features_->is_uniform()) in_node_.resize(n_nodes);
    std::vector<int> moving;
    for (const int node : chosen) {
      const int left = tree_->nodes()[node].left;
      if (!tree_->can_split(left) && !tree_->can_split(left + 1)) {
        forget_node(node);
        continue;
      }
      moving.push_back(node);
      mark_features(left);
      mark_features(left + 1);
    }
    partition(moving);
    for (const int node : moving) push_pair(node);
  }
}

}  // namespace coppice::kernels::cpu
