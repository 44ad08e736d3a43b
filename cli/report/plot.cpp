#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report/html.h"

namespace coppice::cli {
namespace {

constexpr double kTop = 28, kTopWithoutTitle = 10;  // above the y axis
constexpr double kTicks = 24;                       // below the x axis
constexpr double kTitle = 18;
constexpr double kRugHeight = 14;
constexpr double kLineHeight = 15;

double widest_tick(const Scale& scale) {
  double width = 0;
  for (const Tick& tick : scale.ticks) width = std::max(width, text_width(tick.text));
  return width;
}

std::string tooltip_html(std::string_view tooltip) {
  return tooltip.empty() ? "" : fmt::format("<title>{}</title>", escape(tooltip));
}

std::string path(std::string_view classes, std::string_view d, std::string_view tooltip) {
  return fmt::format("<path class=\"mark {}\" d=\"{}\">{}</path>\n", classes, d, tooltip_html(tooltip));
}

/// The corners of columns, from the left bottom to the right bottom.
std::vector<Point> corners(std::span<const double> edges, std::span<const double> heights, double floor) {
  std::vector<Point> points = {{edges.front(), floor}};
  for (std::size_t i = 0; i < heights.size(); ++i) {
    const double height = std::max(heights[i], floor);
    points.push_back({edges[i], height});
    points.push_back({edges[i + 1], height});
  }
  points.push_back({edges.back(), floor});
  return points;
}

}  // namespace

double text_width(std::string_view text) {
  // Of Helvetica at 12 units, which the fonts of most systems are close to.
  static constexpr std::string_view kNarrow = "fijlrtI.,:;'|!()[] ", kWide = "mwMW%@";
  double width = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80U) continue;  // of a character that was counted
    const bool is_capital = c >= 'A' && c <= 'Z';
    width += kNarrow.find(c) != std::string_view::npos ? 3.7
             : kWide.find(c) != std::string_view::npos ? 10
             : is_capital                              ? 8.3
                                                       : 6.7;
  }
  return width;
}

std::string fit_text(std::string_view text, double width) {
  std::string fitted(text);
  for (std::size_t length = count_characters(text); text_width(fitted) > width && length > 1;) {
    fitted = shorten(text, --length);
  }
  return fitted;
}

std::string_view role_class(Role role) {
  switch (role) {
    case Role::kAccent:
      return "accent";
    case Role::kMuted:
      return "muted";
    default:
      return "faint";
  }
}

std::string svg_image(double height, std::string_view title, std::string_view description,
                      std::string_view body) {
  return fmt::format(
      "<svg class=\"figure\" viewBox=\"0 0 {} {:g}\" role=\"img\" aria-label=\"{}\">\n"
      "<desc>{}</desc>\n{}</svg>\n",
      kFigureWidth, height, escape(title), escape(description), body);
}

Plot::Plot(PlotFrame frame)
    : frame_(std::move(frame)),
      left_(widest_tick(frame_.y.scale) + 10),
      right_(kFigureWidth - frame_.right_margin),
      top_(frame_.y.title.empty() ? kTopWithoutTitle : kTop),
      bottom_(frame_.height - (frame_.x.title.empty() ? kTicks : kTicks + kTitle)) {}

double Plot::x_of(double value) const { return left_ + frame_.x.scale.place(value) * (right_ - left_); }

double Plot::y_of(double value) const { return bottom_ - frame_.y.scale.place(value) * (bottom_ - top_); }

std::string Plot::path_through(std::span<const Point> points) const {
  std::string d;
  double last_x = -1, last_y = -1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = x_of(points[i].x), y = y_of(points[i].y);
    const bool is_end = i == 0 || i + 1 == points.size();
    if (!is_end && std::hypot(x - last_x, y - last_y) < 0.5) continue;
    d += fmt::format("{}{:.1f} {:.1f}", i == 0 ? "M" : "L", x, y);
    last_x = x;
    last_y = y;
  }
  return d;
}

void Plot::line(std::span<const Point> points, Role role, std::string_view tooltip) {
  marks_ += path(fmt::format("line {}", role_class(role)), path_through(points), tooltip);
}

void Plot::dashes(std::span<const Point> points, std::string_view tooltip) {
  marks_ += path("line dashed faint", path_through(points), tooltip);
}

void Plot::columns(std::span<const double> edges, std::span<const double> heights, Role role,
                   std::string_view tooltip) {
  const std::vector<Point> points = corners(edges, heights, frame_.y.scale.low);
  marks_ += path(fmt::format("area {}", role_class(role)), path_through(points) + "Z", tooltip);
}

void Plot::band(std::span<const Point> low, std::span<const Point> high, std::string_view tooltip) {
  std::vector<Point> around(high.begin(), high.end());
  around.insert(around.end(), low.rbegin(), low.rend());
  marks_ += path("area faint", path_through(around) + "Z", tooltip);
}

void Plot::dot(Point point, Role role, std::string_view tooltip) {
  marks_ += fmt::format("<circle class=\"mark dot {}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\">{}</circle>\n",
                        role_class(role), x_of(point.x), y_of(point.y), tooltip_html(tooltip));
}

