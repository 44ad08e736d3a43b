// Content-Type and Accept.
#include <coppice/serve/answers.h>
#include <coppice/serve/rows.h>
#include <csv_cells.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

#include "ascii_case.h"
#include "take_until.h"

namespace coppice::serve {
namespace {

/// take_until, the part without blanks around it.
std::string_view next_part(std::string_view& text, char separator) noexcept {
  return io::trim(take_until(text, separator));
}

/// The value of a parameter `name=value`, without quotes; empty for another parameter.
std::string_view parameter_value(std::string_view parameter, std::string_view name) noexcept {
  const std::string_view key = next_part(parameter, '=');
  if (!equal_in_any_case(key, name)) return {};
  parameter = io::trim(parameter);
  if (parameter.size() >= 2 && parameter.front() == '"' && parameter.back() == '"') {
    parameter = parameter.substr(1, parameter.size() - 2);
  }
  return parameter;
}

struct MediaType {
  std::string_view name;
  BodyFormat body;
  std::optional<AnswerFormat> answer;  ///< nothing: no answer is of this type
};

constexpr std::array kMediaTypes{
    MediaType{"text/csv", BodyFormat::kCsv, AnswerFormat::kCsv},
    MediaType{"csv", BodyFormat::kCsv, std::nullopt},
    MediaType{"text/libsvm", BodyFormat::kLibsvm, std::nullopt},
    MediaType{"text/x-libsvm", BodyFormat::kLibsvm, std::nullopt},
    MediaType{"libsvm", BodyFormat::kLibsvm, std::nullopt},
    MediaType{"application/json", BodyFormat::kJson, AnswerFormat::kJson},
    MediaType{"application/jsonlines", BodyFormat::kJsonLines, AnswerFormat::kJsonLines},
    MediaType{"application/x-jsonlines", BodyFormat::kJsonLines, AnswerFormat::kJsonLines},
    MediaType{"application/jsonl", BodyFormat::kJsonLines, AnswerFormat::kJsonLines},
    MediaType{"application/x-ndjson", BodyFormat::kJsonLines, AnswerFormat::kJsonLines},
    MediaType{"application/x-npy", BodyFormat::kNpy, AnswerFormat::kNpy}};

/// The format of one media range of an Accept header.
std::optional<AnswerFormat> format_of_range(std::string_view range, AnswerFormat fallback) noexcept {
  if (range == "*/*" || range == "*") return fallback;
  const bool is_group = range.ends_with("/*");
  const std::string_view group = range.substr(0, range.size() - (is_group ? 1 : 0));
  const auto matches = [&](const MediaType& known) {
    return known.answer && (is_group ? equal_in_any_case(known.name.substr(0, group.size()), group)
                                     : equal_in_any_case(known.name, range));
  };
  const auto found = std::ranges::find_if(kMediaTypes, matches);
  return found == kMediaTypes.end() ? std::nullopt : found->answer;
}

/// The weight of a media range, 0 to 1; 1 when its parameters name none.
double weight_of(std::string_view parameters) noexcept {
  while (!parameters.empty()) {
    const std::string_view text = parameter_value(next_part(parameters, ';'), "q");
    double weight = 1;
    if (text.empty()) continue;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), weight);
    return failed == std::errc() && weight >= 0 && weight <= 1 ? weight : 0;
  }
  return 1;
}

}  // namespace

std::optional<BodyType> parse_body_type(std::string_view content_type) noexcept {
  const std::string_view name = next_part(content_type, ';');
  if (name.empty()) return BodyType{BodyFormat::kLibsvm};
  const auto found = std::ranges::find_if(
      kMediaTypes, [&](const MediaType& known) { return equal_in_any_case(known.name, name); });
  if (found == kMediaTypes.end()) return std::nullopt;
  BodyType type{found->body};
  while (!content_type.empty()) {
    const std::string_view value = parameter_value(next_part(content_type, ';'), "header");
    if (equal_in_any_case(value, "present")) type.header = CsvHeader::kPresent;
    if (equal_in_any_case(value, "absent")) type.header = CsvHeader::kAbsent;
  }
  return type;
}

std::optional<AnswerFormat> parse_accept(std::string_view accept, AnswerFormat fallback) noexcept {
  if (io::trim(accept).empty()) return fallback;
  std::optional<AnswerFormat> best;
  double best_weight = 0;
  while (!accept.empty()) {
    std::string_view parameters = next_part(accept, ',');
    const auto format = format_of_range(next_part(parameters, ';'), fallback);
    const double weight = weight_of(parameters);
    if (!format || weight <= best_weight) continue;
    best = format;
    best_weight = weight;
  }
  return best;
}

std::string_view content_type_of(AnswerFormat format) noexcept {
  switch (format) {
    case AnswerFormat::kJson:
      return "application/json";
    case AnswerFormat::kJsonLines:
      return "application/jsonlines";
    case AnswerFormat::kNpy:
      return "application/x-npy";
    default:
      return "text/csv; charset=utf-8";
  }
}

}  // namespace coppice::serve
