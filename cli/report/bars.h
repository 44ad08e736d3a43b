// Horizontal bars with their names and numbers beside them.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "report/plot.h"

namespace coppice::cli {

struct Bar {
  std::string name;
  double value = 0;
  std::string text;  ///< the number, as it is read
  std::string tooltip;
  Role role = Role::kAccent;
};

/// Bars from zero at the left, one below the other; no value is negative. Short names stand before the bars,
/// long ones above them; what is still too long is shortened, and whole in the tooltip.
[[nodiscard]] std::string bar_chart(std::string_view title, std::string_view description,
                                    std::span<const Bar> bars);

/// Dots on a line each, by a scale: of numbers that do not begin at zero.
[[nodiscard]] std::string dot_chart(std::string_view title, std::string_view description,
                                    std::span<const Bar> bars, const Scale& scale);

}  // namespace coppice::cli
