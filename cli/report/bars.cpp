#include "report/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/html.h"

namespace coppice::cli {
namespace {

constexpr std::size_t kNameBeside = 16;  // characters
constexpr double kThickness = 14;

std::string text_at(double x, double y, std::string_view anchor, std::string_view text) {
  return fmt::format("<text class=\"label muted\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", x,
                     y, anchor, escape(text));
}

/// Where the rows of a chart and their parts stand.
struct Layout {
  bool is_beside;  ///< names stand before the marks, not above them
  double left;     ///< of the marks
  double length;   ///< of the longest mark
  double pitch;    ///< from row to row

  explicit Layout(std::span<const Bar> bars) {
    std::size_t longest_name = 0;
    double name_room = 0, text_room = 0;
    for (const Bar& bar : bars) {
      longest_name = std::max(longest_name, count_characters(bar.name));
      name_room = std::max(name_room, text_width(bar.name) + 10);
      text_room = std::max(text_room, text_width(bar.text) + 12);
    }
    is_beside = longest_name <= kNameBeside;
    left = is_beside ? name_room : 0;
    length = kFigureWidth - left - text_room;
    pitch = is_beside ? 23 : 38;
  }
  /// Upper edge of a row's mark.
  [[nodiscard]] double top(std::size_t row) const {
    return 4 + pitch * static_cast<double>(row) + (is_beside ? 0 : 15);
  }
  [[nodiscard]] std::string name(const Bar& bar, double top) const {
    return is_beside ? text_at(left - 8, top + 11, "end", bar.name)
                     : text_at(0, top - 5, "start", fit_text(bar.name, kFigureWidth));
  }
};

}  // namespace

std::string bar_chart(std::string_view title, std::string_view description, std::span<const Bar> bars) {
  const Layout layout(bars);
  double largest = std::numeric_limits<double>::min();
  for (const Bar& bar : bars) largest = std::max(largest, bar.value);
  std::string body;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double top = layout.top(i), length = std::max(1.0, bar.value / largest * layout.length);
    body += layout.name(bar, top);
    body += fmt::format(
        "<path class=\"mark area {}\" d=\"M{:.1f} {:.1f}h{:.1f}v{:.1f}h{:.1f}Z\"><title>{}</title></path>",
        role_class(bar.role), layout.left, top, length, kThickness, -length, escape(bar.tooltip));
    body += text_at(layout.left + length + 6, top + 11, "start", bar.text) + '\n';
  }
  return svg_image(layout.top(bars.size()), title, description, body);
}

std::string dot_chart(std::string_view title, std::string_view description, std::span<const Bar> bars,
                      const Scale& scale) {
  const Layout layout(bars);
  std::string body;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const Bar& bar = bars[i];
    const double top = layout.top(i), middle = top + kThickness / 2;
    const double x = layout.left + 4 + scale.place(bar.value) * (layout.length - 8);
    body += layout.name(bar, top);
    body += fmt::format("<path class=\"gridline\" d=\"M{:.1f} {:.1f}h{:.1f}\"/>", layout.left, middle,
                        layout.length);
    body += fmt::format(
        "<circle class=\"mark dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"5\"><title>{}</title></circle>",
        role_class(bar.role), x, middle, escape(bar.tooltip));
    body += text_at(x + 9, top + 11, "start", bar.text) + '\n';
  }
  return svg_image(layout.top(bars.size()), title, description, body);
}

}  // namespace coppice::cli
