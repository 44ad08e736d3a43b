#include "model_reader.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <vector>

#include "model_agreement.h"
#include "model_extras.h"
#include "model_imported_schema.h"
#include "model_tree_reader.h"

namespace coppice::io {
namespace {

using ModelField = Field<Document>;

constexpr std::string_view kUnsupported = "io.model.unsupported";
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();

Objective read_objective(const ModelField& learner) {
  const ModelField name = learner.at("objective").at("name");
  for (const Objective objective : {Objective::kBinaryLogistic, Objective::kSquaredError}) {
    if (name.text() == to_string(objective)) return objective;
  }
  name.fail(
      fmt::format("Coppice reads models for {} and {}, not for '{:.40}'",
                  to_string(Objective::kBinaryLogistic), to_string(Objective::kSquaredError), name.text()),
      kUnsupported);
}

/// The base score of a model with one output: `5E-1`, or `[5E-1]` since XGBoost 3.1.
float read_base_score(const ModelField& parameters, Objective objective) {
  const ModelField field = parameters.at("base_score");
  std::string_view text = field.text();
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  float value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || stop != text.data() + text.size() || !std::isfinite(value)) {
    field.fail(fmt::format("expected one number, found '{:.40}'", field.text()));
  }
  if (objective == Objective::kBinaryLogistic && (value <= 0 || value >= 1)) {
    field.fail(fmt::format("expected a probability between 0 and 1, found {}", value));
  }
  return value;
}

/// Refuses what is a model, but of another kind: several outputs, linear, dropped trees.
void check_kind(const ModelField& learner, const ModelField& parameters) {
  for (const std::string_view key : {"num_class", "num_target"}) {
    const auto count = parameters.find(key);
    if (count && count->integer_in_text(0, kMaxCount) > 1) {
      count->fail("Coppice reads models with one output", kUnsupported);
    }
  }
  const ModelField booster = learner.at("gradient_booster");
  const ModelField name = booster.at("name");
  if (name.text() != "gbtree") {
    name.fail(fmt::format("Coppice reads models of the booster gbtree, not '{:.40}'", name.text()),
              kUnsupported);
  }
  for (const ModelField& holder : {booster, booster.at("model")}) {
    if (const auto weights = holder.find("weight_drop"); weights && weights->size() > 0) {
      weights->fail("Coppice does not read models with dropped trees (DART)", kUnsupported);
    }
  }
}

std::vector<Tree> read_trees(const ModelField& model, const TreeContext& context) {
  const ModelField list = model.at("trees");
  const auto n_trees = model.at("gbtree_model_param").at("num_trees").integer_in_text(0, kMaxCount);
  if (static_cast<std::size_t>(n_trees) != list.size()) {
    list.fail(fmt::format("{} trees, but num_trees says {}", list.size(), n_trees));
  }
  const auto groups = model.at("tree_info").integers(0, kMaxCount);
  if (std::ranges::any_of(groups, [](std::int64_t group) { return group != 0; })) {
    model.at("tree_info").fail("Coppice reads models with one output", kUnsupported);
  }
  std::vector<Tree> trees;
  trees.reserve(list.size());
  for (std::size_t t = 0; t < list.size(); ++t) {
    trees.push_back(read_tree(list.item(t, fmt::format("tree {}", t)), context));
  }
  return trees;
}

}  // namespace

Model read_document(const ModelField& document) {
  const ModelField learner = document.at("learner");
  const ModelField parameters = learner.at("learner_model_param");
  check_kind(learner, parameters);

  Model model;
  model.objective = read_objective(learner);
  model.base_score = read_base_score(parameters, model.objective);
  TreeContext context{.n_features = parameters.at("num_feature").integer_in_text(0, kMaxCount)};
  const auto n_features = static_cast<std::size_t>(context.n_features);
  const ModelField trees = learner.at("gradient_booster").at("model");

  const auto attributes = learner.find("attributes");
  const auto extras = attributes ? attributes->find(kExtrasKey) : std::nullopt;
  if (!extras) {
    model.trees = read_trees(trees, context);
    model.parameters.objective = model.objective;
    model.schema = read_imported_schema(learner, n_features, model.trees);
    return model;
  }
  read_extras(extras->text(), document.file(), model);
  if (model.schema.features.size() != n_features) {
    extras->fail(fmt::format("a schema of {} features, but num_feature is {}", model.schema.features.size(),
                             n_features),
                 "io.model.mismatch");
  }
  for (const Feature& feature : model.schema.features) context.unused_codes.push_back(unused_code(feature));
  model.trees = read_trees(trees, context);
  check_agreement(model, document.file());
  return model;
}

}  // namespace coppice::io
