// Which parameters a study varies, and the values that its trials take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::tune {

enum class RangeKind : std::uint8_t { kNumber, kInteger, kCategory };

/// What values are evenly spread over. The words are those of Automatic Model Tuning's ScalingType.
enum class Scaling : std::uint8_t {
  kLinear,
  kLogarithmic,         ///< log x; needs low > 0
  kReverseLogarithmic,  ///< -log(1 - x), for numbers close to 1; needs 0 <= low and high < 1
};

/// The values that one parameter may take.
struct Range {
  std::string name;  ///< a training parameter, by any of its names: `eta`
  RangeKind kind = RangeKind::kNumber;
  Scaling scaling = Scaling::kLinear;
  double low = 0, high = 1;         ///< numbers and integers; both ends are possible
  std::vector<std::string> values;  ///< categories

  bool operator==(const Range&) const = default;
};
using Space = std::vector<Range>;

/// A parameter and its value, such that set_parameter takes them.
struct Assignment {
  std::string name;
  std::string value;
  bool operator==(const Assignment&) const = default;
};

/// Reads `eta=0:1`, `alpha=0.01:2:log`, `subsample=0.5:0.99:reverselog`, `max_depth=1:10:int`,
/// `max_cat_to_onehot=1:64:int:log` or `grow_policy=depthwise,lossguide`. A parameter that is an integer
/// needs no `int`. Errors: tune.range.
[[nodiscard]] Range range_from_text(std::string_view text);

/// Reads a space from JSON: `{"eta": "0:1:log", "max_depth": "1:10", "max_bin": [63, 255]}`, or the
/// ParameterRanges of Automatic Model Tuning, `{"ContinuousParameterRanges": [{"Name": "eta", "MinValue":
/// "0", "MaxValue": "1", "ScalingType": "Auto"}], "IntegerParameterRanges": [], "CategoricalParameterRanges":
/// []}`, where Auto means Linear. `place` stands in error messages. Errors: tune.space, tune.range.
[[nodiscard]] Space space_from_json(std::string_view json, const std::string& place);

/// The space in the first form, in its order.
[[nodiscard]] std::string space_to_json(const Space& space);
/// The space as ParameterRanges.
[[nodiscard]] std::string parameter_ranges(const Space& space);

/// Checks that every range is of a parameter that trials can differ in, named once, with ends (or categories)
/// that the parameter takes, and with the scaling that its numbers allow.
/// Errors: tune.space, tune.range, core.parameter.unknown, core.parameter.value.
void check_space(const Space& space);

/// The main name of a parameter: `learning_rate` for `eta`; the name itself when there is no such parameter.
[[nodiscard]] std::string_view parameter_name(std::string_view name);
/// Does the space have a range of this parameter? By its main name.
[[nodiscard]] bool varies(const Space& space, std::string_view parameter);

/// Values of one trial of a random search: of each range independently, by a hash of seed, trial and the
/// parameter's main name, so that neither the order of ranges nor other trials matter. Numbers are rounded to
/// six significant digits, within the range. The same on every machine.
[[nodiscard]] std::vector<Assignment> random_point(const Space& space, std::uint64_t seed, int trial);

/// A grid has `steps` values of each number or integer, evenly spread over its scaling from low to high (all
/// of them where an integer has no more), and all categories.
/// The size is at most 2^31 - 1. Errors: tune.space when it is larger.
[[nodiscard]] int grid_size(const Space& space, int steps);
/// Point `index` of the grid; the last range moves fastest.
[[nodiscard]] std::vector<Assignment> grid_point(const Space& space, int steps, int index);

}  // namespace coppice::tune