void Plot::cloud(std::span<const Point> points, Role role, std::string_view tooltip) {
  std::string d;
  for (const Point& point : points) d += fmt::format("M{:.1f} {:.1f}h0", x_of(point.x), y_of(point.y));
  marks_ += path(fmt::format("cloud {}", role_class(role)), d, tooltip);
}

void Plot::interval(double x, double low, double high, Role role) {
  marks_ += path(fmt::format("line thin {}", role_class(role)),
                 fmt::format("M{0:.1f} {1:.1f}L{0:.1f} {2:.1f}", x_of(x), y_of(low), y_of(high)), "");
}

void Plot::vertical(double x, std::string_view text) {
  const double place = x_of(x);
  marks_ += fmt::format("<path class=\"rule\" d=\"M{0:.1f} {1:.1f}V{2:.1f}\"/>\n", place, bottom_, top_);
  const bool has_room = place + text_width(text) + 6 < kFigureWidth;
  this->text(place + (has_room ? 5 : -5), top_ + 9, text, has_room ? "start" : "end", Role::kMuted);
}

void Plot::hover(Point point, std::string_view tooltip) {
  marks_ += fmt::format("<circle class=\"hover\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"7\">{}</circle>\n",
                        x_of(point.x), y_of(point.y), tooltip_html(tooltip));
}

void Plot::text(double x, double y, std::string_view text, std::string_view anchor, Role role) {
  labels_ += fmt::format("<text class=\"label {}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                         role_class(role), x, y, anchor, escape(text));
}

void Plot::label(Point point, std::string_view text, Role role, Side side) {
  const double x = x_of(point.x), y = y_of(point.y);
  const double width = text_width(text) * (role == Role::kAccent ? 1.12 : 1);  // which is bold
  const bool is_above = side == Side::kAbove || side == Side::kAboveRight;
  const bool is_beside = side == Side::kLeft || side == Side::kRight;
  const double baseline = is_beside ? y + 4 : is_above ? y - 9 : y + 18;
  if (side == Side::kAbove || side == Side::kBelow) {
    this->text(std::clamp(x, left_ + width / 2, kFigureWidth - width / 2), baseline, text, "middle", role);
    return;
  }
  const bool wants_left = side == Side::kLeft || side == Side::kBelowLeft;
  const bool is_left = wants_left ? x - 8 - width >= left_ : x + 8 + width > kFigureWidth;
  this->text(is_left ? x - 8 : x + 8, baseline, text, is_left ? "end" : "start", role);
}

void Plot::label_ends(std::vector<EndLabel> labels) {
  std::ranges::sort(labels, {}, [&](const EndLabel& label) { return y_of(label.y); });
  double lowest = top_ - kLineHeight;
  std::vector<double> places;
  for (const EndLabel& label : labels) {
    lowest = std::max(y_of(label.y) + 4, lowest + kLineHeight);
    places.push_back(lowest);
  }
  double limit = bottom_ + kLineHeight;
  for (std::size_t i = labels.size(); i-- > 0;) {
    places[i] = std::min(places[i], limit - kLineHeight);
    limit = places[i];
    text(right_ + 5, places[i], labels[i].text, "start", labels[i].role);
  }
}

void Plot::rug(std::span<const double> edges, std::span<const double> heights) {
  std::string d;
  for (std::size_t i = 0; i < heights.size(); ++i) {
    if (!(heights[i] > 0)) continue;
    d += fmt::format("M{:.1f} {:.1f}H{:.1f}v{:.1f}H{:.1f}Z", x_of(edges[i]), bottom_, x_of(edges[i + 1]),
                     -heights[i] * kRugHeight, x_of(edges[i]));
  }
  marks_ = path("rug", d, "how many rows there are") + marks_;
}

std::string Plot::axes() const {
  std::string svg;
  for (const Tick& tick : frame_.y.scale.ticks) {
    const double y = y_of(tick.value);
    svg += fmt::format("<path class=\"gridline\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>", left_, y, right_);
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                       left_ - 6, y + 4, escape(tick.text));
  }
  svg += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}H{:.1f}\"/>\n", left_, bottom_, right_);
  double taken = -1;
  for (const Tick& tick : frame_.x.scale.ticks) {
    const double x = x_of(tick.value), half = text_width(tick.text) / 2;
    const double middle = std::clamp(x, half, kFigureWidth - half);
    if (middle - half < taken) continue;
    taken = middle + half + 6;
    svg += fmt::format("<path class=\"axis\" d=\"M{:.1f} {:.1f}v4\"/>", x, bottom_);
    svg += fmt::format("<text class=\"tick\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n",
                       middle, bottom_ + 17, escape(tick.text));
  }
  svg += fmt::format("<text class=\"title\" x=\"0\" y=\"12\">{}</text>\n", escape(frame_.y.title));
  svg += fmt::format("<text class=\"title\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{}</text>\n",
                     right_, frame_.height - 6, escape(frame_.x.title));
  return svg;
}

std::string Plot::svg() const {
  return svg_image(frame_.height, frame_.title, frame_.description, axes() + marks_ + labels_);
}

}  // namespace coppice::cli
