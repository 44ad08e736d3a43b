#include "csv_number.h"

#include <fast_float/fast_float.h>

#include <cmath>

namespace coppice::io {

NumberKind parse_number(std::string_view text, float& value) noexcept {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return NumberKind::kText;
  }
  float parsed = 0;
  const char* end = text.data() + text.size();
  const auto result = fast_float::from_chars(text.data(), end, parsed);
  if (result.ec != std::errc() || result.ptr != end || std::isnan(parsed)) return NumberKind::kText;
  if (std::isinf(parsed)) return NumberKind::kInfinite;
  value = parsed;
  return NumberKind::kNumber;
}

}  // namespace coppice::io
