#include "strategies.h"

#include <algorithm>
#include <array>

namespace coppice::cli {
namespace {

struct NamedStrategy {
  std::string_view name;
  tune::SplitStrategy strategy;
};

constexpr std::array<NamedStrategy, 5> kStrategies = {{{"stratified", tune::SplitStrategy::kStratified},
                                                       {"random", tune::SplitStrategy::kRandom},
                                                       {"time", tune::SplitStrategy::kTime},
                                                       {"group", tune::SplitStrategy::kGroup},
                                                       {"time-group", tune::SplitStrategy::kTimeGroup}}};

}  // namespace

std::vector<std::string> strategy_names() {
  std::vector<std::string> names;
  names.reserve(kStrategies.size());
  for (const NamedStrategy& strategy : kStrategies) names.emplace_back(strategy.name);
  return names;
}

tune::SplitStrategy strategy_of_name(std::string_view name) {
  return std::ranges::find(kStrategies, name, &NamedStrategy::name)->strategy;
}

}  // namespace coppice::cli
