// Content-Type and Accept.
#include <coppice/serve/answers.h>
#include <coppice/serve/rows.h>
#include <csv_cells.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "ascii_case.h"

namespace coppice::serve {
namespace {

/// The part before a separator, trimmed; it and the separator are cut off the text.
std::string_view next_part(std::string_view& text, char separator) noexcept {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return io::trim(part);
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

template <class Format>
struct NamedFormat {
  std::string_view name;
  Format format;
};

constexpr std::array kBodies{NamedFormat{"text/csv", BodyFormat::kCsv},
                             NamedFormat{"csv", BodyFormat::kCsv},
                             NamedFormat{"text/libsvm", BodyFormat::kLibsvm},
                             NamedFormat{"text/x-libsvm", BodyFormat::kLibsvm},
                             NamedFormat{"libsvm", BodyFormat::kLibsvm},
                             NamedFormat{"application/json", BodyFormat::kJson},
                             NamedFormat{"application/jsonlines", BodyFormat::kJsonLines},
                             NamedFormat{"application/x-jsonlines", BodyFormat::kJsonLines},
                             NamedFormat{"application/jsonl", BodyFormat::kJsonLines},
                             NamedFormat{"application/x-ndjson", BodyFormat::kJsonLines},
                             NamedFormat{"application/x-npy", BodyFormat::kNpy}};

constexpr std::array kAnswers{NamedFormat{"text/csv", AnswerFormat::kCsv},
                              NamedFormat{"application/json", AnswerFormat::kJson},
                              NamedFormat{"application/jsonlines", AnswerFormat::kJsonLines},
                              NamedFormat{"application/x-jsonlines", AnswerFormat::kJsonLines},
                              NamedFormat{"application/jsonl", AnswerFormat::kJsonLines},
                              NamedFormat{"application/x-ndjson", AnswerFormat::kJsonLines},
                              NamedFormat{"application/x-npy", AnswerFormat::kNpy}};

/// The format of one media range of an Accept header.
std::optional<AnswerFormat> format_of_range(std::string_view range, AnswerFormat fallback) noexcept {
  if (range == "*/*" || range == "*") return fallback;
  const bool is_group = range.ends_with("/*");
  const std::string_view group = range.substr(0, range.size() - (is_group ? 1 : 0));
  const auto matches = [&](const auto& known) {
    return is_group ? equal_in_any_case(known.name.substr(0, group.size()), group)
                    : equal_in_any_case(known.name, range);
  };
  const auto found = std::ranges::find_if(kAnswers, matches);
  if (found == kAnswers.end()) return std::nullopt;
  return found->format;
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
  const auto found =
      std::ranges::find_if(kBodies, [&](const auto& known) { return equal_in_any_case(known.name, name); });
  if (found == kBodies.end()) return std::nullopt;
  BodyType type{found->format};
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
