#include "time_column.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

namespace coppice::cli {

std::string quoted_text(std::string_view text) {
  constexpr std::size_t kMaxShownBytes = 40;
  return nlohmann::json(text.substr(0, kMaxShownBytes))
      .dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

TimeReader::TimeReader(std::string column, PlaceOfRow place)
    : column_(std::move(column)), place_(std::move(place)) {}

double TimeReader::read(std::size_t row, std::string_view text) {
  const auto time = io::parse_time(text);
  if (!time) refuse(row, text, "is neither a number nor a date as 2026-11-24 or 2026-11-24 10:00:00");
  if (row == 0) scale_ = time->scale;
  if (time->scale != scale_) {
    refuse(row, text, scale_ == io::TimeScale::kDate ? "is a number among dates" : "is a date among numbers");
  }
  return time->value;
}

void TimeReader::refuse(std::size_t row, std::string_view text, std::string_view reason) const {
  throw Error("cli.split.time",
              fmt::format("{}: time column '{}': {} {}", place_(row), column_, quoted_text(text), reason));
}

double length_of(std::string_view option, const std::string& text, io::TimeScale scale) {
  const auto length = io::parse_time_length(text, scale);
  if (length) return *length;
  throw Error("cli.usage",
              fmt::format("{}: {} is no length of time; the time column holds {}", option, text,
                          scale == io::TimeScale::kDate ? "dates: write a number and s, m, h or d, such as 7d"
                                                        : "numbers: write a number from 0 on in their unit"));
}

}  // namespace coppice::cli
