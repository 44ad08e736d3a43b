// The one exception type of Coppice.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace coppice {

/// Raised while loading, configuring and training; never by scoring.
/// `what()` reads `[id] message`, for instance
/// `[io.csv.field_count] train.csv:120: expected 31 fields, found 30`.
/// The id is stable across releases; the message tells a person what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(std::string_view id, std::string_view message)
      : std::runtime_error(std::string("[").append(id).append("] ").append(message)), id_(id) {}

  [[nodiscard]] const std::string& id() const noexcept { return id_; }

 private:
  std::string id_;
};

}  // namespace coppice
