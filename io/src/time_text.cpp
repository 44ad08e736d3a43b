#include <coppice/io/time_text.h>

#include <charconv>
#include <chrono>
#include <cmath>

namespace coppice::io {
namespace {

std::optional<double> parse_finite(std::string_view text) noexcept {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// The digits of a field of fixed width at the front of `text`, which loses them; -1 when there are others.
int take_digits(std::string_view& text, std::size_t width) noexcept {
  if (text.size() < width) return -1;
  int value = 0;
  for (const char digit : text.substr(0, width)) {
    if (digit < '0' || digit > '9') return -1;
    value = value * 10 + (digit - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take(std::string_view& text, std::string_view one_of) noexcept {
  if (text.empty() || one_of.find(text.front()) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::sys_days> take_date(std::string_view& text) noexcept {
  const int year = take_digits(text, 4);
  if (year < 1 || !take(text, "-")) return std::nullopt;
  const int month = take_digits(text, 2);
  if (month < 1 || !take(text, "-")) return std::nullopt;
  const int day = take_digits(text, 2);
  if (day < 1) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date);
}

/// Seconds since midnight.
std::optional<int> take_clock(std::string_view& text) noexcept {
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ":")) return std::nullopt;
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ":")) return std::nullopt;
  const int second = take_digits(text, 2);
  if (second < 0 || second > 59) return std::nullopt;
  return (hour * 60 + minute) * 60 + second;
}

}  // namespace

std::optional<TimeValue> parse_time(std::string_view text) noexcept {
  if (const auto number = parse_finite(text)) return TimeValue{TimeScale::kNumber, *number};
  const auto date = take_date(text);
  if (!date) return std::nullopt;
  auto seconds = static_cast<double>(std::chrono::sys_seconds(*date).time_since_epoch().count());
  if (!text.empty()) {
    const auto clock = take(text, " T") ? take_clock(text) : std::nullopt;
    if (!clock || !text.empty()) return std::nullopt;
    seconds += *clock;
  }
  return TimeValue{TimeScale::kDate, seconds};
}

std::optional<double> parse_time_length(std::string_view text, TimeScale scale) noexcept {
  double unit = 1;
  if (scale == TimeScale::kDate && text != "0") {
    switch (text.empty() ? ' ' : text.back()) {
      case 's':
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      default:
        return std::nullopt;
    }
    text.remove_suffix(1);
  }
  const auto number = parse_finite(text);
  if (!number || !(*number >= 0) || !std::isfinite(*number * unit)) return std::nullopt;
  return *number * unit;
}

}  // namespace coppice::io
