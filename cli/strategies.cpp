#include "strategies.h"

#include <coppice/error.h>
#include <fmt/format.h>

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

tune::SplitStrategy choose_strategy(std::string_view name, const GivenColumns& given, Objective objective) {
  if (!name.empty()) return strategy_of_name(name);
  if (given.days) return given.groups ? tune::SplitStrategy::kTimeGroup : tune::SplitStrategy::kTime;
  if (given.groups) return tune::SplitStrategy::kGroup;
  return objective == Objective::kBinaryLogistic ? tune::SplitStrategy::kStratified
                                                 : tune::SplitStrategy::kRandom;
}

void check_strategy(std::string_view name, const GivenColumns& given) {
  if (name.empty()) return;
  const tune::SplitStrategy strategy = strategy_of_name(name);
  if (tune::uses_time(strategy) && !given.days) {
    throw Error("cli.usage", fmt::format("--strategy {} needs --time-column", name));
  }
  if (tune::uses_groups(strategy) && !given.groups) {
    throw Error("cli.usage", fmt::format("--strategy {} needs --group-column", name));
  }
}

std::vector<std::uint32_t> classes_of(const Dataset& data, Objective objective) {
  std::vector<std::uint32_t> classes;
  if (objective != Objective::kBinaryLogistic) return classes;
  classes.reserve(data.labels.size());
  for (const float label : data.labels) classes.push_back(label == data.labels[0] ? 0 : 1);
  return classes;
}

}  // namespace coppice::cli
