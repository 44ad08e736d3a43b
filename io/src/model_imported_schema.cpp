#include "model_imported_schema.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace coppice::io {
namespace {

using LearnerField = Field<Document>;

constexpr std::string_view kCategoricalType = "c";
/// Bounds what the few bytes of a number can ask for; features with names take bytes themselves.
constexpr std::size_t kMaxUnnamedFeatures = 1 << 16;

/// What the trees say about a feature.
struct Usage {
  bool as_number = false;
  bool as_category = false;
  std::int32_t highest_code = -1;
};

std::vector<Usage> usage_of(std::span<const Tree> trees, std::size_t n_features) {
  std::vector<Usage> usage(n_features);
  for (const Tree& tree : trees) {
    for (const Tree::Node& node : tree.nodes) {
      if (node.is_leaf()) continue;
      Usage& feature = usage[node.feature];
      (node.is_categorical ? feature.as_category : feature.as_number) = true;
      const auto codes = tree.categories_of(node);
      if (!codes.empty()) feature.highest_code = std::max(feature.highest_code, codes.back());
    }
  }
  return usage;
}

/// A list with one text for each feature, or an empty one when the file has none.
std::vector<std::string> texts_for_features(const LearnerField& learner, std::string_view key,
                                            std::size_t n_features) {
  const auto field = learner.find(key);
  if (!field || field->size() == 0) return {};
  if (field->size() != n_features) {
    field->fail(fmt::format("{} entries for {} features", field->size(), n_features));
  }
  return field->list([](const LearnerField& entry) { return entry.text(); });
}

/// Texts that stand one after the other in `values`, as bytes.
std::vector<std::string> string_categories(const LearnerField& encoding) {
  const auto bytes = encoding.at("values").integers(-128, 255);
  const auto offsets = encoding.at("offsets").integers(0, static_cast<std::int64_t>(bytes.size()));
  std::vector<std::string> texts;
  for (std::size_t k = 1; k < offsets.size(); ++k) {
    if (offsets[k] < offsets[k - 1]) encoding.at("offsets").fail("the offsets do not ascend");
    std::string& text = texts.emplace_back();
    for (std::int64_t i = offsets[k - 1]; i < offsets[k]; ++i) text += static_cast<char>(bytes[i]);
  }
  return texts;
}

std::string number_text(const LearnerField& value) {
  constexpr auto kLimit = std::numeric_limits<std::int64_t>::max();
  return value.is_integer() ? fmt::to_string(value.integer(-kLimit, kLimit)) : fmt::to_string(value.number());
}

/// The dictionary that XGBoost stored for a feature; empty when it stored none.
std::vector<std::string> stored_categories(const LearnerField& learner, std::size_t f) {
  const auto cats = learner.at("gradient_booster").at("model").find("cats");
  const auto encodings = cats ? cats->find("enc") : std::nullopt;
  if (!encodings || f >= encodings->size()) return {};
  const LearnerField encoding = encodings->item(f);
  return encoding.find("offsets") ? string_categories(encoding) : encoding.at("values").list(number_text);
}

std::vector<std::string> categories_of(const LearnerField& learner, std::size_t f,
                                       std::int32_t highest_code) {
  std::vector<std::string> categories = stored_categories(learner, f);
  const auto n_codes = std::max(categories.size(), static_cast<std::size_t>(highest_code + 1));
  if (n_codes > kMaxCategories) {
    learner.fail(
        fmt::format("feature {} has {} categories; Coppice holds at most {}", f, n_codes, kMaxCategories),
        "io.model.unsupported");
  }
  for (std::size_t code = categories.size(); code < n_codes; ++code)
    categories.push_back(fmt::to_string(code));
  return categories;
}

}  // namespace

Schema read_imported_schema(const LearnerField& learner, std::size_t n_features,
                            std::span<const Tree> trees) {
  const auto names = texts_for_features(learner, "feature_names", n_features);
  const auto types = texts_for_features(learner, "feature_types", n_features);
  if (names.empty() && n_features > kMaxUnnamedFeatures) {
    learner.fail(fmt::format("{} features without names; there can be {}", n_features, kMaxUnnamedFeatures));
  }
  const std::vector<Usage> usage = usage_of(trees, n_features);
  Schema schema;
  schema.has_header = !names.empty();
  schema.features.resize(n_features);
  for (std::size_t f = 0; f < n_features; ++f) {
    Feature& feature = schema.features[f];
    feature.name = names.empty() ? fmt::format("f{}", f) : names[f];
    if (usage[f].as_category && usage[f].as_number) {
      learner.fail(fmt::format("feature {} is split both by categories and by a threshold", feature.name),
                   "io.model.unsupported");
    }
    // XGBoost 1's exact method splits the codes of a categorical feature as numbers: then it is numeric.
    const bool declared = !types.empty() && types[f] == kCategoricalType;
    if (!usage[f].as_category && (!declared || usage[f].as_number)) continue;
    feature.kind = FeatureKind::kCategorical;
    feature.categories = categories_of(learner, f, usage[f].highest_code);
  }
  return schema;
}

}  // namespace coppice::io
