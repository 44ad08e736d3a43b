#include "cpu/session.h"

#include <coppice/detail/fixed_sum.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::kernels::cpu {
namespace {

/// Appends a subtree in preorder. `visit(node, out)` fills what is particular to the tree's form and returns
/// the left child, -1 for a leaf; the right child is its neighbour.
template <class Visit>
void append_preorder(int node, std::uint16_t depth, bool is_right, const Visit& visit, RouteTree& out) {
  const std::size_t at = out.nodes.size();
  out.nodes.emplace_back();
  out.nodes[at].depth = depth;
  out.nodes[at].is_right = is_right;
  out.depth = std::max(out.depth, static_cast<int>(depth));
  const int left = visit(node, out.nodes[at]);
  if (left < 0) {
    out.nodes[at].leaf = out.n_leaves++;
    out.node_of_leaf.push_back(node);
  } else {
    append_preorder(left, static_cast<std::uint16_t>(depth + 1), false, visit, out);
    out.nodes[at].right = static_cast<std::int32_t>(out.nodes.size());
    append_preorder(left + 1, static_cast<std::uint16_t>(depth + 1), true, visit, out);
  }
  out.nodes[at].end = static_cast<std::int32_t>(out.nodes.size());
}

double largest_magnitude(std::span<const float> values) {
  double largest = 0;
  for (const float value : values) largest = std::max(largest, std::fabs(static_cast<double>(value)));
  return largest;
}

void set_numeric(RouteNode& node, int bin, bool missing_right) {
  node.shift = missing_right ? 1 : 0;
  node.bin = static_cast<std::uint8_t>(bin - node.shift);
}

}  // namespace

RouteTree make_route_tree(std::span<const detail::GrownNode> nodes) {
  RouteTree tree;
  append_preorder(
      0, 0, false,
      [&](int i, RouteNode& out) {
        const detail::GrownNode& node = nodes[i];
        if (node.left < 0) return -1;
        out.feature = node.split.feature();
        if (node.split.is_categorical) {
          out.category_set = static_cast<std::int16_t>(tree.sets.size());
          auto& set = tree.sets.emplace_back();
          for (int bin = 0; bin < 256; ++bin) set[bin] = node.split.goes_right(bin) ? 1 : 0;
        } else {
          set_numeric(out, node.split.bin(), node.split.missing_right());
        }
        return node.left;
      },
      tree);
  return tree;
}

RouteTree make_route_tree(const Tree& from, const Cuts& cuts) {
  RouteTree tree;
  append_preorder(
      0, 0, false,
      [&](int i, RouteNode& out) {
        const Tree::Node& node = from.nodes[i];
        if (node.is_leaf()) return -1;
        out.feature = static_cast<std::uint32_t>(node.feature);
        if (node.is_categorical) {
          out.category_set = static_cast<std::int16_t>(tree.sets.size());
          auto& set = tree.sets.emplace_back();
          set[0] = node.default_left ? 0 : 1;
          for (const std::int32_t code : from.categories_of(node)) set[code + 1] = 1;
        } else {
          set_numeric(out, cuts.bin_before(out.feature, node.threshold), !node.default_left);
        }
        return static_cast<int>(node.left);
      },
      tree);
  return tree;
}

Session::Session(const SessionData& data, Parameters parameters, std::shared_ptr<ThreadTeam> team,
                 const Kernels& kernels)
    : bins_(*data.bins),
      parameters_(std::move(parameters)),
      kernels_(kernels),
      team_(std::move(team)),
      weights_(data.weights),
      gain_history_(data.bins->n_features()),
      pool_(data.bins->n_features() * kHistogramStride) {
  const std::size_t n = bins_.n_padded_rows();
  bounds_.n_rows = static_cast<double>(bins_.n_rows);
  if (!weights_.empty()) {
    bounds_.weight = 0;
    for (const float w : weights_) bounds_.weight = std::max(bounds_.weight, static_cast<double>(w));
    bounds_.mean_weight =
        detail::fixed_sum(weights_.size(), [&](std::size_t i) { return static_cast<double>(weights_[i]); }) /
        bounds_.n_rows;
  }
  bounds_.gradient = bounds_.weight;
  if (parameters_.objective == Objective::kBinaryLogistic) {
    label_bits_ = Buffer<std::uint16_t>(n / 16, 0);
    for (std::size_t row = 0; row < bins_.n_rows; ++row)
      if (data.labels[row] > 0.5F) label_bits_[row / 16] |= static_cast<std::uint16_t>(1U << (row % 16));
  } else {
    labels_ = Buffer<float>(n, 0);
    std::copy(data.labels.begin(), data.labels.end(), labels_.begin());
  }
  margins_ = Buffer<float>(n);
  gradients_ = Buffer<float>(n);
  largest_gradient_ = Buffer<float>(bins_.n_blocks());
  largest_hessian_ = Buffer<float>(bins_.n_blocks());
  const std::size_t n_tiles = (bins_.n_blocks() + kTileBlocks - 1) / kTileBlocks;
  tile_kept_.resize(n_tiles);
  tile_offset_.resize(n_tiles);
  const std::size_t n_tiled = n_tiles * kTileRows;
  kept_rows_ = Buffer<std::uint32_t>(n_tiled);
  kept_gradients_ = Buffer<float>(n_tiled);
  kept_hessians_ = Buffer<float>(n_tiled);
  words_ = Buffer<Word>(n);
  for (auto& slots : slots_) slots = Buffer<std::uint32_t>(n);
  for (const BinnedMatrix* matrix : data.evaluation) {
    Follower& follower = followers_.emplace_back();
    follower.bins = matrix;
    follower.margins = Buffer<float>(matrix->n_padded_rows());
  }
  for (int t = 0; t < team_->size(); ++t) scratch_.emplace_back(2 * kGroupFeatures * kHistogramStride);
}

void Session::start(float base_margin) {
  std::fill(margins_.begin(), margins_.end(), base_margin);
  for (Follower& follower : followers_)
    std::fill(follower.margins.begin(), follower.margins.end(), base_margin);
  margins_lag_ = false;
  late_trees_.clear();
  gain_history_ = detail::GainHistory(bins_.n_features());
  residual_bound_ = largest_magnitude(labels_) + std::fabs(static_cast<double>(base_margin));
}

void Session::start(std::span<const float> margins) {
  start(0.0F);
  std::ranges::copy(margins, margins_.begin());
  residual_bound_ += largest_magnitude(margins);
}

PhaseTimer::~PhaseTimer() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }

}  // namespace coppice::kernels::cpu
