// The area under the ROC curve without ordering all rows.
#pragma once

#include <optional>
#include <span>

namespace coppice {

/// What ranking all rows would give, to the bit, for rows of weight 1 of which few are of one class: each row
/// of the other class is looked up among these. Nothing where that would not be faster, or where a class is
/// absent. Shapes: margins (never NaN), labels [n]. Cost: O(n log m) comparisons, m being the rows of the
/// rare class.
[[nodiscard]] std::optional<double> auc_by_rare_class(std::span<const float> margins,
                                                      std::span<const float> labels);

}  // namespace coppice
