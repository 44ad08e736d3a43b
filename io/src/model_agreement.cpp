#include "model_agreement.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace coppice::io {
namespace {

[[noreturn]] void fail(std::string_view file, std::string_view message) {
  throw Error("io.model.mismatch", fmt::format("{}: {}", file, message));
}

/// Codes of a categorical feature, *other* included.
std::size_t n_codes(const Feature& feature) { return feature.categories.size() + 1; }

void check_schema(const Schema& schema, std::string_view file) {
  for (const Feature& feature : schema.features) {
    if (feature.categories.size() > kMaxCategories) {
      fail(file, fmt::format("feature {} has {} categories; there can be {}", feature.name,
                             feature.categories.size(), kMaxCategories));
    }
  }
}

void check_cuts(const Schema& schema, const Cuts& cuts, std::string_view file) {
  if (cuts.n_features() != schema.features.size()) {
    fail(file, fmt::format("cuts of {} features, but the schema has {}", cuts.n_features(),
                           schema.features.size()));
  }
  for (std::size_t f = 0; f < cuts.n_features(); ++f) {
    const Feature& feature = schema.features[f];
    if (cuts.is_categorical(f) != (feature.kind == FeatureKind::kCategorical)) {
      fail(file, fmt::format("cuts and schema disagree on whether feature {} is categorical", feature.name));
    }
    if (cuts.is_categorical(f) && cuts.n_codes[f] != n_codes(feature)) {
      fail(file, fmt::format("cuts of feature {} have {} codes, but the schema has {}", feature.name,
                             cuts.n_codes[f], n_codes(feature)));
    }
    const auto values = cuts.of(f);
    const bool ascending = std::ranges::adjacent_find(values, std::greater_equal{}) == values.end();
    const bool finite = std::ranges::all_of(values, [](float value) { return std::isfinite(value); });
    if (!ascending || !finite || values.size() >= kMaxValueBins) {
      fail(file, fmt::format("the cuts of feature {} are not finite, ascending and fewer than {}",
                             feature.name, kMaxValueBins));
    }
  }
}

void check_bin_counts(const Model& model, std::string_view file) {
  const auto& counts = model.bin_counts;
  bool fits = counts.size() == model.cuts.n_features();
  for (std::size_t f = 0; f < counts.size() && fits; ++f) {
    fits = counts[f].size() == static_cast<std::size_t>(model.cuts.n_bins(f));
  }
  if (!fits) fail(file, "the bin counts do not fit the cuts");
}

void check_summary(const Model& model, std::string_view file) {
  const TrainingSummary& summary = model.summary;
  const std::size_t n_trees = model.trees.size();
  if (summary.best_round >= 0 && static_cast<std::size_t>(summary.best_round) >= n_trees) {
    fail(file, fmt::format("the best round is {}, but there are {} trees", summary.best_round, n_trees));
  }
  const std::size_t n_thresholds = summary.sampling_thresholds.size();
  if (n_thresholds > n_trees + 1) {
    fail(file, fmt::format("{} sampling thresholds for {} trees; at most one more makes sense", n_thresholds,
                           n_trees));
  }
}

/// What is wrong with an inner node, or nothing.
std::string node_problem(const Model& model, const Tree& tree, const Tree::Node& node) {
  const Feature& feature = model.schema.features[node.feature];
  if (node.is_categorical != (feature.kind == FeatureKind::kCategorical)) {
    return fmt::format("a {} split of the {} feature {}", node.is_categorical ? "categorical" : "numeric",
                       node.is_categorical ? "numeric" : "categorical", feature.name);
  }
  if (node.is_categorical) {
    const auto codes = tree.categories_of(node);  // ascending
    if (codes.empty() || static_cast<std::size_t>(codes.back()) < n_codes(feature)) return {};
    return fmt::format("category code {}, but feature {} has {} codes", codes.back(), feature.name,
                       n_codes(feature));
  }
  const bool has_cuts = model.cuts.n_features() > 0;
  if (has_cuts && model.cuts.bin_before(static_cast<std::size_t>(node.feature), node.threshold) < 0) {
    return fmt::format("the threshold {} is none of the cuts of feature {}", node.threshold, feature.name);
  }
  return {};
}

void check_trees(const Model& model, std::string_view file) {
  for (std::size_t t = 0; t < model.trees.size(); ++t) {
    const Tree& tree = model.trees[t];
    for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
      if (tree.nodes[i].is_leaf()) continue;
      const std::string problem = node_problem(model, tree, tree.nodes[i]);
      if (!problem.empty()) fail(file, fmt::format("tree {}, node {}: {}", t, i, problem));
    }
  }
}

}  // namespace

void check_agreement(const Model& model, std::string_view file) {
  check_schema(model.schema, file);
  if (model.cuts.n_features() > 0) check_cuts(model.schema, model.cuts, file);
  if (!model.bin_counts.empty()) check_bin_counts(model, file);
  check_summary(model, file);
  check_trees(model, file);
}

}  // namespace coppice::io
