#include "feature_table.h"

#include <coppice/nearest_name.h>
#include <csv_cells.h>
#include <csv_number.h>
#include <csv_parser.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "ascii_case.h"

namespace coppice::serve {
namespace {

/// What numeric features take as missing in requests to any model: clients write it so.
bool is_nan_or_null(std::string_view text) noexcept {
  return equal_in_any_case(text, "nan") || equal_in_any_case(text, "null");
}

}  // namespace

FeatureTable::FeatureTable(Schema schema) : schema_(std::move(schema)), codes_(schema_.features.size()) {
  const bool number_may_be_missing =
      std::ranges::any_of(schema_.missing_tokens, [](const std::string& token) {
        float value = 0;
        return io::parse_number(io::trim(token), value) == io::NumberKind::kNumber;
      });
  for (std::size_t f = 0; f < size(); ++f) {
    const Feature& feature = schema_.features[f];
    index_of_.emplace(feature.name, f);
    for (const std::string& category : feature.categories) {
      codes_[f].emplace(category, static_cast<float>(codes_[f].size()));
    }
    plain_numbers_.push_back(!is_categorical(f) && !number_may_be_missing);
  }
}

std::optional<std::size_t> FeatureTable::find(std::string_view name) const {
  const auto found = index_of_.find(name);
  if (found == index_of_.end()) return std::nullopt;
  return found->second;
}

float FeatureTable::read(std::size_t f, std::string_view text, std::size_t row) const {
  const std::string_view trimmed = io::trim(text);
  if (is_missing(f, trimmed)) return std::numeric_limits<float>::quiet_NaN();
  if (!is_categorical(f)) return parse(f, trimmed, row);
  const auto found = codes_[f].find(text);
  return found != codes_[f].end() ? found->second : static_cast<float>(codes_[f].size());  // else *other*
}

float FeatureTable::read_number(std::size_t f, std::string_view text, std::size_t row) const {
  return plain_numbers_[f] ? parse(f, text, row) : read(f, text, row);
}

float FeatureTable::parse(std::size_t f, std::string_view text, std::size_t row) const {
  float value = 0;
  switch (io::parse_number(text, value)) {
    case io::NumberKind::kText:
      throw value_error(f, row, fmt::format("{} is not a number", io::shown(text)));
    case io::NumberKind::kInfinite:
      throw value_error(f, row, fmt::format("{}; leave it empty if it is missing", io::why_infinite(text)));
    case io::NumberKind::kNumber:
      break;
  }
  return value;
}

bool FeatureTable::is_missing(std::size_t f, std::string_view trimmed) const {
  return trimmed.empty() || (!is_categorical(f) && is_nan_or_null(trimmed)) ||
         std::ranges::find(schema_.missing_tokens, trimmed) != schema_.missing_tokens.end();
}

Error FeatureTable::value_error(std::size_t f, std::size_t row, std::string_view message) const {
  return {"serve.request.value", fmt::format("row {}, feature '{}': {}", row + 1, name(f), message)};
}

Error FeatureTable::absent_error(std::string_view where, std::size_t f, std::span<const std::string> names,
                                 std::string_view advice) const {
  const std::string nearest = nearest_name(name(f), names);
  return {"serve.request.columns",
          fmt::format("{}: the model's feature '{}' is absent{}{}", where, name(f),
                      nearest.empty() ? "" : fmt::format(" (there is '{}')", nearest), advice)};
}

}  // namespace coppice::serve
