// coppice::Explainer: exact TreeSHAP by quadrature.
//
// A leaf is worth v * product of s[j] over the features j of its path to the game of the features that are
// known: s[j] is o[j] (does the row take every step of the path that asks for j? 0 or 1) for a known feature
// and z[j] (the share of the rows that do, by covers) for another. Shapley values are integrals of the
// gradient of the game's multilinear extension along its diagonal (Owen 1972, Multilinear extensions of
// games), which here are
//   contribution[j] = integral over t in [0, 1] of
//                     sum of the leaves' v * (o[j] - z[j]) / q[j](t) * product of q[i](t) over the path's
//                     features i,   q[i](t) = t o[i] + (1 - t) z[i].
// The integrand is a polynomial whose degree is less than the number d of distinct features of a path, so
// Gauss-Legendre quadrature with d / 2 points is exact; every q is positive, so nothing cancels. One walk
// over the tree serves kLanes points: down it carries the products, up the sums over the leaves below a step.
// A step adds its sum times (o - z) / q to its feature; what it and the steps below it have already added
// under an earlier step of the same feature is taken back at the same time (the idea of summing by edges is
// that of Yu et al. 2022, Linear TreeShap; their polynomials lose digits where this does not).
#include <coppice/error.h>
#include <coppice/explainer.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "scoring/check_model.h"
#include "scoring/quadrature.h"

namespace coppice {
namespace {

constexpr std::size_t kLanes = 4;
using Lanes = std::array<double, kLanes>;

// A node below the root as the end of the step that leads to it; steps stand in depth-first order.
struct Step {
  double share = 1;        // z of the feature that the step asks for, over the path so far
  std::uint32_t node = 0;  // in Tree::nodes
  std::uint32_t feature = 0;
  std::uint32_t next = 0;      // the first step that is not below this one
  std::uint16_t level = 1;     // 1 below the root
  std::uint16_t previous = 0;  // level of the path's last step that asked for the same feature; 0 is none
  bool is_left = false;
};

struct ExplainedTree {
  Tree tree;
  std::vector<Step> steps;
  std::size_t n_groups = 0;  // of quadrature points
};

struct PointGroup {
  Lanes at;
  Lanes weight;
};

// Points of the rule that is exact for a tree of so many groups.
std::vector<PointGroup> point_groups(std::size_t n_groups) {
  const auto points = scoring::gauss_legendre(static_cast<int>(n_groups * kLanes));
  std::vector<PointGroup> groups(n_groups);
  for (std::size_t i = 0; i < points.size(); ++i) {
    groups[i / kLanes].at[i % kLanes] = points[i].at;
    groups[i / kLanes].weight[i % kLanes] = points[i].weight;
  }
  return groups;
}

// Share of a node's rows that go to its left child. Where the file has no covers both sides count the same.
double left_share(const Tree& tree, const Tree::Node& node) {
  const double left = tree.nodes[node.left].cover;
  const double both = left + double{tree.nodes[node.right].cover};
  return both > 0 ? left / both : 0.5;
}

// Mean of the leaf weights, by covers.
double mean_weight(const Tree& tree) {
  std::vector<double> means(tree.nodes.size());
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    const Tree::Node& node = tree.nodes[i];
    means[i] = node.weight;
    if (node.is_leaf()) continue;
    const double share = left_share(tree, node);
    means[i] = share * means[node.left] + (1 - share) * means[node.right];
  }
  return means.front();
}

// Lays out the steps of one tree: a walk that remembers the path.
class StepLayout {
 public:
  StepLayout(std::size_t tree_index, ExplainedTree& explained)
      : tree_index_(tree_index), explained_(explained) {}

