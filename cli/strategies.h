// What the ways to split a table are called.
#pragma once

#include <coppice/dataset.h>
#include <coppice/objective.h>
#include <coppice/tune/split.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::cli {

/// `stratified`, `random`, `time`, `group`, `time-group`.
[[nodiscard]] std::vector<std::string> strategy_names();
/// Needs: one of strategy_names().
[[nodiscard]] tune::SplitStrategy strategy_of_name(std::string_view name);

/// The strategy of that name; of no name, the one of the columns that there are: time, group or time-group,
/// else stratified (random for numbers).
[[nodiscard]] tune::SplitStrategy choose_strategy(std::string_view name, const GivenColumns& given,
                                                  Objective objective);
/// Errors: cli.usage when the strategy of that name needs a column that was not named.
void check_strategy(std::string_view name, const GivenColumns& given);

/// The labels of binary:logistic, numbered in the order of their appearance as `coppice split` does; of other
/// objectives none.
[[nodiscard]] std::vector<std::uint32_t> classes_of(const Dataset& data, Objective objective);

}  // namespace coppice::cli
