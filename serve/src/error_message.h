// The part of an error's text that is for people.
#pragma once

#include <coppice/error.h>

#include <string_view>

namespace coppice::serve {

/// `what()` without `[id] `. Lives as long as the error.
[[nodiscard]] inline std::string_view message_of(const Error& error) noexcept {
  std::string_view message = error.what();
  message.remove_prefix(error.id().size() + 3);
  return message;
}

}  // namespace coppice::serve
