// Times and lengths of time as people write them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace coppice::io {

/// What a column of times is written in.
enum class TimeScale : std::uint8_t {
  kNumber,  ///< numbers in any unit
  kDate,    ///< ISO dates and date-times
};

struct TimeValue {
  TimeScale scale = TimeScale::kNumber;
  double value = 0;  ///< the number, rounded to a double, or seconds since 1970-01-01 00:00:00
};

/// Reads a whole text without spaces around: a finite decimal number, `2026-11-24`, or `2026-11-24 10:00:00`
/// with a space or a T between, years 0001 to 9999 of the Gregorian calendar. There are no time zones and no
/// fractions of seconds. Nothing for any other text, and for dates that do not exist.
[[nodiscard]] std::optional<TimeValue> parse_time(std::string_view text) noexcept;

/// Reads a length of time from 0 on: for kNumber a plain number, for kDate a number with one of s, m, h, d
/// (seconds, minutes, hours, days of 24 hours) behind it; the result is in the units of TimeValue. 0 needs no
/// letter. Nothing for any other text.
[[nodiscard]] std::optional<double> parse_time_length(std::string_view text, TimeScale scale) noexcept;

}  // namespace coppice::io
