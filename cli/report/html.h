// Text for HTML: what comes out of files and models is escaped here and nowhere else.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace coppice::cli {

/// Text for HTML content and quoted attributes: `& < > " '` become references, control characters `?`.
[[nodiscard]] std::string escape(std::string_view text);

/// At most `length` characters of a UTF-8 text; a longer one ends in an ellipsis. Not escaped.
[[nodiscard]] std::string shorten(std::string_view text, std::size_t length);

/// Characters of a UTF-8 text.
[[nodiscard]] std::size_t count_characters(std::string_view text);

/// A number of the report: what is read, and in the attribute `value` all of its digits, by which it can be
/// compared with `evaluate --json`. `shown` is escaped; a dash stands for NaN.
[[nodiscard]] std::string number_html(double value, std::string_view shown);

}  // namespace coppice::cli
