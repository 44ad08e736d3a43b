#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/html.h"
#include "report/style.h"

namespace coppice::cli {

std::string html_page(std::string_view title, std::string_view body) {
  // The policy forbids scripts and loading, whatever a name out of a file tries.
  return fmt::format(
      "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
      "'unsafe-inline'\">\n"
      "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
      escape(title), kStyle, body);
}

std::string section(std::string_view heading, std::string_view summary, std::string_view body) {
  const std::string line = summary.empty() ? "" : fmt::format("<p>{}</p>\n", escape(summary));
  return fmt::format("<section>\n<h2>{}</h2>\n{}{}</section>\n", escape(heading), line, body);
}

std::string grid(std::string_view cells) { return fmt::format("<div class=\"grid\">\n{}</div>\n", cells); }

std::string cell(std::string_view heading, std::string_view caption, std::string_view body, CellWidth width) {
  const std::string line = caption.empty() ? "" : fmt::format("<p>{}</p>\n", escape(caption));
  return fmt::format("<div class=\"cell{}\">\n<h3>{}</h3>\n{}<div class=\"body\">\n{}</div>\n</div>\n",
                     width == CellWidth::kTwo ? " two" : "", escape(heading), line, body);
}

std::string folded(std::string_view summary, std::string_view body) {
  return fmt::format("<details>\n<summary>{}</summary>\n{}</details>\n", escape(summary), body);
}

std::string table_html(const HtmlTable& table) {
  const auto attribute = [&](std::size_t column) {
    const bool is_minor = std::ranges::find(table.minor, column) != table.minor.end();
    return column < table.n_left ? " class=\"left\"" : is_minor ? " class=\"minor\"" : "";
  };
  std::string html = fmt::format("<div class=\"scroll{}\"><table>\n", table.is_wide ? " wide" : "");
  if (!table.header.empty()) {
    html += "<thead><tr>";
    for (std::size_t c = 0; c < table.header.size(); ++c) {
      html += fmt::format("<th{}>{}</th>", attribute(c), escape(table.header[c]));
    }
    html += "</tr></thead>\n";
  }
  html += "<tbody>\n";
  for (std::size_t r = 0; r < table.rows.size(); ++r) {
    html += r == table.highlighted ? "<tr class=\"highlighted\">" : "<tr>";
    for (std::size_t c = 0; c < table.rows[r].size(); ++c) {
      html += fmt::format("<td{}>{}</td>", attribute(c), table.rows[r][c]);
    }
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table></div>\n";
}

std::string key_numbers(std::span<const KeyNumber> numbers) {
  std::string html = "<dl class=\"numbers\">\n";
  for (const KeyNumber& number : numbers) {
    html += fmt::format("<div><dt>{}</dt><dd>{}</dd><dd>{}</dd></div>\n", escape(number.name), number.value,
                        number.note);
  }
  return html + "</dl>\n";
}

}  // namespace coppice::cli
