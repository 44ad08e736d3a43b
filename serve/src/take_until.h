// Texts cut at separators.
#pragma once

#include <algorithm>
#include <string_view>

namespace coppice::serve {

/// Cuts the part before the first separator off the front of a text, and the separator; all of the text when
/// there is none. Returns the part.
inline std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return part;
}

}  // namespace coppice::serve
