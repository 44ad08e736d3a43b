// Every threshold that a table of scores allows: what ROC and precision-recall curves are drawn through.
#pragma once

#include <coppice/confusion.h>

#include <span>
#include <vector>

namespace coppice {

/// What calling rows positive from a prediction on would do.
struct OperatingPoint {
  float threshold = 0;
  Confusion confusion;
};

/// One point for each distinct prediction, by falling threshold: alerts grow from the first to the last,
/// where every row is called positive.
/// Shapes : predictions [n], never NaN. n < 2^32.
/// Cost   : as of a metric that ranks, and 56 bytes for each point.
[[nodiscard]] std::vector<OperatingPoint> operating_points(std::span<const float> predictions,
                                                           const EvaluationColumns& columns);

}  // namespace coppice