  void lay_out() {
    push_children(0);
    while (!pending_.empty()) {
      const auto [step, n_distinct] = pending_.back();
      pending_.pop_back();
      finish_steps(step.level);
      path_.push_back(explained_.steps.size());
      explained_.steps.push_back(step);
      n_distinct_ = n_distinct;
      max_distinct_ = std::max(max_distinct_, n_distinct);
      push_children(step.node);
    }
    finish_steps(1);
    explained_.n_groups = (max_distinct_ + 2 * kLanes - 1) / (2 * kLanes);
  }

 private:
  struct Pending {
    Step step;
    std::size_t n_distinct = 0;  // features of the path
  };

  void push_children(std::uint32_t index) {
    const Tree& tree = explained_.tree;
    const Tree::Node& node = tree.nodes[index];
    if (node.is_leaf()) return;
    if (path_.size() == Explainer::kMaxDepth) {
      throw Error("core.explainer.depth",
                  fmt::format("tree {} is more than {} levels deep: contributions of such a tree cannot be "
                              "computed; train with a smaller max_depth",
                              tree_index_, Explainer::kMaxDepth));
    }
    Step step{.feature = static_cast<std::uint32_t>(node.feature),
              .level = static_cast<std::uint16_t>(path_.size() + 1)};
    const auto same = std::find_if(path_.rbegin(), path_.rend(), [&](std::size_t earlier) {
      return explained_.steps[earlier].feature == step.feature;
    });
    const bool is_new = same == path_.rend();
    if (!is_new) step.previous = explained_.steps[*same].level;
    const double earlier_share = is_new ? 1 : explained_.steps[*same].share;
    const double share = left_share(tree, node);
    for (const bool is_left : {false, true}) {  // the left one is taken first
      step.is_left = is_left;
      step.node = static_cast<std::uint32_t>(is_left ? node.left : node.right);
      step.share = earlier_share * (is_left ? share : 1 - share);
      if (step.share < kLeastShare) step.share = 0;
      pending_.push_back({step, n_distinct_ + (is_new ? 1 : 0)});
    }
  }

  // Ends the steps of the path from a level on.
  void finish_steps(std::size_t level) {
    for (; path_.size() >= level; path_.pop_back()) {
      explained_.steps[path_.back()].next = static_cast<std::uint32_t>(explained_.steps.size());
    }
  }

  static constexpr double kLeastShare = 1e-200;  // the inverse of a smaller one might be infinite

