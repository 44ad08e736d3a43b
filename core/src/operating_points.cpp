#include <coppice/operating_points.h>

#include "ranking.h"

namespace coppice {

std::vector<OperatingPoint> operating_points(std::span<const float> predictions,
                                             const EvaluationColumns& columns) {
  std::vector<OperatingPoint> points;
  Ranking(predictions, columns).for_each_threshold([&](float score, const Confusion& confusion) {
    points.push_back({score, confusion});
  });
  return points;
}

}  // namespace coppice
