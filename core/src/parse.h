// Text to numbers.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

namespace coppice {

/// Reads a whole text as a number; false, and no promise about `value`, for any other text.
template <class Value>
bool parse(std::string_view text, Value& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end;
}

}  // namespace coppice
