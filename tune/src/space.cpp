#include <coppice/detail/hash.h>
#include <coppice/detail/math.h>
#include <coppice/error.h>
#include <coppice/parameters.h>
#include <coppice/tune/space.h>
#include <coppice/tune/split.h>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace coppice::tune {
namespace {

/// What trials cannot differ in: then their scores would not compare, or nothing would change.
constexpr std::array<std::string_view, 6> kNotTuned = {"objective", "eval_metric", "early_stopping_metric",
                                                       "cost_fp",   "cost_fn",     "cost_review"};

void check_name(const Range& range) {
  Parameters scratch;
  [[maybe_unused]] const std::string known = get_parameter(scratch, range.name);  // or an error
  const auto table = parameter_table();
  const auto info = std::ranges::find(table, parameter_name(range.name), &ParameterInfo::name);
  const bool is_tuned =
      info != table.end() && info->in_model && std::ranges::find(kNotTuned, info->name) == kNotTuned.end();
  if (!is_tuned) throw Error("tune.space", fmt::format("{} is no parameter to tune", range.name));
}

void check_ends(const Range& range) {
  const auto refuse = [&](const std::string& why) {
    throw Error("tune.range", fmt::format("{}: {}", range.name, why));
  };
  if (!(range.low < range.high)) {
    refuse(fmt::format("low end {} is not below high end {}", range.low, range.high));
  }
  const bool is_integer = range.kind == RangeKind::kInteger;
  if (is_integer && (std::floor(range.low) != range.low || std::floor(range.high) != range.high)) {
    refuse(fmt::format("{} and {} must be whole numbers", range.low, range.high));
  }
  if (range.scaling == Scaling::kLogarithmic && !(range.low > 0)) {
    refuse(fmt::format("log needs a low end above 0, not {}", range.low));
  }
  if (range.scaling == Scaling::kReverseLogarithmic && (is_integer || range.low < 0 || range.high >= 1)) {
    refuse(fmt::format("reverselog is for numbers from 0 to below 1, not {}:{}{}", range.low, range.high,
                       is_integer ? ":int" : ""));
  }
}

void check_values(const Range& range) {
  Parameters scratch;
  if (range.kind != RangeKind::kCategory) {
    check_ends(range);
    for (const double end : {range.low, range.high}) set_parameter(scratch, range.name, fmt::to_string(end));
    return;
  }
  if (range.values.empty()) throw Error("tune.range", fmt::format("{}: there are no values", range.name));
  for (const std::string& value : range.values) {
    if (std::ranges::count(range.values, value) > 1) {
      throw Error("tune.range", fmt::format("{}: {} is named twice", range.name, value));
    }
    set_parameter(scratch, range.name, value);
  }
}

// ---------------------------------------------------------------------------------------------------------
// Between a range and [0, 1], on which its values are evenly spread.

double to_scale(Scaling scaling, double x) {
  if (scaling == Scaling::kLogarithmic) return detail::log_double(x);
  if (scaling == Scaling::kReverseLogarithmic) return -detail::log_double(1 - x);
  return x;
}

double from_scale(Scaling scaling, double x) {
  if (scaling == Scaling::kLogarithmic) return detail::exp_double(x);
  if (scaling == Scaling::kReverseLogarithmic) return 1 - detail::exp_double(-x);
  return x;
}

/// The number at `place`, from 0 to 1, between two ends.
double at(Scaling scaling, double low, double high, double place) {
  const double begin = to_scale(scaling, low), end = to_scale(scaling, high);
  return from_scale(scaling, begin + place * (end - begin));
}

double rounded(double x) {
  const std::string text = fmt::format("{:.6g}", x);
  double value = x;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string number_text(const Range& range, double x) {
  const double whole = range.kind == RangeKind::kInteger ? std::round(x) : rounded(x);
  return fmt::to_string(std::clamp(whole, range.low, range.high));
}

/// place in [0, 1). An integer stands for the numbers half way to its neighbours.
std::string random_value(const Range& range, double place) {
  if (range.kind == RangeKind::kCategory) {
    return range.values[static_cast<std::size_t>(place * static_cast<double>(range.values.size()))];
  }
  const double half = range.kind == RangeKind::kInteger ? 0.5 : 0;
  return number_text(range, at(range.scaling, range.low - half, range.high + half, place));
}

std::vector<std::string> grid_values(const Range& range, int steps) {
  if (range.kind == RangeKind::kCategory) return range.values;
  std::vector<std::string> values;
  const bool takes_all = range.kind == RangeKind::kInteger && range.high - range.low < steps;
  const int n = takes_all ? static_cast<int>(range.high - range.low) + 1 : steps;
  const Scaling scaling = takes_all ? Scaling::kLinear : range.scaling;
  for (int i = 0; i < n; ++i) {
    std::string value =
        number_text(range, at(scaling, range.low, range.high, static_cast<double>(i) / (n - 1)));
    if (values.empty() || value != values.back()) values.push_back(std::move(value));
  }
  return values;
}

}  // namespace

std::string_view parameter_name(std::string_view name) {
  for (const ParameterInfo& info : parameter_table()) {
    if (info.name == name || std::ranges::find(info.aliases, name) != info.aliases.end()) return info.name;
  }
  return name;
}

bool varies(const Space& space, std::string_view parameter) {
  return std::ranges::any_of(space,
                             [&](const Range& range) { return parameter_name(range.name) == parameter; });
}

void check_space(const Space& space) {
  if (space.empty()) throw Error("tune.space", "there is no range: nothing to tune");
  std::vector<std::string_view> names;
  for (const Range& range : space) {
    check_name(range);
    check_values(range);
    const std::string_view name = parameter_name(range.name);
    if (std::ranges::find(names, name) != names.end()) {
      throw Error("tune.space", fmt::format("there are two ranges of {}", name));
    }
    names.push_back(name);
  }
}

std::vector<Assignment> random_point(const Space& space, std::uint64_t seed, int trial) {
  constexpr double kUnit = 0x1p-53;
  std::vector<Assignment> point;
  for (const Range& range : space) {
    const std::uint64_t name = group_key(parameter_name(range.name));
    const std::uint64_t draw = detail::mix64(
        detail::draw_key(seed, detail::Purpose::kTrial, static_cast<std::uint32_t>(trial)) ^ name);
    point.push_back({range.name, random_value(range, static_cast<double>(draw >> 11) * kUnit)});
  }
  return point;
}

int grid_size(const Space& space, int steps) {
  std::size_t size = 1;
  for (const Range& range : space) {
    size *= grid_values(range, steps).size();
    if (size > static_cast<std::size_t>(std::numeric_limits<int>::max())) {
      throw Error("tune.space", "the grid has more than 2^31 - 1 points");
    }
  }
  return static_cast<int>(size);
}

std::vector<Assignment> grid_point(const Space& space, int steps, int index) {
  std::vector<Assignment> point(space.size());
  auto rest = static_cast<std::size_t>(index);
  for (std::size_t r = space.size(); r-- > 0;) {
    const std::vector<std::string> values = grid_values(space[r], steps);
    point[r] = {space[r].name, values[rest % values.size()]};
    rest /= values.size();
  }
  return point;
}

}  // namespace coppice::tune
