#include "model_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "model_extras.h"

namespace coppice::io {
namespace {

/// XGBoost's mark for the parent of a root.
constexpr std::int32_t kNoParent = 0x7FFFFFFF;

void emit_texts(Emitter& emitter, std::string_view key, const std::vector<std::string>& texts) {
  emitter.key(key);
  emitter.begin_array(texts.size());
  for (const std::string& text : texts) emitter.text(text);
  emitter.end_array();
}

/// An object of texts: how XGBoost writes its parameters.
void emit_parameters(Emitter& emitter, std::string_view key,
                     std::initializer_list<std::pair<std::string_view, std::string>> entries) {
  emitter.key(key);
  emitter.begin_object();
  for (const auto& [name, value] : entries) {
    emitter.key(name);
    emitter.text(value);
  }
  emitter.end_object();
}

/// A feature name as XGBoost takes it: no `[`, `]`, `<`, nothing that its JSON reader would not give back.
std::string visible_name(std::string name) {
  const bool plain = is_plain_text(name);
  std::ranges::replace_if(
      name,
      [plain](unsigned char byte) {
        return byte == '[' || byte == ']' || byte == '<' ||
               (!plain && (byte < 0x20 || byte >= 0x7F || byte == '\\'));
      },
      '_');
  return name;
}

/// Names for XGBoost's eyes; the schema in the attribute keeps the true ones. All differ: a name that had to
/// be changed gives way to one that did not.
std::vector<std::string> visible_names(const Schema& schema) {
  std::vector<std::string> names;
  std::unordered_set<std::string> taken;
  std::vector<bool> is_settled;
  for (const Feature& feature : schema.features) {
    names.push_back(visible_name(feature.name));
    is_settled.push_back(names.back() == feature.name && taken.insert(feature.name).second);
  }
  for (std::size_t f = 0; f < names.size(); ++f) {
    if (is_settled[f]) continue;
    if (taken.contains(names[f])) names[f] += fmt::format("_{}", f);
    while (!taken.insert(names[f]).second) names[f] += '_';
  }
  return names;
}

std::vector<std::string> feature_types(const Schema& schema) {
  std::vector<std::string> types;
  for (const Feature& feature : schema.features) {
    types.emplace_back(feature.kind == FeatureKind::kCategorical ? "c" : "float");
  }
  return types;
}

/// What early stopping watched, at the best round; empty when no curve has it. The metric that is not named
/// is the last.
std::string best_score(const Model& model) {
  const auto& curves = model.summary.curves;
  std::string_view watched = model.parameters.early_stopping_metric;
  if (watched.empty() && !curves.empty()) watched = curves.back().name;
  for (const MetricCurve& curve : curves) {  // a continued training has another curve of the same name
    const auto index = static_cast<std::int64_t>(model.summary.best_round) - curve.first_round;
    const bool has_it = index >= 0 && index < static_cast<std::int64_t>(curve.values.size());
    if (curve.name == watched && has_it) return fmt::to_string(curve.values[index]);
  }
  return {};
}

void emit_attributes(Emitter& emitter, const Model& model) {
  emitter.key("attributes");
  emitter.begin_object();
  // XGBoost's scikit-learn classes predict with the trees up to the best iteration: it must be the last one.
  const int best_round = model.summary.best_round;
  if (best_round >= 0 && static_cast<std::size_t>(best_round) + 1 == model.trees.size()) {
    emitter.key("best_iteration");
    emitter.text(fmt::to_string(best_round));
    if (const std::string score = best_score(model); !score.empty()) {
      emitter.key("best_score");
      emitter.text(score);
    }
  }
  emitter.key(kExtrasKey);
  emitter.text(write_extras(model));
  emitter.end_object();
}

/// One array over the nodes of a tree.
template <class Value, class Get>
std::vector<Value> over_nodes(const Tree& tree, Get get) {
  std::vector<Value> values(tree.nodes.size());
  std::ranges::transform(tree.nodes, values.begin(),
                         [&](const Tree::Node& node) { return static_cast<Value>(get(node)); });
  return values;
}

std::vector<std::int32_t> parents(const Tree& tree) {
  std::vector<std::int32_t> parent(tree.nodes.size(), kNoParent);
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Tree::Node& node = tree.nodes[i];
    if (!node.is_leaf()) parent[node.left] = parent[node.right] = static_cast<std::int32_t>(i);
  }
  return parent;
}

void emit_categories(Emitter& emitter, const Tree& tree, const Schema& schema) {
  std::vector<std::int32_t> categories;
  std::vector<std::int32_t> nodes;
  std::vector<std::int64_t> segments;
  std::vector<std::int64_t> sizes;
  for (std::size_t i = 0; i < tree.nodes.size(); ++i) {
    const Tree::Node& node = tree.nodes[i];
    if (!node.is_categorical) continue;
    nodes.push_back(static_cast<std::int32_t>(i));
    segments.push_back(static_cast<std::int64_t>(categories.size()));
    const auto set = tree.categories_of(node);
    categories.insert(categories.end(), set.begin(), set.end());
    if (set.empty()) categories.push_back(unused_code(schema.features[node.feature]));
    sizes.push_back(static_cast<std::int64_t>(categories.size()) - segments.back());
  }
  emitter.key("categories");
  emitter.integers(categories);
  emitter.key("categories_nodes");
  emitter.integers(nodes);
  emitter.key("categories_segments");
  emitter.long_integers(segments);
  emitter.key("categories_sizes");
  emitter.long_integers(sizes);
}

void emit_tree(Emitter& emitter, const Tree& tree, std::size_t id, const Schema& schema) {
  using Node = Tree::Node;
  const auto floats = [&](std::string_view key, auto get) {
    emitter.key(key);
    emitter.floats(over_nodes<float>(tree, get));
  };
  const auto integers = [&](std::string_view key, auto get) {
    emitter.key(key);
    emitter.integers(over_nodes<std::int32_t>(tree, get));
  };
  const auto flags = [&](std::string_view key, auto get) {
    emitter.key(key);
    emitter.bytes(over_nodes<std::uint8_t>(tree, get));
  };

  emitter.begin_object();
  floats("base_weights", [](const Node& node) { return node.weight; });
  emit_categories(emitter, tree, schema);
  flags("default_left", [](const Node& node) { return node.default_left; });
  emitter.key("id");
  emitter.integer(static_cast<std::int64_t>(id));
  integers("left_children", [](const Node& node) { return node.left; });
  floats("loss_changes", [](const Node& node) { return node.gain; });
  emitter.key("parents");
  emitter.integers(parents(tree));
  integers("right_children", [](const Node& node) { return node.right; });
  floats("split_conditions", [](const Node& node) { return node.is_leaf() ? node.weight : node.threshold; });
  integers("split_indices", [](const Node& node) { return std::max(node.feature, 0); });
  flags("split_type", [](const Node& node) { return node.is_categorical; });
  floats("sum_hessian", [](const Node& node) { return node.cover; });
  emit_parameters(emitter, "tree_param",
                  {{"num_deleted", "0"},
                   {"num_feature", fmt::to_string(schema.features.size())},
                   {"num_nodes", fmt::to_string(tree.nodes.size())},
                   {"size_leaf_vector", "1"}});
  emitter.end_object();
}

void emit_booster(Emitter& emitter, const Model& model) {
  const std::size_t n_trees = model.trees.size();
  emitter.key("gradient_booster");
  emitter.begin_object();
  emitter.key("model");
  emitter.begin_object();
  emit_parameters(emitter, "gbtree_model_param",
                  {{"num_parallel_tree", "1"}, {"num_trees", fmt::to_string(n_trees)}});
  emitter.key("iteration_indptr");
  emitter.begin_array(n_trees + 1);
  for (std::size_t i = 0; i <= n_trees; ++i) emitter.integer(static_cast<std::int64_t>(i));
  emitter.end_array();
  emitter.key("tree_info");
  emitter.begin_array(n_trees);
  for (std::size_t i = 0; i < n_trees; ++i) emitter.integer(0);
  emitter.end_array();
  emitter.key("trees");
  emitter.begin_array(n_trees);
  for (std::size_t t = 0; t < n_trees; ++t) emit_tree(emitter, model.trees[t], t, model.schema);
  emitter.end_array();
  emitter.end_object();
  emitter.key("name");
  emitter.text("gbtree");
  emitter.end_object();
}

void emit_learner(Emitter& emitter, const Model& model) {
  emitter.begin_object();
  emit_attributes(emitter, model);
  emit_texts(emitter, "feature_names", visible_names(model.schema));
  emit_texts(emitter, "feature_types", feature_types(model.schema));
  emit_booster(emitter, model);
  emit_parameters(emitter, "learner_model_param",
                  {{"base_score", float_text(model.base_score)},
                   {"boost_from_average", "1"},
                   {"num_class", "0"},
                   {"num_feature", fmt::to_string(model.schema.features.size())},
                   {"num_target", "1"}});
  emitter.key("objective");
  emitter.begin_object();
  emitter.key("name");
  emitter.text(to_string(model.objective));
  emit_parameters(emitter, "reg_loss_param",
                  {{"scale_pos_weight", get_parameter(model.parameters, "scale_pos_weight")}});
  emitter.end_object();
  emitter.end_object();
}

}  // namespace

void emit_model(const Model& model, Emitter& emitter) {
  emitter.begin_object();
  emitter.key("learner");
  emit_learner(emitter, model);
  // The version of XGBoost whose format this is: the oldest with all keys, which newer ones read as well.
  emitter.key("version");
  emitter.begin_array(3);
  for (const int part : {2, 0, 0}) emitter.integer(part);
  emitter.end_array();
  emitter.end_object();
}

}  // namespace coppice::io
