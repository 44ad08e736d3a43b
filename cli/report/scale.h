// From numbers to places along an axis, with ticks that people count in.
#pragma once

#include <string>
#include <vector>

namespace coppice::cli {

/// How the numbers of an axis are written.
enum class Unit { kNumber, kPercent };

struct Tick {
  double value = 0;
  std::string text;
};

struct Scale {
  enum class Kind { kLinear, kLog, kLogit };
  Kind kind = Kind::kLinear;
  double low = 0, high = 1;  ///< low < high; log: above 0; logit: between 0 and 1
  std::vector<Tick> ticks;

  /// 0 at `low`, 1 at `high`; numbers beyond are put at the end.
  [[nodiscard]] double place(double value) const;
  /// The number at a place: inverse of `place`.
  [[nodiscard]] double value_at(double place) const;
};

/// Ticks are multiples of 1, 2, 2.5 or 5 times a power of ten, about `n_ticks` of them. With `widen` the
/// scale grows to the ticks around its ends. Equal or unordered ends are moved apart.
[[nodiscard]] Scale linear_scale(double low, double high, Unit unit, int n_ticks = 5, bool widen = false);
/// Ticks are powers of ten, seven at most; where there are less than three, 2 and 5 times these too.
[[nodiscard]] Scale log_scale(double low, double high, Unit unit);
/// Of probabilities, low and high ends told apart alike. Ticks: 0.5 and powers of ten from both ends.
[[nodiscard]] Scale logit_scale(double low, double high);

/// `12,500`, `-0.25`, `2.5M`: a number in as many digits as a figure's label has room for, at most `digits`
/// significant ones.
[[nodiscard]] std::string short_number(double value, int digits = 3);
/// `0.87 %`, `87 %`: at most `digits` significant digits, never rounded up to 100 %.
[[nodiscard]] std::string short_percent(double share, int digits = 3);
[[nodiscard]] std::string short_text(double value, Unit unit, int digits = 3);
/// With so many decimals, for columns that line up: `87.2 %`, `0.964`.
[[nodiscard]] std::string fixed_text(double value, Unit unit, int decimals);

}  // namespace coppice::cli
