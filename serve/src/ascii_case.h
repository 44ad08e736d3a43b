// Letters in either case, A to Z alone.
#pragma once

#include <algorithm>
#include <string_view>

namespace coppice::serve {

[[nodiscard]] constexpr char lower_case(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_in_any_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower_case, lower_case);
}

}  // namespace coppice::serve
