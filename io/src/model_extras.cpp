#include "model_extras.h"

#include <coppice/error.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "model_document.h"

namespace coppice::io {
namespace {

using nlohmann::json;
using Extra = Field<json>;

constexpr int kFormatMajor = 1;
constexpr int kFormatMinor = 0;
constexpr std::string_view kCategorical = "categorical";
constexpr std::string_view kNumeric = "numeric";
constexpr std::int64_t kMaxInteger = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMaxInt = std::numeric_limits<int>::max();

// Writing.

json text_json(std::string_view text) {
  if (is_plain_text(text)) return text;
  std::string digits;
  for (const char byte : text) digits += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return {{"hex", digits}};
}

json texts_json(const std::vector<std::string>& texts) {
  json list = json::array();
  for (const std::string& text : texts) list.push_back(text_json(text));
  return list;
}

/// The double whose text is shortest among those that read back as this float.
double short_double(float value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  double shortest = 0;
  std::from_chars(buffer.data(), end, shortest);
  return static_cast<float>(shortest) == value ? shortest : value;
}

json number_json(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;  // NaN is written as null
}

template <class Numbers>
json numbers_json(const Numbers& numbers) {
  json list = json::array();
  for (const auto number : numbers) {
    if constexpr (std::is_same_v<decltype(number), const float>) {
      list.push_back(number_json(std::isfinite(number) ? short_double(number) : number));
    } else {
      list.push_back(number_json(number));
    }
  }
  return list;
}

json schema_json(const Schema& schema) {
  json features = json::array();
  for (const Feature& feature : schema.features) {
    json entry = {{"name", text_json(feature.name)}, {"kind", kNumeric}};
    if (feature.kind == FeatureKind::kCategorical) {
      entry["kind"] = kCategorical;
      entry["categories"] = texts_json(feature.categories);
    }
    features.push_back(std::move(entry));
  }
  return {{"features", std::move(features)},
          {"label", text_json(schema.label)},
          {"weight", text_json(schema.weight)},
          {"ignored", texts_json(schema.ignored)},
          {"missing_tokens", texts_json(schema.missing_tokens)},
          {"has_header", schema.has_header}};
}

json parameters_json(const Parameters& parameters) {
  json entries = json::object();
  for (const ParameterInfo& info : parameter_table()) {
    if (info.in_model) entries[std::string(info.name)] = text_json(get_parameter(parameters, info.name));
  }
  return entries;
}

json cuts_json(const Cuts& cuts) {
  json features = json::array();
  for (std::size_t f = 0; f < cuts.n_features(); ++f) {
    if (cuts.is_categorical(f)) {
      features.push_back(cuts.n_codes[f]);
    } else {
      features.push_back(numbers_json(cuts.of(f)));
    }
  }
  return features;
}

json summary_json(const TrainingSummary& summary) {
  json curves = json::array();
  for (const MetricCurve& curve : summary.curves) {
    curves.push_back({{"name", text_json(curve.name)},
                      {"first_round", curve.first_round},
                      {"values", numbers_json(curve.values)}});
  }
  return {{"library_version", text_json(summary.library_version)},
          {"data_hash", text_json(summary.data_hash)},
          {"n_rows", summary.n_rows},
          {"label_sum", number_json(summary.label_sum)},
          {"weight_sum", number_json(summary.weight_sum)},
          {"best_round", summary.best_round},
          {"curves", std::move(curves)},
          {"sampling_thresholds", numbers_json(summary.sampling_thresholds)}};
}

// Reading.

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

Parameters read_parameters(const Extra& field) {
  Parameters parameters;
  for (const auto& [key, value] : field.members()) set_parameter(parameters, key, text_of(value));
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

std::vector<std::uint32_t> read_bin_counts(const Extra& field) {
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

bool is_plain_text(std::string_view text) {
  const auto is_special = [](unsigned char byte) { return byte < 0x20 || byte == 0x7F || byte == '\\'; };
  if (std::ranges::any_of(text, is_special)) return false;
  const json value = text;
  return json::parse(value.dump(-1, ' ', false, json::error_handler_t::ignore)) ==
         value;  // drops broken UTF-8
}

std::string write_extras(const Model& model) {
  const json extras = {{"format", {kFormatMajor, kFormatMinor}},
                       {"schema", schema_json(model.schema)},
                       {"parameters", parameters_json(model.parameters)},
                       {"cuts", cuts_json(model.cuts)},
                       {"bin_counts", model.bin_counts},
                       {"summary", summary_json(model.summary)}};
  return extras.dump();
}

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
  model.bin_counts = extras.at("bin_counts").list(read_bin_counts);
  model.summary = read_summary(extras.at("summary"));
}

}  // namespace coppice::io
