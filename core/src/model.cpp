#include <coppice/model.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <functional>
#include <type_traits>
#include <utility>

namespace coppice {
namespace {

std::string category_text(const Feature& feature, std::int32_t code) {
  const auto index = static_cast<std::size_t>(code);
  return index < feature.categories.size() ? feature.categories[index] : "<other>";
}

/// `V14<-3.5`, or `country in {A,B}`: the question whose *yes* child is named first.
std::string condition_text(const Schema& schema, const Tree& tree, const Tree::Node& node) {
  const Feature& feature = schema.features[node.feature];
  if (!node.is_categorical) return fmt::format("{}<{}", feature.name, node.threshold);
  std::vector<std::string> names;
  for (const std::int32_t code : tree.categories_of(node)) names.push_back(category_text(feature, code));
  return fmt::format("{} in {{{}}}", feature.name, fmt::join(names, ","));
}

void append_node(std::string& text, const Schema& schema, const Tree& tree, std::int32_t index, int depth) {
  constexpr int kMaxIndent = 100;  // keeps the text linear in the nodes, whatever shape a tree has
  text.append(std::min(depth, kMaxIndent), '\t');
  const Tree::Node& node = tree.nodes[index];
  if (node.is_leaf()) {
    text += fmt::format("{}:leaf={},cover={}\n", index, node.weight, node.cover);
    return;
  }
  // Listed categories go right, numbers below the threshold go left.
  const auto [yes, no] =
      node.is_categorical ? std::pair(node.right, node.left) : std::pair(node.left, node.right);
  text += fmt::format("{}:[{}] yes={},no={},missing={},gain={},cover={}\n", index,
                      condition_text(schema, tree, node), yes, no, node.default_left ? node.left : node.right,
                      node.gain, node.cover);
}

void append_tree(std::string& text, const Schema& schema, const Tree& tree) {
  struct Visit {
    std::int32_t node;
    int depth;
  };
  std::vector<Visit> pending{{0, 0}};
  while (!pending.empty()) {
    const Visit visit = pending.back();
    pending.pop_back();
    append_node(text, schema, tree, visit.node, visit.depth);
    const Tree::Node& node = tree.nodes[visit.node];
    if (node.is_leaf()) continue;
    pending.push_back({node.right, visit.depth + 1});
    pending.push_back({node.left, visit.depth + 1});
  }
}

/// Are two values equal? Numbers by their bits: a model file would differ by a zero's sign, and NaN equals
/// NaN.
template <class Value>
bool same(const Value& a, const Value& b) {
  if constexpr (std::is_floating_point_v<Value>) {
    return std::bit_cast<std::array<std::byte, sizeof a>>(a) ==
           std::bit_cast<std::array<std::byte, sizeof b>>(b);
  } else {
    return a == b;
  }
}

/// Keeps the first difference it is shown, in words, and ignores the rest.
class Comparison {
 public:
  template <class Value>
  void value(std::string_view what, const Value& a, const Value& b) {
    if (!found() && !same(a, b)) text_ = fmt::format("{}: {} and {}", what, a, b);
  }

  /// Calls compare(i, a[i], b[i]) for every i when the lists are equally long.
  template <class List, class Compare>
  void list(std::string_view what, const List& a, const List& b, Compare compare) {
    value(fmt::format("number of {}", what), a.size(), b.size());
    for (std::size_t i = 0; i < a.size() && !found(); ++i) compare(i, a[i], b[i]);
  }

  /// A list of plain values; `what` is in the plural.
  template <class List>
  void values(std::string_view what, const List& a, const List& b) {
    list(what, a, b, [&](std::size_t i, const auto& x, const auto& y) {
      if (!same(x, y)) value(fmt::format("{}[{}]", what, i), x, y);
    });
  }

