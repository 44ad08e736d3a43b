#include "npy_writer.h"

#include <fmt/format.h>

namespace coppice::serve {

void begin_npy(std::string_view type, std::initializer_list<std::size_t> shape, std::string& out) {
  constexpr std::size_t kAlignment = 64;  // of the values, as NumPy writes them
  constexpr std::string_view kPrefix("\x93NUMPY\x01\x00", 8);
  constexpr std::size_t kSizeBytes = 2;
  // A tuple of one has a comma, too.
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type,
                                   fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  const std::size_t unpadded = kPrefix.size() + kSizeBytes + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';
  out += kPrefix;
  out += static_cast<char>(header.size() & 0xFF);
  out += static_cast<char>(header.size() >> 8);
  out += header;
}

}  // namespace coppice::serve
