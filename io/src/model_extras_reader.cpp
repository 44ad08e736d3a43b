#include <coppice/error.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>

#include "model_document.h"
#include "model_extras.h"

namespace coppice::io {
namespace {

using nlohmann::json;
using Extra = Field<json>;

constexpr std::int64_t kMaxInteger = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();

std::string text_of(const Extra& field) {
  if (field.is_text()) return field.text();
  const std::string& digits = field.at("hex").text();
  std::string text;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    unsigned byte = 0;
    const char* const end = digits.data() + std::min(i + 2, digits.size());
    if (std::from_chars(digits.data() + i, end, byte, 16).ptr != digits.data() + i + 2) {
      field.fail("expected pairs of hex digits");
    }
    text += static_cast<char>(byte);
  }
  return text;
}

std::vector<float> floats_of(const Extra& field) {
  std::vector<float> values;
  for (const double number : field.numbers()) values.push_back(static_cast<float>(number));
  return values;
}

Feature read_feature(const Extra& field) {
  Feature feature{.name = text_of(field.at("name"))};
  const std::string& kind = field.at("kind").text();
  if (kind == kCategorical) {
    feature.kind = FeatureKind::kCategorical;
    feature.categories = field.at("categories").list(text_of);
  } else if (kind != kNumeric) {
    field.at("kind").fail(fmt::format("expected {} or {}, found {:.40}", kNumeric, kCategorical, kind));
  }
  return feature;
}

Schema read_schema(const Extra& field) {
  return {.features = field.at("features").list(read_feature),
          .label = text_of(field.at("label")),
          .weight = text_of(field.at("weight")),
          .ignored = field.at("ignored").list(text_of),
          .missing_tokens = field.at("missing_tokens").list(text_of),
          .has_header = field.at("has_header").flag()};
}

/// Parameters that the file does not have keep their defaults, those of a later minor version are left out.
Parameters read_parameters(const Extra& field) {
  Parameters parameters;
  for (const ParameterInfo& info : parameter_table()) {
    const auto value = info.in_model ? field.find(info.name) : std::nullopt;
    if (!value) continue;
    try {
      set_parameter(parameters, info.name, text_of(*value));
    } catch (const Error& error) {
      value->fail(error.what());
    }
  }
  return parameters;
}

Cuts read_cuts(const Extra& field) {
  Cuts cuts;
  for (std::size_t f = 0; f < field.size(); ++f) {
    const Extra entry = field.item(f);
    if (entry.is_array()) {
      const std::vector<float> values = floats_of(entry);
      cuts.values.insert(cuts.values.end(), values.begin(), values.end());
      cuts.n_codes.push_back(0);
    } else {
      cuts.n_codes.push_back(static_cast<std::uint16_t>(entry.integer(1, kMaxValueBins)));
    }
    cuts.offsets.push_back(static_cast<std::uint32_t>(cuts.values.size()));
  }
  return cuts;
}

std::vector<std::uint32_t> read_counts(const Extra& field) {
  const auto counts = field.integers(0, std::numeric_limits<std::uint32_t>::max());
  return {counts.begin(), counts.end()};
}

MetricCurve read_curve(const Extra& field) {
  return {.name = text_of(field.at("name")),
          .first_round = static_cast<int>(field.at("first_round").integer(0, kMaxInt)),
          .values = field.at("values").numbers()};
}

TrainingSummary read_summary(const Extra& field) {
  return {.library_version = text_of(field.at("library_version")),
          .data_hash = text_of(field.at("data_hash")),
          .n_rows = static_cast<std::uint64_t>(field.at("n_rows").integer(0, kMaxInteger)),
          .label_sum = field.at("label_sum").number(),
          .weight_sum = field.at("weight_sum").number(),
          .best_round = static_cast<int>(field.at("best_round").integer(-1, kMaxInt)),
          .curves = field.at("curves").list(read_curve),
          .sampling_thresholds = floats_of(field.at("sampling_thresholds"))};
}

ScoreReference read_score_reference(const Extra& field) {
  ScoreReference reference{.cuts = floats_of(field.at("cuts")), .counts = read_counts(field.at("counts"))};
  const bool ascending =
      std::ranges::adjacent_find(reference.cuts, std::greater_equal{}) == reference.cuts.end();
  const bool finite = std::ranges::all_of(reference.cuts, [](float cut) { return std::isfinite(cut); });
  if (!ascending || !finite || reference.counts.size() != reference.cuts.size() + 1) {
    field.fail("expected finite, ascending cuts and one count more");
  }
  return reference;
}

double read_threshold(const Extra& field) {
  const double threshold = field.number();
  if (!(threshold >= 0 && threshold <= 1)) field.fail("expected a probability from 0 to 1");
  return threshold;
}

void check_format(const Extra& field) {
  const auto version = field.integers(0, kMaxInt);
  if (version.size() == 2 && version[0] == kFormatMajor) return;
  const std::string found = fmt::format("{}", fmt::join(version, "."));
  field.fail(
      fmt::format("written in format {}, but this version reads format {} only; use a Coppice that knows it",
                  found, kFormatMajor),
      "io.model.version");
}

}  // namespace

void read_extras(std::string_view text, std::string_view file, Model& model) {
  const std::string path = fmt::format("attribute {}", kExtrasKey);
  json parsed;
  try {
    parsed = json::parse(text);
  } catch (const json::exception&) {
    throw Error("io.model.syntax", fmt::format("{}: {}: no valid JSON", file, path));
  }
  const Extra extras(parsed, file, path);
  check_format(extras.at("format"));
  model.schema = read_schema(extras.at("schema"));
  model.parameters = read_parameters(extras.at("parameters"));
  model.cuts = read_cuts(extras.at("cuts"));
  model.bin_counts = extras.at("bin_counts").list(read_counts);
  model.summary = read_summary(extras.at("summary"));
  if (const auto scores = extras.find("score_reference"))
    model.score_reference = read_score_reference(*scores);
  if (const auto threshold = extras.find("threshold")) model.threshold = read_threshold(*threshold);
}

}  // namespace coppice::io
