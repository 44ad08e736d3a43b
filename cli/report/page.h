// The parts of a report's page: one HTML file, readable on a phone and on paper, that loads nothing.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::cli {

/// A whole page. `title` is text; `body` is HTML.
[[nodiscard]] std::string html_page(std::string_view title, std::string_view body);

/// A chapter: its heading (text), a line below it (text, or empty), and HTML.
[[nodiscard]] std::string section(std::string_view heading, std::string_view summary, std::string_view body);

/// Figures and tables side by side where the page is wide, one below the other on a phone.
[[nodiscard]] std::string grid(std::string_view cells);

enum class CellWidth { kOne, kTwo };

/// A cell of a grid: heading and caption (text), and the HTML of a figure or table.
[[nodiscard]] std::string cell(std::string_view heading, std::string_view caption, std::string_view body,
                               CellWidth width = CellWidth::kOne);

/// Folded away until a reader opens it.
[[nodiscard]] std::string folded(std::string_view summary, std::string_view body);

struct HtmlTable {
  std::vector<std::string> header;             ///< texts
  std::vector<std::vector<std::string>> rows;  ///< HTML, one for each column
  std::size_t n_left = 1;                      ///< columns aligned left, the first ones
  std::vector<std::size_t> minor;              ///< columns that a phone has no room for
  bool is_wide = false;                        ///< its lines stay whole: a phone moves it sideways
  std::size_t highlighted = static_cast<std::size_t>(-1);  ///< row that matters most
};
[[nodiscard]] std::string table_html(const HtmlTable& table);

/// One of the numbers at the top.
struct KeyNumber {
  std::string name, value, note;  ///< text; HTML; HTML
};
[[nodiscard]] std::string key_numbers(std::span<const KeyNumber> numbers);

}  // namespace coppice::cli
