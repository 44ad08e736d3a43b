#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "model_extras.h"

namespace coppice::io {
namespace {

using nlohmann::json;

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

json number_json(double value) {
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;  // NaN is written as null
}

/// The double whose text is shortest among those that read back as this float.
json number_json(float value) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  double shortest = 0;
  std::from_chars(buffer.data(), end, shortest);
  return number_json(static_cast<float>(shortest) == value ? shortest : double{value});
}

template <class Numbers>
json numbers_json(const Numbers& numbers) {
  json list = json::array();
  for (const auto number : numbers) list.push_back(number_json(number));
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

}  // namespace

bool is_plain_text(std::string_view text) {
  const auto is_special = [](unsigned char byte) { return byte < 0x20 || byte == 0x7F || byte == '\\'; };
  if (std::ranges::any_of(text, is_special)) return false;
  const json value = text;
  const std::string valid_part = value.dump(-1, ' ', false, json::error_handler_t::ignore);
  return json::parse(valid_part) == value;
}

std::string write_extras(const Model& model) {
  json extras = {{"format", {kFormatMajor, kFormatMinor}},
                 {"schema", schema_json(model.schema)},
                 {"parameters", parameters_json(model.parameters)},
                 {"cuts", cuts_json(model.cuts)},
                 {"bin_counts", model.bin_counts},
                 {"summary", summary_json(model.summary)}};
  if (!model.score_reference.counts.empty()) {
    extras["score_reference"] = {{"cuts", numbers_json(model.score_reference.cuts)},
                                 {"counts", model.score_reference.counts}};
  }
  if (model.threshold != Model::kDefaultThreshold) extras["threshold"] = number_json(model.threshold);
  return extras.dump();
}

}  // namespace coppice::io
