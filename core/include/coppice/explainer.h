// Explaining: how much each feature moved the margin of a row, and the few that moved it most.
#pragma once

#include <coppice/model.h>

#include <cstddef>
#include <memory>
#include <span>

namespace coppice {

/// An immutable, thread-safe explainer of one model: exact path-dependent TreeSHAP.
/// The contribution of a feature is its Shapley value in the game in which the features that are not known
/// are replaced by following both children of a node in proportion to their covers; a model that was read
/// from an XGBoost file uses its hessian sums. A row is [n_features] floats as for Scorer, and follows the
/// same leaves.
/// The bias (the mean margin, by covers) and the contributions sum to the margin: to base_margin plus the
/// leaf weights, added in double, up to the rounding of doubles (1e-13 of the sum of every tree's largest
/// absolute leaf weight).
/// The float32 margin of Scorer differs from that sum by its own rounding. Results do not depend on machine
/// or instruction set. After construction nothing allocates, locks or throws.
/// Source: Lundberg et al. 2018, Consistent individualized feature attribution for tree ensembles; computed
/// by quadrature in O(nodes * distinct features of a path / 8) a tree, see kernels/scoring/explainer.cpp.
class Explainer {
 public:
  /// Levels of the deepest tree that can be explained: a call has room for the state of one path.
  static constexpr std::size_t kMaxDepth = 512;

  /// Cost: O(nodes). Errors: core.scorer.model when a tree does not fit the schema or is damaged, or has a
  /// negative cover; core.explainer.depth when one is deeper than kMaxDepth.
  explicit Explainer(const Model& model);
  ~Explainer();
  Explainer(Explainer&&) noexcept;
  Explainer& operator=(Explainer&&) noexcept;

  [[nodiscard]] std::size_t n_features() const noexcept;

  /// Contributions of one row in margin space: contributions [n_features + 1], the last is the bias, the same
  /// for every row. Needs: row.size() == n_features(). A call takes up to 80 KB of stack.
  void contributions(std::span<const float> row, std::span<double> contributions) const noexcept;

 private:
  struct Engine;
  std::unique_ptr<const Engine> engine_;
};

/// One reason for a score.
struct Reason {
  std::size_t feature = 0;  ///< index in Schema::features
  double contribution = 0;  ///< to the margin; above 0 it raised the score
  bool operator==(const Reason&) const = default;
};

/// Fills `reasons` with the features that moved the margin most, by falling absolute contribution (ties in
/// feature order), and returns how many there are: features that contribute nothing are no reasons.
/// contributions [n_features + 1] as Explainer gives them. Cost: O(n_features * reasons). Allocates nothing.
std::size_t find_reasons(std::span<const double> contributions, std::span<Reason> reasons) noexcept;

}  // namespace coppice