  std::size_t tree_index_;
  ExplainedTree& explained_;
  std::vector<Pending> pending_;
  std::vector<std::size_t> path_;  // steps, by level - 1
  std::size_t n_distinct_ = 0;
  std::size_t max_distinct_ = 0;
};

// A step of the path that is being walked. Level 0 is the root.
struct Level {
  Lanes product;   // of q over the features of the path
  Lanes inverse;   // of q of this step's feature
  Lanes slope;     // (o - z) / q of this step's feature
  Lanes sum;       // of v * product over the leaves below
  bool follows;    // o
  bool goes_left;  // does the row go left from here?
};

using Path = std::array<Level, Explainer::kMaxDepth + 1>;

void start_path(Level& root) noexcept {
  root.product.fill(1);
  root.inverse.fill(1);
  root.slope.fill(0);
  root.sum.fill(0);
  root.follows = true;
}

// False when nothing below the step counts.
bool enter(const Step& step, const PointGroup& points, Path& path) noexcept {
  const Level& parent = path[step.level - 1];
  const Level& previous = path[step.previous];
  Level& level = path[step.level];
  level.follows = previous.follows && parent.goes_left == step.is_left;
  if (!level.follows && step.share == 0) return false;
  const double known = level.follows ? 1 : 0;
  for (std::size_t i = 0; i < kLanes; ++i) {
    const double q = points.at[i] * known + (1 - points.at[i]) * step.share;
    level.product[i] = parent.product[i] * (q * previous.inverse[i]);
    level.inverse[i] = 1 / q;
    level.slope[i] = (known - step.share) * level.inverse[i];
    level.sum[i] = 0;
  }
  return true;
}

// Adds what a step, all leaves below it seen, contributes.
void leave(const Step& step, const PointGroup& points, Path& path, std::span<double> contributions) noexcept {
  const Level& level = path[step.level];
  const Level& previous = path[step.previous];
  Level& parent = path[step.level - 1];
  Lanes terms;
  for (std::size_t i = 0; i < kLanes; ++i) {
    terms[i] = points.weight[i] * level.sum[i] * (level.slope[i] - previous.slope[i]);
    parent.sum[i] += level.sum[i];
  }
  contributions[step.feature] += (terms[0] + terms[1]) + (terms[2] + terms[3]);
}

void explain_tree(const ExplainedTree& explained, const PointGroup& points, std::span<const float> row,
                  std::span<double> contributions) noexcept {
  const Tree& tree = explained.tree;
  const auto goes_left_at = [&](const Tree::Node& node) {
    return goes_left(tree, node, row[static_cast<std::size_t>(node.feature)]);
  };
  Path path;  // NOLINT: levels are set when they are entered
  std::array<const Step*, Explainer::kMaxDepth + 1> open_steps;  // NOLINT: as above
  start_path(path[0]);
  path[0].goes_left = goes_left_at(tree.nodes[0]);
  std::size_t depth = 0;
  const auto leave_until = [&](std::size_t level) {
    for (; depth >= level; --depth) leave(*open_steps[depth], points, path, contributions);
  };
  for (std::size_t s = 0; s < explained.steps.size();) {
    const Step& step = explained.steps[s];
    leave_until(step.level);
    if (!enter(step, points, path)) {
      s = step.next;
      continue;
    }
    depth = step.level;
    open_steps[depth] = &step;
    const Tree::Node& node = tree.nodes[step.node];
    Level& level = path[depth];
    if (node.is_leaf()) {
      for (std::size_t i = 0; i < kLanes; ++i) level.sum[i] = node.weight * level.product[i];
    } else {
      level.goes_left = goes_left_at(node);
    }
    ++s;
  }
  leave_until(1);
}

}  // namespace

struct Explainer::Engine {
  std::size_t n_features = 0;
  double bias = 0;
  std::vector<ExplainedTree> trees;             // those with a split
  std::vector<std::vector<PointGroup>> points;  // by number of groups
};

Explainer::Explainer(const Model& model) {
  scoring::check_model(model);
  auto engine = std::make_unique<Engine>();
  engine->n_features = model.schema.features.size();
  engine->bias = base_margin(model.objective, model.base_score);
  for (std::size_t t = 0; t < model.trees.size(); ++t) {
    const Tree& tree = model.trees[t];
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      if (!(tree.nodes[i].cover >= 0)) scoring::refuse(t, i, "its cover is negative");
    }
    engine->bias += mean_weight(tree);
    if (tree.nodes.front().is_leaf()) continue;
    ExplainedTree& explained = engine->trees.emplace_back(ExplainedTree{.tree = tree});
    StepLayout(t, explained).lay_out();
    if (engine->points.size() <= explained.n_groups) engine->points.resize(explained.n_groups + 1);
    std::vector<PointGroup>& points = engine->points[explained.n_groups];
    if (points.empty()) points = point_groups(explained.n_groups);
  }
  engine_ = std::move(engine);
}

Explainer::~Explainer() = default;
Explainer::Explainer(Explainer&&) noexcept = default;
Explainer& Explainer::operator=(Explainer&&) noexcept = default;

std::size_t Explainer::n_features() const noexcept { return engine_->n_features; }

void Explainer::contributions(std::span<const float> row, std::span<double> contributions) const noexcept {
  std::ranges::fill(contributions, 0.0);
  for (const ExplainedTree& tree : engine_->trees) {
    for (const PointGroup& points : engine_->points[tree.n_groups]) {
      explain_tree(tree, points, row, contributions);
    }
  }
  contributions.back() = engine_->bias;
}

}  // namespace coppice
