#include "cpu/session.h"

#include <coppice/detail/row_bounds.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice::kernels::cpu {
namespace {

/// Appends a subtree in preorder. `visit(node, out)` fills what is particular to the tree's form and returns
/// the left child, -1 for a leaf; the right child is its neighbour.
template <class Visit>
void append_preorder(int node, const Visit& visit, RouteTree& out) {
  const std::size_t at = out.nodes.size();
  out.nodes.emplace_back();
  const int left = visit(node, out.nodes[at]);
  if (left < 0) {
    out.nodes[at].leaf = out.n_leaves++;
    out.node_of_leaf.push_back(node);
    return;
  }
  append_preorder(left, visit, out);
  out.nodes[at].right = static_cast<std::int32_t>(out.nodes.size());
  append_preorder(left + 1, visit, out);
}

/// Slots that the steps of each node's subtree need, by node.
std::vector<int> count_slots(const std::vector<RouteNode>& nodes) {
  std::vector<int> slots(nodes.size(), 0);
  for (std::size_t i = nodes.size(); i-- > 0;) {
    if (nodes[i].leaf >= 0) continue;
    const int left = slots[i + 1];
    const int right = slots[static_cast<std::size_t>(nodes[i].right)];
    slots[i] = std::max({left, right, left == right ? left + 1 : 1});
  }
  return slots;
}

/// Appends the steps of a subtree whose result goes to slot `out`; slots from `out` on are free. Returns the
/// operand that stands for the result.
std::int16_t append_steps(std::size_t at, std::int16_t out, const std::vector<int>& slots, RouteTree& tree) {
  const RouteNode& node = tree.nodes[at];
  if (node.leaf >= 0) return static_cast<std::int16_t>(node.leaf);
  RouteStep step{node.feature, node.shift, node.bin, node.category_set, 0, 0, out};
  const std::size_t left = at + 1;
  const auto right = static_cast<std::size_t>(node.right);
  const auto append_left = [&](int slot) {
    step.left = append_steps(left, static_cast<std::int16_t>(slot), slots, tree);
  };
  const auto append_right = [&](int slot) {
    step.right = append_steps(right, static_cast<std::int16_t>(slot), slots, tree);
  };
  if (slots[left] >= slots[right]) {
    append_left(out);
    append_right(out + 1);
  } else {
    append_right(out);
    append_left(out + 1);
  }
  tree.steps.push_back(step);
  return static_cast<std::int16_t>(~out);
}

/// Fills in both forms from node 0 on.
template <class Visit>
void append_tree(const Visit& visit, RouteTree& tree) {
  append_preorder(0, visit, tree);
  if (tree.n_leaves <= kNarrowLeaves) append_steps(0, 0, count_slots(tree.nodes), tree);
}

void set_numeric(RouteNode& node, int bin, bool missing_right) {
  node.shift = missing_right ? 1 : 0;
  node.bin = static_cast<std::uint8_t>(bin - node.shift);
}

}  // namespace

RouteTree make_route_tree(std::span<const detail::GrownNode> nodes) {
  RouteTree tree;
  append_tree(
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
  append_tree(
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
      bounds_(detail::make_row_bounds(data.weights, data.bins->n_rows)),
      weights_(data.weights),
      tiles_(make_tiles(data.bins->n_blocks(), team_->size())),
      gain_history_(data.bins->n_features()),
      pool_(data.bins->n_features() * kHistogramStride) {
  const std::size_t n = bins_.n_padded_rows();
  if (parameters_.objective == Objective::kBinaryLogistic) {
    label_bits_ = Buffer<std::uint16_t>(n / 16);
    team_->for_each(bins_.n_blocks(), [&](std::size_t block, int /*thread*/) {
      for (std::size_t row = block * kBlockRows; row < (block + 1) * kBlockRows; row += 16) {
        unsigned bits = 0;
        const std::size_t end = std::min<std::size_t>(16, bins_.n_rows - std::min(bins_.n_rows, row));
        for (std::size_t i = 0; i < end; ++i) bits |= static_cast<unsigned>(data.labels[row + i] > 0.5F) << i;
        label_bits_[row / 16] = static_cast<std::uint16_t>(bits);
      }
    });
  } else {
    labels_ = Buffer<float>(n, 0);
    std::copy(data.labels.begin(), data.labels.end(), labels_.begin());
  }
  margins_ = Buffer<float>(n);
  gradients_ = Buffer<float>(n);
  largest_gradient_ = Buffer<float>(bins_.n_blocks());
  largest_hessian_ = Buffer<float>(bins_.n_blocks());
  tile_kept_.resize(tiles_.size());
  tile_offset_.resize(tiles_.size());
  const std::size_t n_tiled = tiles_.begin_row(tiles_.size());
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
  search_seconds_.resize(static_cast<std::size_t>(team_->size()));
}

void Session::start(float base_margin) {
  team_->for_each(bins_.n_blocks(), [&](std::size_t block, int /*thread*/) {
    std::fill_n(margins_.data() + block * kBlockRows, kBlockRows, base_margin);
  });
  for (Follower& follower : followers_)
    std::fill(follower.margins.begin(), follower.margins.end(), base_margin);
  margins_lag_ = false;
  late_trees_.clear();
  gain_history_ = detail::GainHistory(bins_.n_features());
  residual_bound_ = detail::largest_magnitude(labels_) + std::fabs(static_cast<double>(base_margin));
}

void Session::start(std::span<const float> margins) {
  start(0.0F);
  std::ranges::copy(margins, margins_.begin());
  residual_bound_ += detail::largest_magnitude(margins);
}

PhaseTimer::~PhaseTimer() { seconds_ += std::chrono::duration<double>(Clock::now() - start_).count(); }

}  // namespace coppice::kernels::cpu
