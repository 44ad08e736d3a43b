// Ranges and spaces as text and JSON.
#include <coppice/error.h>
#include <coppice/parameters.h>
#include <coppice/tune/space.h>

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

namespace coppice::tune {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kForms = "name=low:high, name=low:high:log (or reverselog, or int), or name=a,b,c";

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
  throw Error("tune.range", fmt::format("{}: {}; write {}", text, why, kForms));
}

std::vector<std::string> split_text(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0;;) {
    const std::size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::optional<double> number_of(std::string_view text) {
  double value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

double end_of(std::string_view text, std::string_view end) {
  const auto value = number_of(end);
  if (!value) refuse(text, fmt::format("'{}' is no number", end));
  return *value;
}

bool is_integer_parameter(std::string_view name) {
  const auto table = parameter_table();
  const auto found = std::ranges::find(table, parameter_name(name), &ParameterInfo::name);
  return found != table.end() && found->type == "integer";
}

/// The part after `low:high`: kind and scaling.
void set_option(std::string_view text, const std::string& option, Range& range) {
  if (option == "int") {
    range.kind = RangeKind::kInteger;
  } else if (option == "linear") {
    range.scaling = Scaling::kLinear;
  } else if (option == "log") {
    range.scaling = Scaling::kLogarithmic;
  } else if (option == "reverselog") {
    range.scaling = Scaling::kReverseLogarithmic;
  } else {
    refuse(text, fmt::format("'{}' is not int, linear, log or reverselog", option));
  }
}

/// `text` is the whole, for messages.
Range range_from_parts(std::string_view text, std::string name, std::string_view values) {
  Range range;
  range.name = std::move(name);
  if (values.find(':') == std::string_view::npos) {
    range.kind = RangeKind::kCategory;
    range.values = split_text(values, ',');
    if (range.values.size() < 2) {
      refuse(text,
             fmt::format("one value is no range; a fixed value goes to --param {}={}", range.name, values));
    }
    return range;
  }
  const std::vector<std::string> parts = split_text(values, ':');
  range.low = end_of(text, parts[0]);
  range.high = end_of(text, parts[1]);
  if (is_integer_parameter(range.name)) range.kind = RangeKind::kInteger;
  for (std::size_t i = 2; i < parts.size(); ++i) set_option(text, parts[i], range);
  return range;
}

// ---------------------------------------------------------------------------------------------------------
// JSON

struct ScalingName {
  Scaling scaling;
  std::string_view name;
};
constexpr ScalingName kScalingNames[] = {{Scaling::kLinear, "Linear"},
                                         {Scaling::kLinear, "Auto"},
                                         {Scaling::kLogarithmic, "Logarithmic"},
                                         {Scaling::kReverseLogarithmic, "ReverseLogarithmic"}};

struct KindName {
  RangeKind kind;
  const char* name;
};
constexpr KindName kKindNames[] = {{RangeKind::kInteger, "IntegerParameterRanges"},
                                   {RangeKind::kNumber, "ContinuousParameterRanges"},
                                   {RangeKind::kCategory, "CategoricalParameterRanges"}};

std::string text_of(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

std::string member(const Json& entry, const char* key, const std::string& place) {
  const auto found = entry.find(key);
  if (found == entry.end()) throw Error("tune.space", fmt::format("{}: a range has no {}", place, key));
  return text_of(*found);
}

Scaling scaling_of(const Json& entry, const std::string& place) {
  const auto given = entry.find("ScalingType");
  if (given == entry.end()) return Scaling::kLinear;
  const std::string name = text_of(*given);
  const auto* const found = std::ranges::find(kScalingNames, name, &ScalingName::name);
  if (found != std::ranges::end(kScalingNames)) return found->scaling;
  throw Error("tune.space", fmt::format("{}: ScalingType {} is not Auto, Linear, Logarithmic or "
                                        "ReverseLogarithmic",
                                        place, name));
}

Range range_from_entry(RangeKind kind, const Json& entry, const std::string& place) {
  if (!entry.is_object()) throw Error("tune.space", fmt::format("{}: a range is no JSON object", place));
  Range range;
  range.name = member(entry, "Name", place);
  range.kind = kind;
  const std::string here = fmt::format("{}: {}", place, range.name);
  if (kind == RangeKind::kCategory) {
    const auto values = entry.find("Values");
    if (values == entry.end() || !values->is_array())
      throw Error("tune.space", fmt::format("{}: has no list of Values", here));
    for (const Json& value : *values) range.values.push_back(text_of(value));
    return range;
  }
  range.low = end_of(here, member(entry, "MinValue", here));
  range.high = end_of(here, member(entry, "MaxValue", here));
  range.scaling = scaling_of(entry, here);
  return range;
}

Range range_from_value(const std::string& name, const Json& value, const std::string& place) {
  const std::string here = fmt::format("{}: {}", place, name);
  if (value.is_string()) return range_from_parts(here, name, value.get<std::string>());
  if (!value.is_array())
    throw Error("tune.space", fmt::format("{}: expected a text such as \"0:1\" or a list of values", here));
  Range range;
  range.name = name;
  range.kind = RangeKind::kCategory;
  for (const Json& entry : value) range.values.push_back(text_of(entry));
  return range;
}

}  // namespace

Range range_from_text(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) refuse(text, "there is no name in front of a '='");
  return range_from_parts(text, std::string(text.substr(0, equals)), text.substr(equals + 1));
}

Space space_from_json(std::string_view json, const std::string& place) {
  const Json file = Json::parse(json, nullptr, false);
  if (!file.is_object()) {
    throw Error("tune.space", fmt::format("{}: expected a JSON object such as {{\"eta\": \"0:1\", "
                                          "\"max_depth\": \"1:10\"}}, or ParameterRanges",
                                          place));
  }
  Space space;
  for (const auto& [key, value] : file.items()) {
    const auto* const kind = std::ranges::find(kKindNames, std::string_view(key), &KindName::name);
    if (kind == std::ranges::end(kKindNames)) {
      space.push_back(range_from_value(key, value, place));
      continue;
    }
    if (!value.is_array()) throw Error("tune.space", fmt::format("{}: {} is no list", place, key));
    for (const Json& entry : value) {
      space.push_back(range_from_entry(kind->kind, entry, fmt::format("{}: {}", place, key)));
    }
  }
  return space;
}

std::string space_to_json(const Space& space) {
  Json json = Json::object();
  for (const Range& range : space) {
    if (range.kind == RangeKind::kCategory) {
      json[range.name] = range.values;
      continue;
    }
    std::string text = fmt::format("{}:{}", range.low, range.high);
    if (range.kind == RangeKind::kInteger) text += ":int";
    if (range.scaling == Scaling::kLogarithmic) text += ":log";
    if (range.scaling == Scaling::kReverseLogarithmic) text += ":reverselog";
    json[range.name] = text;
  }
  return json.dump();
}

std::string parameter_ranges(const Space& space) {
  Json ranges = Json::object();
  for (const KindName& kind : kKindNames) {
    Json& list = ranges[kind.name] = Json::array();
    for (const Range& range : space) {
      if (range.kind != kind.kind) continue;
      if (kind.kind == RangeKind::kCategory) {
        list.push_back({{"Name", range.name}, {"Values", range.values}});
        continue;
      }
      const auto* const scaling = std::ranges::find(kScalingNames, range.scaling, &ScalingName::scaling);
      list.push_back({{"Name", range.name},
                      {"MinValue", fmt::to_string(range.low)},
                      {"MaxValue", fmt::to_string(range.high)},
                      {"ScalingType", scaling->name}});
    }
  }
  return ranges.dump();
}

}  // namespace coppice::tune
