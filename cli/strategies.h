// What the ways to split a table are called.
#pragma once

#include <coppice/tune/split.h>

#include <string>
#include <string_view>
#include <vector>

namespace coppice::cli {

/// `stratified`, `random`, `time`, `group`, `time-group`.
[[nodiscard]] std::vector<std::string> strategy_names();
/// Needs: one of strategy_names().
[[nodiscard]] tune::SplitStrategy strategy_of_name(std::string_view name);

}  // namespace coppice::cli
