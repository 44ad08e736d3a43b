// What a person may have meant, for error messages.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace coppice {

/// The candidate nearest to `word` by edit distance in lower case (the first of equals), or empty when none
/// is within a third of the word's length (1 at least): for error messages.
[[nodiscard]] std::string nearest_name(std::string_view word, std::span<const std::string> candidates);

}  // namespace coppice
