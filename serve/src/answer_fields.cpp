// The names of what an answer can hold.
#include <coppice/error.h>
#include <coppice/nearest_name.h>
#include <coppice/serve/answers.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ascii_case.h"

namespace coppice::serve {
namespace {

/// Which objectives have a quantity by this name.
enum class Scope : std::uint8_t { kAll, kClasses, kNumbers };

struct KnownField {
  std::string_view name;
  Quantity quantity;
  Scope scope;
};

constexpr std::array kKnownFields{KnownField{"score", Quantity::kPrediction, Scope::kAll},
                                  KnownField{"prediction", Quantity::kPrediction, Scope::kAll},
                                  KnownField{"probability", Quantity::kPrediction, Scope::kClasses},
                                  KnownField{"label", Quantity::kLabel, Scope::kClasses},
                                  KnownField{"margin", Quantity::kMargin, Scope::kAll},
                                  KnownField{"leaf", Quantity::kLeaf, Scope::kAll},
                                  KnownField{"reasons", Quantity::kReasons, Scope::kAll},
                                  KnownField{"contributions", Quantity::kContributions, Scope::kAll},
                                  // The managed container's; its raw score is the probability.
                                  KnownField{"predicted_label", Quantity::kLabel, Scope::kClasses},
                                  KnownField{"labels", Quantity::kLabels, Scope::kClasses},
                                  KnownField{"probabilities", Quantity::kProbabilities, Scope::kClasses},
                                  KnownField{"raw_score", Quantity::kPrediction, Scope::kClasses},
                                  KnownField{"raw_scores", Quantity::kProbabilities, Scope::kClasses},
                                  KnownField{"predicted_score", Quantity::kPrediction, Scope::kNumbers}};

const KnownField& known_field(const std::string& name) {
  const auto found = std::ranges::find(kKnownFields, name, &KnownField::name);
  if (found != kKnownFields.end()) return *found;
  std::vector<std::string> names;
  for (const KnownField& known : kKnownFields) names.emplace_back(known.name);
  const std::string nearest = nearest_name(name, names);
  throw Error("serve.request.output",
              nearest.empty() ? fmt::format("no output '{:.40}'; there are {}", name, fmt::join(names, ", "))
                              : fmt::format("no output '{:.40}'; did you mean '{}'?", name, nearest));
}

}  // namespace

std::vector<AnswerField> parse_fields(std::string_view text, Objective objective) {
  const bool has_classes = objective == Objective::kBinaryLogistic;
  std::string names;
  for (const char c : text) {
    if (c != ' ' && c != '\t') names += lower_case(c);
  }
  std::vector<AnswerField> fields;
  for (std::size_t begin = 0; begin <= names.size();) {
    const std::size_t end = std::min(names.size(), names.find(',', begin));
    const std::string name = names.substr(begin, end - begin);
    const KnownField& known = known_field(name);
    if (known.scope != Scope::kAll && (known.scope == Scope::kClasses) != has_classes) {
      throw Error("serve.request.output",
                  fmt::format("a model of {} has no output '{}'", to_string(objective), name));
    }
    if (std::ranges::find(fields, name, &AnswerField::name) != fields.end()) {
      throw Error("serve.request.output", fmt::format("the output '{}' is selected twice", name));
    }
    fields.push_back({name, known.quantity});
    begin = end + 1;
  }
  return fields;
}

}  // namespace coppice::serve
