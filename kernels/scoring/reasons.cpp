#include <coppice/explainer.h>

#include <algorithm>
#include <cmath>

namespace coppice {

std::size_t find_reasons(std::span<const double> contributions, std::span<Reason> reasons) noexcept {
  const auto is_stronger = [](const Reason& a, const Reason& b) {
    return std::abs(a.contribution) > std::abs(b.contribution);
  };
  std::size_t n_reasons = 0;
  for (std::size_t f = 0; f + 1 < contributions.size(); ++f) {
    const Reason reason{.feature = f, .contribution = contributions[f]};
    if (reason.contribution == 0) continue;
    const auto end = reasons.begin() + static_cast<std::ptrdiff_t>(n_reasons);
    const auto place = std::upper_bound(reasons.begin(), end, reason, is_stronger);
    if (place == reasons.end()) continue;
    n_reasons = std::min(n_reasons + 1, reasons.size());
    const auto new_end = reasons.begin() + static_cast<std::ptrdiff_t>(n_reasons);
    std::copy_backward(place, new_end - 1, new_end);
    *place = reason;
  }
  return n_reasons;
}

}  // namespace coppice
