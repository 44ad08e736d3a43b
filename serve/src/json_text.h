// JSON as text, for answers and the log.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace coppice::serve {

/// What is not UTF-8 (names and paths are any bytes) becomes U+FFFD: nothing is raised.
[[nodiscard]] inline std::string json_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace coppice::serve
