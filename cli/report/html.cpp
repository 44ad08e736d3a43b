#include "report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace coppice::cli {
namespace {

bool begins_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }

}  // namespace

std::string escape(std::string_view text) {
  std::string escaped;
  escaped.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
    }
  }
  return escaped;
}

std::size_t count_characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string shorten(std::string_view text, std::size_t length) {
  if (count_characters(text) <= length) return std::string(text);
  std::size_t end = 0;
  for (std::size_t characters = 0; end < text.size(); ++end) {
    if (begins_character(text[end]) && ++characters == length) break;
  }
  return std::string(text.substr(0, end)) + "…";
}

std::string number_html(double value, std::string_view shown) {
  if (std::isnan(value)) return "<span title=\"not defined here\">–</span>";
  return fmt::format("<data value=\"{}\">{}</data>", value, escape(shown));
}

}  // namespace coppice::cli