  [[nodiscard]] bool found() const { return !text_.empty(); }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

void compare_schemas(Comparison& comparison, const Schema& a, const Schema& b) {
  comparison.list("features", a.features, b.features, [&](std::size_t f, const Feature& x, const Feature& y) {
    comparison.value(fmt::format("name of feature {}", f), x.name, y.name);
    const auto kind = [](const Feature& feature) {
      return feature.kind == FeatureKind::kCategorical ? "categorical" : "numeric";
    };
    comparison.value(fmt::format("kind of feature {}", x.name), std::string_view(kind(x)),
                     std::string_view(kind(y)));
    comparison.values(fmt::format("categories of feature {}", x.name), x.categories, y.categories);
  });
  comparison.value("label column", a.label, b.label);
  comparison.value("weight column", a.weight, b.weight);
  comparison.values("ignored columns", a.ignored, b.ignored);
  comparison.values("missing tokens", a.missing_tokens, b.missing_tokens);
  comparison.value("header in the table", a.has_header, b.has_header);
}

void compare_parameters(Comparison& comparison, const Parameters& a, const Parameters& b) {
  for (const ParameterInfo& info : parameter_table()) {
    if (!info.in_model) continue;
    comparison.value(fmt::format("parameter {}", info.name), get_parameter(a, info.name),
                     get_parameter(b, info.name));
  }
}

void compare_nodes(Comparison& comparison, const std::string& place, const Tree::Node& a,
                   const Tree::Node& b) {
  const auto field = [&](std::string_view name, const auto& x, const auto& y) {
    if (!same(x, y)) comparison.value(fmt::format("{}: {}", place, name), x, y);
  };
  field("left child", a.left, b.left);
  field("right child", a.right, b.right);
  field("feature", a.feature, b.feature);
  field("threshold", a.threshold, b.threshold);
  field("weight", a.weight, b.weight);
  field("gain", a.gain, b.gain);
  field("cover", a.cover, b.cover);
  field("missing goes left", a.default_left, b.default_left);
  field("categorical", a.is_categorical, b.is_categorical);
  field("first category", a.categories_begin, b.categories_begin);
  field("number of categories", a.categories_size, b.categories_size);
}

void compare_trees(Comparison& comparison, const std::vector<Tree>& a, const std::vector<Tree>& b) {
  const std::size_t common = std::min(a.size(), b.size());
  for (std::size_t t = 0; t < common && !comparison.found(); ++t) {
    const std::string tree = fmt::format("tree {}", t);
    comparison.list("nodes of " + tree, a[t].nodes, b[t].nodes,
                    [&](std::size_t i, const auto& x, const auto& y) {
                      compare_nodes(comparison, fmt::format("{}, node {}", tree, i), x, y);
                    });
    comparison.values("categories of " + tree, a[t].categories, b[t].categories);
  }
  comparison.value("number of trees", a.size(), b.size());
}

void compare_summaries(Comparison& comparison, const TrainingSummary& a, const TrainingSummary& b) {
  comparison.value("library version", a.library_version, b.library_version);
  comparison.value("hash of the training data", a.data_hash, b.data_hash);
  comparison.value("training rows", a.n_rows, b.n_rows);
  comparison.value("sum of labels", a.label_sum, b.label_sum);
  comparison.value("sum of weights", a.weight_sum, b.weight_sum);
  comparison.value("best round", a.best_round, b.best_round);
  comparison.list("metric curves", a.curves, b.curves, [&](std::size_t i, const auto& x, const auto& y) {
    comparison.value(fmt::format("name of metric curve {}", i), x.name, y.name);
    comparison.value(fmt::format("first round of {}", x.name), x.first_round, y.first_round);
    comparison.values(fmt::format("values of {}", x.name), x.values, y.values);
  });
  comparison.values("sampling thresholds", a.sampling_thresholds, b.sampling_thresholds);
}

}  // namespace

float predict_margin(const Model& model, std::span<const float> row) noexcept {
  float margin = base_margin(model.objective, model.base_score);
  for (const Tree& tree : model.trees) margin += tree.nodes[leaf_of(tree, row)].weight;
  return margin;
}

std::vector<Importance> importance(const Model& model) {
  std::vector<Importance> features(model.schema.features.size());
  for (std::size_t f = 0; f < features.size(); ++f) features[f].feature = model.schema.features[f].name;
  for (const Tree& tree : model.trees) {
    for (const Tree::Node& node : tree.nodes) {
      if (node.is_leaf()) continue;
      Importance& entry = features[node.feature];
      entry.gain += node.gain;
      entry.cover += node.cover;
      ++entry.count;
    }
  }
  std::erase_if(features, [](const Importance& entry) { return entry.count == 0; });
  std::ranges::stable_sort(features, std::greater{}, &Importance::gain);
  return features;
}

std::string dump_text(const Model& model) {
  std::string text;
  for (std::size_t t = 0; t < model.trees.size(); ++t) {
    text += fmt::format("tree {}:\n", t);
    append_tree(text, model.schema, model.trees[t]);
  }
  return text;
}

std::string first_difference(const Model& a, const Model& b) {
  Comparison comparison;
  comparison.value("objective", to_string(a.objective), to_string(b.objective));
  compare_schemas(comparison, a.schema, b.schema);
  compare_parameters(comparison, a.parameters, b.parameters);
  comparison.value("base score", a.base_score, b.base_score);
  comparison.value("threshold", a.threshold, b.threshold);
  comparison.values("cut codes", a.cuts.n_codes, b.cuts.n_codes);
  comparison.values("cut offsets", a.cuts.offsets, b.cuts.offsets);
  comparison.values("cuts", a.cuts.values, b.cuts.values);
  compare_trees(comparison, a.trees, b.trees);
  comparison.list("binned features", a.bin_counts, b.bin_counts,
                  [&](std::size_t f, const auto& x, const auto& y) {
                    comparison.values(fmt::format("bin counts of feature {}", f), x, y);
                  });
  comparison.values("score cuts", a.score_reference.cuts, b.score_reference.cuts);
  comparison.values("score counts", a.score_reference.counts, b.score_reference.counts);
  compare_summaries(comparison, a.summary, b.summary);
  return std::move(comparison).text();
}

std::string_view version() noexcept { return COPPICE_VERSION; }

}  // namespace coppice
