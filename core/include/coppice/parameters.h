// Every training parameter, declared once.
#pragma once

#include <coppice/evaluation_columns.h>
#include <coppice/objective.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {

enum class GrowPolicy : std::uint8_t { kDepthwise, kLossguide };

/// Training parameters by the names that XGBoost and scikit-learn users know. Set the fields directly, or by
/// text with set_parameter; either way `train` validates them.
struct Parameters {
  Objective objective = Objective::kBinaryLogistic;
  int num_round = 100;
  double learning_rate = 0.3;
  GrowPolicy grow_policy = GrowPolicy::kDepthwise;
  int max_depth = 6;   ///< 0: no limit (then max_leaves must be set)
  int max_leaves = 0;  ///< 0: no limit
  double min_child_weight = 1;
  double gamma = 0;
  double reg_lambda = 1;
  double reg_alpha = 0;
  std::optional<double> max_delta_step;  ///< not set: 5 for binary:logistic, 0 (off) otherwise
  double subsample = 1;
  double colsample_bytree = 1;
  double colsample_bylevel = 1;
  double colsample_bynode = 1;
  double scale_pos_weight = 1;
  std::optional<double> base_score;  ///< not set: the weighted mean of the labels
  double sampling_noise = 0.1;       ///< 0 keeps every row
  int sampling_rows = 65536;         ///< most kept rows for each feature that brings gain; 0: no limit
  int working_rounds = 16;           ///< 1: every round looks at all rows
  double screening = 0.5;            ///< 1: every tree looks at all features
  int screening_rows = 100000;       ///< fewer kept rows: no screening
  int max_bin = 255;
  int cut_sample_rows = 65536;  ///< 0: all rows
  int max_cat_to_onehot = 4;
  double cat_smooth = 10;
  double cat_l2 = 1;
  int max_cat_threshold = 64;
  std::vector<std::string> eval_metric;  ///< empty: the objective's own
  int early_stopping_rounds = 0;         ///< 0: off
  std::string early_stopping_metric;  ///< `set-metric`, as `validation-auc`; empty: last metric of last set
  double cost_fp = 0;                 ///< of the cost metrics, as in Costs
  std::optional<double> cost_fn;      ///< not set: the row's amount
  double cost_review = 0;
  std::uint64_t seed = 0;
  int threads = 0;  ///< 0: all cores
  std::string device = "auto";

  bool operator==(const Parameters&) const = default;
};

[[nodiscard]] Costs costs_of(const Parameters& parameters) noexcept;

/// One line of the table that the command line, validation, the model file and docs/parameters.md share.
struct ParameterInfo {
  std::string_view name;
  std::vector<std::string_view> aliases;  ///< XGBoost's other spellings
  std::string_view type;                  ///< `integer`, `number`, `text`, `list`, `choice`
  std::string range;                      ///< for people: `(0, 1]`, `depthwise | lossguide`
  std::string default_text;
  std::string_view help;  ///< one line
  bool in_model;          ///< can change the model's bytes, so the model file records it
};
[[nodiscard]] std::span<const ParameterInfo> parameter_table();

/// A key of XGBoost's with nothing to choose here: accepted where it asks for what Coppice does anyway.
struct FixedParameter {
  std::string_view name;
  std::vector<std::string_view> values;  ///< accepted without effect; the first is what get_parameter gives
  std::string_view help;                 ///< why
};
[[nodiscard]] std::span<const FixedParameter> fixed_parameter_table();

/// Sets one parameter from text; on an error nothing is changed. `auto` unsets an optional number, a list is
/// separated by commas and replaces the old one. Numbers are read whole, without blanks.
/// Errors: core.parameter.unknown (names the nearest known key), core.parameter.value (value, range),
///         core.metric.unknown from eval_metric.
void set_parameter(Parameters& parameters, std::string_view key, std::string_view value);

/// Text of one parameter, such that set_parameter reads the same value back. Errors: core.parameter.unknown.
[[nodiscard]] std::string get_parameter(const Parameters& parameters, std::string_view key);

/// Checks every field's range and the fields against each other.
/// Errors: core.parameter.value, core.metric.unknown from eval_metric.
void validate(const Parameters& parameters);

}  // namespace coppice
