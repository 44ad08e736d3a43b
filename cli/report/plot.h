// Figures in two dimensions, as SVG that needs no script and takes its colours from the page's style.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "report/scale.h"

namespace coppice::cli {

/// What a mark stands for; the style has a colour for each, light and dark.
enum class Role {
  kAccent,  ///< what the figure is about; one thing in a figure
  kMuted,   ///< what it is compared with
  kFaint,   ///< what would be there anyway: chance, a diagonal
};

struct Point {
  double x = 0, y = 0;
};

struct Axis {
  std::string title;  ///< what is counted, and in what
  Scale scale;
};

struct PlotFrame {
  std::string title;        ///< for those who hear the page
  std::string description;  ///< what is seen in it
  Axis x, y;
  double height = 250;
  double right_margin = 14;  ///< more where lines carry their names at their ends
};

/// Where a label stands, seen from its point.
enum class Side { kRight, kLeft, kAbove, kBelow, kBelowLeft, kBelowRight, kAboveRight };

/// A figure that grows mark by mark, the later above the earlier. Numbers are in data units; those beyond the
/// axes are drawn at their ends. Texts are escaped here.
class Plot {
 public:
  explicit Plot(PlotFrame frame);

  /// A line through points; those closer than half a pixel to the last one drawn are left out.
  void line(std::span<const Point> points, Role role, std::string_view tooltip);
  /// The same, dashed: a reference.
  void dashes(std::span<const Point> points, std::string_view tooltip);
  /// Columns side by side down to the x axis: column i reaches from edges[i] to edges[i + 1].
  void columns(std::span<const double> edges, std::span<const double> heights, Role role,
               std::string_view tooltip);
  /// What lies between two lines over the same x.
  void band(std::span<const Point> low, std::span<const Point> high, std::string_view tooltip);
  void dot(Point point, Role role, std::string_view tooltip);
  /// Dots too many to be told one by one.
  void cloud(std::span<const Point> points, Role role, std::string_view tooltip);
  /// A vertical line from one number to another: an interval.
  void interval(double x, double low, double high, Role role);
  /// A thin line from the bottom to the top.
  void vertical(double x, std::string_view text);
  /// An unseen dot that tells its numbers to a pointer.
  void hover(Point point, std::string_view tooltip);
  /// Direct label of a point.
  void label(Point point, std::string_view text, Role role, Side side);
  struct EndLabel {
    double y = 0;
    std::string text;
    Role role = Role::kMuted;
  };
  /// Names of lines at the right edge, moved apart where they would touch.
  void label_ends(std::vector<EndLabel> labels);
  /// How many rows there are along the x axis, as a strip below it: heights from 0 to 1.
  void rug(std::span<const double> edges, std::span<const double> heights);

  [[nodiscard]] std::string svg() const;

 private:
  [[nodiscard]] double x_of(double value) const;
  [[nodiscard]] double y_of(double value) const;
  [[nodiscard]] std::string path_through(std::span<const Point> points) const;
  [[nodiscard]] std::string axes() const;
  void text(double x, double y, std::string_view text, std::string_view anchor, Role role);

  PlotFrame frame_;
  double left_, right_, top_, bottom_;
  std::string marks_, labels_;
};

/// Width of every figure in its own units, which are pixels on a phone and in a column of a wide screen.
inline constexpr double kFigureWidth = 360;

/// Width of a text in a figure, within a tenth or so: the font is the reader's.
[[nodiscard]] double text_width(std::string_view text);

/// The text, or as much of it as fits a width, with an ellipsis.
[[nodiscard]] std::string fit_text(std::string_view text, double width);

/// The frame of an image: title and description for those who hear the page, `body` as it is.
[[nodiscard]] std::string svg_image(double height, std::string_view title, std::string_view description,
                                    std::string_view body);

/// The class of a role in the style.
[[nodiscard]] std::string_view role_class(Role role);

}  // namespace coppice::cli
