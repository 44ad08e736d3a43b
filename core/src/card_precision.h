// How many of the cards that investigators see are compromised.
#pragma once

#include <coppice/evaluation_columns.h>

#include <span>

namespace coppice {

/// Metric `card_precision@k=n`, see evaluate(). Needs groups and days.
/// Cost: O(n), and O(log n) for each card that is investigated.
[[nodiscard]] double card_precision(std::span<const float> margins, const EvaluationColumns& columns,
                                    double count);

}  // namespace coppice
