// The two sweeps over all rows: gradients and draw before a tree, routing and leaf sums after it.
#include <coppice/detail/row_limit.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "cpu/session.h"

namespace coppice::kernels::cpu {

void LeafNumbers::reserve(std::size_t n_padded_rows, int n_leaves) {
  is_wide = n_leaves > kNarrowLeaves;
  if (is_wide && wide.size() < n_padded_rows) wide = Buffer<std::uint16_t>(n_padded_rows);
  if (!is_wide && narrow.size() < n_padded_rows) narrow = Buffer<std::uint8_t>(n_padded_rows);
}

void Session::catch_up() {
  if (late_trees_.empty()) return;
  if (margins_lag_) add_weights(bins_, leaves_, margins_.data());
  margins_lag_ = false;
  team_->for_each(bins_.n_blocks(), [&](std::size_t block, int /*thread*/) {
    alignas(64) std::uint8_t narrow[kBlockRows];
    alignas(64) std::uint16_t wide[kBlockRows];
    const std::uint8_t* columns = bins_.column_block(block, 0);
    const std::size_t n_bytes = bins_.n_features() * kBlockRows;
    for (std::size_t t = 0; t < late_trees_.size(); ++t) {
      const LateTree& tree = late_trees_[t];
      // Each tree fetches its share of the next block.
      for (std::size_t i = t * n_bytes / late_trees_.size(); i < (t + 1) * n_bytes / late_trees_.size();
           i += 64)
        __builtin_prefetch(columns + n_bytes + i);
      const bool is_wide = tree.route.n_leaves > kNarrowLeaves;
      std::uint8_t* const narrow_leaves = is_wide ? nullptr : narrow;
      std::uint16_t* const wide_leaves = is_wide ? wide : nullptr;
      kernels_.route_block(tree.route, columns, 0, narrow_leaves, wide_leaves);
      kernels_.add_leaf_weights(tree.leaf_weights.data(), tree.route.n_leaves, narrow_leaves, wide_leaves,
                                margins_.data() + block * kBlockRows);
    }
  });
  late_trees_.clear();
}

Session::SweepTotals Session::sweep(const Draw& draw, bool draws, const detail::SweepExponents& exponents) {
  catch_up();
  Sweep sweep;
  sweep.draw = draw;
  sweep.draws = draws;
  sweep.n_rows = bins_.n_rows;
  sweep.margins = margins_.data();
  if (margins_lag_) {
    sweep.narrow_leaves = leaves_.narrow_at(0);
    sweep.wide_leaves = leaves_.wide_at(0);
    sweep.leaf_weights = leaf_weights_.data();
    sweep.n_leaves = n_leaves_;
  }
  sweep.label_bits = label_bits_.data();
  sweep.labels = labels_.data();
  sweep.weights = weights_.empty() ? nullptr : weights_.data();
  sweep.gradients = gradients_.data();
  sweep.largest_gradient = largest_gradient_.data();
  sweep.largest_hessian = largest_hessian_.data();
  const auto sweep_block =
      kernels_.sweep[static_cast<int>(parameters_.objective)][sweep.weights != nullptr ? 1 : 0];
  std::vector<PerThread<SweepTotals>> totals(static_cast<std::size_t>(team_->size()));
  team_->for_each(tile_kept_.size(), [&](std::size_t tile, int thread) {
    SweepTotals total;
    const std::size_t begin = tiles_.begin_row(tile);
    std::size_t n = 0;
    for (std::size_t block = tiles_.begin(tile); block < tiles_.end(tile); ++block) {
      const KeptRows kept{kept_rows_.data() + begin + n, kept_gradients_.data() + begin + n,
                          kept_hessians_.data() + begin + n};
      SweepSums sums;
      n += sweep_block(sweep, block, kept, sums);
      total.squares += detail::to_fixed(sums.squares, exponents.squares);
      total.below += detail::to_fixed(sums.below, exponents.importance);
      total.squares_below += detail::to_fixed(sums.squares_below, exponents.squares);
      total.kept_gradient += detail::to_fixed(sums.kept_gradient, exponents.kept_gradient);
      total.kept_hessian += detail::to_fixed(sums.kept_hessian, exponents.kept_hessian);
    }
    tile_kept_[tile] = n;
    SweepTotals& mine = totals[thread].value;
    mine.squares += total.squares;
    mine.below += total.below;
    mine.squares_below += total.squares_below;
    mine.kept_gradient += total.kept_gradient;
    mine.kept_hessian += total.kept_hessian;
  });
  margins_lag_ = false;
  SweepTotals sum;
  for (const auto& total : totals) {
    sum.squares += total.value.squares;
    sum.below += total.value.below;
    sum.squares_below += total.value.squares_below;
    sum.kept_gradient += total.value.kept_gradient;
    sum.kept_hessian += total.value.kept_hessian;
  }
  return sum;
}

void Session::find_threshold() {
  threshold_ = 0;
  if (parameters_.sampling_noise == 0) return;
  float threshold = std::numeric_limits<float>::infinity();
  for (int step = 0; step < detail::kThresholdSteps; ++step) {
    const Draw draw =
        detail::make_draw(parameters_.objective, threshold, bounds_.mean_weight, 1, parameters_.seed, 0);
    const auto exponents = detail::sweep_exponents(parameters_.objective, bounds_, draw);
    const SweepTotals totals = sweep(draw, false, exponents);
    const float next = detail::next_threshold(parameters_.sampling_noise, threshold,
                                              detail::from_fixed(totals.squares, exponents.squares),
                                              detail::from_fixed(totals.below, exponents.importance),
                                              detail::from_fixed(totals.squares_below, exponents.squares));
    if (next == threshold) break;
    threshold = next;
  }
  threshold_ = threshold < std::numeric_limits<float>::infinity() ? threshold : 0.0F;
}

void Session::prepare_draw() {
  if (parameters_.objective == Objective::kSquaredError) bounds_.gradient = bounds_.weight * residual_bound_;
  if (std::isnan(threshold_)) find_threshold();
}

void Session::begin_tree(int round) {
  const PhaseTimer timer(seconds_.gradient);
  prepare_draw();
  gradient_exponent_ = detail::sum_exponent(bounds_.n_rows * bounds_.gradient);
  hessian_exponent_ = detail::sum_exponent(bounds_.n_rows * bounds_.weight);
  const Draw draw = detail::make_draw(parameters_.objective, threshold_, bounds_.mean_weight,
                                      parameters_.subsample, parameters_.seed, round);
  const auto exponents = detail::sweep_exponents(parameters_.objective, bounds_, draw);
  const SweepTotals totals = sweep(draw, true, exponents);
  n_kept_ = 0;
  for (std::size_t tile = 0; tile < tile_kept_.size(); ++tile) {
    tile_offset_[tile] = n_kept_;
    n_kept_ += tile_kept_[tile];
  }
  drawn_threshold_ = threshold_;
  threshold_ = detail::drifted_threshold(
      parameters_.sampling_noise, threshold_, detail::from_fixed(totals.squares, exponents.squares),
      detail::from_fixed(totals.below, exponents.importance),
      detail::from_fixed(totals.squares_below, exponents.squares), static_cast<double>(n_kept_),
      detail::row_limit(parameters_, gain_history_, bounds_.n_rows));
  // Copied records make the root a stream and later levels denser; when many rows are kept, the copy costs
  // more.
  is_copied_ = n_kept_ < bins_.n_rows / 2;
  const double kept_hessian = detail::from_fixed(totals.kept_hessian, exponents.kept_hessian);
  const int gradient_bits =
      detail::word_exponent(detail::from_fixed(totals.kept_gradient, exponents.kept_gradient), n_kept_);
  const int hessian_bits = detail::word_exponent(kept_hessian, n_kept_);
  const Quantisation how{detail::exp2_float(gradient_bits), detail::exp2_float(hessian_bits),
                         draw.rounding_key, !is_copied_};
  const Word root = quantise(how);
  const double noise = detail::gradient_noise(detail::from_fixed(totals.squares, exponents.squares),
                                              kept_hessian, parameters_.subsample);
  tree_.emplace(parameters_, detail::make_split_rule(parameters_, gradient_bits, hessian_bits, noise), root);
  begin_growth(round);
}

Word Session::quantise(const Quantisation& how) {
  const std::size_t row_bytes =
      (bins_.n_groups() - 1) * kGroupFeatures + bins_.group_stride(bins_.n_groups() - 1);
  if (is_copied_ && kept_records_.size() < n_kept_ * row_bytes + detail::kBufferAlignment)
    kept_records_ = Buffer<std::uint8_t>(n_kept_ * row_bytes * 5 / 4 + detail::kBufferAlignment);
  std::vector<PerThread<Word>> sums(static_cast<std::size_t>(team_->size()));
  const bool lists_rows = !is_copied_ && n_kept_ < bins_.n_rows;
  team_->for_each(tile_kept_.size(), [&](std::size_t tile, int thread) {
    const std::size_t begin = tiles_.begin_row(tile);
    const KeptRows kept{kept_rows_.data() + begin, kept_gradients_.data() + begin,
                        kept_hessians_.data() + begin};
    Word* words = how.scatter ? words_.data() : words_.data() + tile_offset_[tile];
    sums[thread].value += kernels_.quantise(how, kept, tile_kept_[tile], words);
    if (is_copied_) copy_records(tile);
    if (lists_rows) std::copy_n(kept.rows, tile_kept_[tile], slots_[0].data() + tile_offset_[tile]);
  });
  Word sum = 0;
  for (const auto& s : sums) sum += s.value;
  return sum;
}

void Session::copy_records(std::size_t tile) {
  constexpr std::size_t kAhead = 16;
  const std::uint32_t* rows = kept_rows_.data() + tiles_.begin_row(tile);
  const std::size_t n = tile_kept_[tile];
  for (std::size_t group = 0; group < bins_.n_groups(); ++group) {
    const std::size_t stride = bins_.group_stride(group);
    const std::uint8_t* from = bins_.records.data() + bins_.group_offset(group);
    std::uint8_t* to = kept_records_.data() + group * kGroupFeatures * n_kept_ + tile_offset_[tile] * stride;
    for (std::size_t i = 0; i < n; ++i) {
      if (i + kAhead < n) __builtin_prefetch(from + rows[i + kAhead] * stride);
      const std::uint8_t* record = from + rows[i] * stride;
      if (stride == 32)
        std::memcpy(to + i * 32, record, 32);
      else
        std::memcpy(to + i * 16, record, 16);
    }
  }
}

void Session::route(const RouteTree& tree, const BinnedMatrix& bins, LeafNumbers& leaves,
                    std::vector<std::vector<LeafSum>>* sums) {
  leaves.reserve(bins.n_padded_rows(), tree.n_leaves);
  LeafSums how;
  how.objective = parameters_.objective;
  how.gradients = gradients_.data();
  how.weights = weights_.empty() ? nullptr : weights_.data();
  how.largest_gradient = largest_gradient_.data();
  how.largest_hessian = largest_hessian_.data();
  how.gradient_exponent = gradient_exponent_;
  how.hessian_exponent = hessian_exponent_;
  how.n_leaves = tree.n_leaves;
  const Tiles tiles = make_tiles(bins.n_blocks(), team_->size());
  team_->for_each(tiles.size(), [&](std::size_t tile, int thread) {
    for (std::size_t block = tiles.begin(tile); block < tiles.end(tile); ++block) {
      std::uint8_t* narrow = leaves.narrow_at(block * kBlockRows);
      std::uint16_t* wide = leaves.wide_at(block * kBlockRows);
      kernels_.route_block(tree, bins.column_block(block, 0), bins.n_features() * kBlockRows, narrow, wide);
      if (sums != nullptr)
        kernels_.add_leaf_sums(how, block, bins.n_rows, narrow, wide, (*sums)[thread].data());
    }
  });
}

void Session::add_weights(const BinnedMatrix& bins, LeafNumbers& leaves, float* margins) const {
  const Tiles tiles = make_tiles(bins.n_blocks(), team_->size());
  team_->for_each(tiles.size(), [&](std::size_t tile, int /*thread*/) {
    for (std::size_t block = tiles.begin(tile); block < tiles.end(tile); ++block) {
      const std::size_t row = block * kBlockRows;
      kernels_.add_leaf_weights(leaf_weights_.data(), n_leaves_, leaves.narrow_at(row), leaves.wide_at(row),
                                margins + row);
    }
  });
}

void Session::remember_tree(const RouteTree& route_tree, const Tree& tree) {
  n_leaves_ = route_tree.n_leaves;
  leaf_weights_.assign((static_cast<std::size_t>(n_leaves_) + 63) / 64 * 64, 0);
  double largest = 0;
  for (int leaf = 0; leaf < n_leaves_; ++leaf) {
    const auto node = static_cast<std::size_t>(route_tree.node_of_leaf[leaf]);
    leaf_weights_[leaf] = tree.nodes[node].weight;
    largest = std::max(largest, std::fabs(static_cast<double>(tree.nodes[node].weight)));
  }
  residual_bound_ += largest;
  gain_history_.add(tree);
}

Tree Session::finish_tree() {
  const RouteTree route_tree = make_route_tree(tree_->nodes());
  Tree tree;
  {
    const PhaseTimer timer(seconds_.route);
    std::vector<std::vector<LeafSum>> thread_sums(static_cast<std::size_t>(team_->size()));
    for (auto& sums : thread_sums) sums.resize(static_cast<std::size_t>(route_tree.n_leaves));
    route(route_tree, bins_, leaves_, &thread_sums);
    std::vector<LeafSum> node_sums(tree_->nodes().size());
    for (const auto& sums : thread_sums) {
      for (std::size_t leaf = 0; leaf < sums.size(); ++leaf) {
        LeafSum& sum = node_sums[route_tree.node_of_leaf[leaf]];
        sum.gradient += sums[leaf].gradient;
        sum.hessian += sums[leaf].hessian;
      }
    }
    tree = detail::finish(tree_->nodes(), node_sums, gradient_exponent_, hessian_exponent_, bins_.cuts,
                          parameters_);
    remember_tree(route_tree, tree);
    margins_lag_ = true;
  }
  const PhaseTimer timer(seconds_.evaluate);
  for (Follower& follower : followers_) {
    route(route_tree, *follower.bins, follower.leaves, nullptr);
    add_weights(*follower.bins, follower.leaves, follower.margins.data());
  }
  return tree;
}

void Session::add_tree(const Tree& tree) {
  if (margins_lag_) add_weights(bins_, leaves_, margins_.data());
  margins_lag_ = false;
  const RouteTree route_tree = make_route_tree(tree, bins_.cuts);
  remember_tree(route_tree, tree);
  late_trees_.push_back({route_tree, leaf_weights_});
  for (Follower& follower : followers_) {
    route(route_tree, *follower.bins, follower.leaves, nullptr);
    add_weights(*follower.bins, follower.leaves, follower.margins.data());
  }
}

void Session::read_margins(std::span<float> margins) {
  catch_up();
  if (margins_lag_) {
    add_weights(bins_, leaves_, margins_.data());
    margins_lag_ = false;
  }
  std::copy_n(margins_.data(), margins.size(), margins.data());
}

void Session::read_evaluation_margins(std::size_t index, std::span<float> margins) {
  std::copy_n(followers_[index].margins.data(), margins.size(), margins.data());
}

}  // namespace coppice::kernels::cpu
