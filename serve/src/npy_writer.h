// NumPy's array file (numpy.lib.format), for answers.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace coppice::serve {

/// Appends magic, version 1.0 and header; the values follow, row by row. `type`: `<f4` or `<i4`.
void begin_npy(std::string_view type, std::initializer_list<std::size_t> shape, std::string& out);

/// Appends a value of four bytes.
template <class Value>
void append_npy(Value value, std::string& out) {
  static_assert(sizeof(Value) == 4);
  auto bits = std::bit_cast<std::uint32_t>(value);
  for (int i = 0; i < 4; ++i, bits >>= 8) out += static_cast<char>(bits & 0xFF);
}

}  // namespace coppice::serve
