#include <coppice/operating_points.h>

#include "ranking.h"

namespace coppice {

std::vector<OperatingPoint> operating_points(std::span<const float> predictions,
                                             std::span<const float> labels, std::span<const float> weights) {
  std::vector<OperatingPoint> points;
  Ranking(predictions, labels, weights).for_each_threshold([&](float score, const Confusion& confusion) {
    points.push_back({score, confusion});
  });
  return points;
}

}  // namespace coppice
