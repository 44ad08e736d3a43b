#include "report/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "text.h"

namespace coppice::cli {
namespace {

/// A sign that does not leave its number at the end of a line.
constexpr const char* kPercent = "\u00A0%";

double logit(double p) { return std::log(p / (1 - p)); }

double transform(Scale::Kind kind, double value) {
  switch (kind) {
    case Scale::Kind::kLog:
      return std::log(value);
    case Scale::Kind::kLogit:
      return logit(value);
    default:
      return value;
  }
}

/// The smallest of 1, 2, 2.5 and 5 times a power of ten that is at least `step`.
double nice_step(double step) {
  const double power = std::pow(10, std::floor(std::log10(step)));
  for (const double multiple : {1.0, 2.0, 2.5, 5.0}) {
    if (multiple * power >= step * (1 - 1e-9)) return multiple * power;
  }
  return 10 * power;
}

/// Digits after the point that multiples of a nice step have.
int decimals_of(double step) {
  for (int decimals = 0; decimals < 12; ++decimals) {
    const double scaled = step * std::pow(10, decimals);
    if (std::abs(scaled - std::round(scaled)) < 1e-6 * scaled) return decimals;
  }
  return 12;
}

/// With a true minus sign and separated thousands; a dash for NaN.
std::string with_decimals(double value, int decimals) {
  if (std::isnan(value)) return "–";
  if (std::isinf(value)) return value < 0 ? "−∞" : "∞";
  const std::string digits = fmt::format("{:.{}f}", std::abs(value), decimals);
  const std::size_t point = std::min(digits.find('.'), digits.size());
  const std::string whole =
      point <= 15 ? count_text(std::stoull(digits.substr(0, point))) : digits.substr(0, point);
  const bool is_zero = digits.find_first_not_of("0.") == std::string::npos;
  return (value < 0 && !is_zero ? "−" : "") + whole + digits.substr(point);
}

std::string tick_text(double value, double step, Unit unit) {
  const double shown = unit == Unit::kPercent ? 100 * value : value;
  const double shown_step = unit == Unit::kPercent ? 100 * step : step;
  if (unit == Unit::kPercent) return with_decimals(shown, decimals_of(shown_step)) + kPercent;
  if (std::abs(value) >= 1e6 && shown_step >= 1e4) {
    return with_decimals(shown / 1e6, decimals_of(shown_step / 1e6)) + "M";
  }
  return with_decimals(shown, decimals_of(shown_step));
}

/// Removes zeros that say nothing: `1.50` to `1.5`.
std::string trimmed(std::string text) {
  if (text.find('.') == std::string::npos) return text;
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

}  // namespace

double Scale::place(double value) const {
  const double inside = std::clamp(value, low, high);
  const double begin = transform(kind, low), end = transform(kind, high);
  return (transform(kind, inside) - begin) / (end - begin);
}

double Scale::value_at(double place) const {
  const double begin = transform(kind, low), end = transform(kind, high);
  const double value = begin + place * (end - begin);
  switch (kind) {
    case Kind::kLog:
      return std::exp(value);
    case Kind::kLogit:
      return 1 / (1 + std::exp(-value));
    default:
      return value;
  }
}

Scale linear_scale(double low, double high, Unit unit, int n_ticks, bool widen) {
  if (!(low < high)) {
    const double middle = std::isfinite(low) ? low : 0;
    const double room = middle == 0 ? 1 : 0.1 * std::abs(middle);
    low = middle - room;
    high = middle + room;
  }
  const double step = nice_step((high - low) / n_ticks);
  if (widen) {
    low = step * std::floor(low / step + 1e-9);
    high = step * std::ceil(high / step - 1e-9);
  }
  Scale scale{.kind = Scale::Kind::kLinear, .low = low, .high = high, .ticks = {}};
  for (double i = std::ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; ++i) {
    scale.ticks.push_back({i * step, tick_text(i * step, step, unit)});
  }
  return scale;
}

Scale log_scale(double low, double high, Unit unit) {
  if (!(low < high)) high = 10 * low;
  Scale scale{.kind = Scale::Kind::kLog, .low = low, .high = high, .ticks = {}};
  const int first = static_cast<int>(std::ceil(std::log10(low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(high) + 1e-9));
  const auto add = [&](double value) {
    if (value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9)) {
      scale.ticks.push_back({value, short_text(value, unit, 1)});
    }
  };
  const int every = std::max(1, (last - first + 6) / 6);
  const bool is_narrow = last - first < 2;
  for (int exponent = is_narrow ? first - 1 : first; exponent <= last; exponent += every) {
    const double power = std::pow(10, exponent);
    add(power);
    if (!is_narrow) continue;
    add(2 * power);
    add(5 * power);
  }
  return scale;
}

Scale logit_scale(double low, double high) {
  Scale scale{.kind = Scale::Kind::kLogit, .low = low, .high = high, .ticks = {}};
  static constexpr std::array<double, 13> kTicks = {1e-6, 1e-5, 1e-4,  1e-3,   0.01,    0.1,     0.5,
                                                    0.9,  0.99, 0.999, 0.9999, 0.99999, 0.999999};
  double last_place = -1;
  for (const double value : kTicks) {
    if (value < low || value > high) continue;
    const double place = scale.place(value);
    if (place - last_place < 0.17) continue;  // texts would touch
    last_place = place;
    scale.ticks.push_back({value, with_decimals(value, decimals_of(value))});
  }
  return scale;
}

std::string short_number(double value, int digits) {
  const double size = std::abs(value);
  if (size == 0 || !std::isfinite(value)) return with_decimals(value, 0);
  if (size >= 1e6) return trimmed(with_decimals(value / 1e6, size < 1e8 ? 1 : 0)) + "M";
  const int before_point = static_cast<int>(std::floor(std::log10(size))) + 1;
  return trimmed(with_decimals(value, std::clamp(digits - before_point, 0, 9)));
}

std::string short_percent(double share, int digits) {
  const double percent = 100 * share;
  std::string text = short_number(percent, digits);
  if (text == "100" && share < 1) text = short_number(percent, digits + 2);
  if (text == "100" && share < 1) text = "> 99.9";
  return text + kPercent;
}

std::string fixed_text(double value, Unit unit, int decimals) {
  return unit == Unit::kPercent ? with_decimals(100 * value, decimals) + kPercent
                                : with_decimals(value, decimals);
}

std::string short_text(double value, Unit unit, int digits) {
  return unit == Unit::kPercent ? short_percent(value, digits) : short_number(value, digits);
}

}  // namespace coppice::cli
