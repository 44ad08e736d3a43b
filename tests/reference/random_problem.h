// Seeded random training problems: tables with every kind of awkward column, and parameters of every kind.
#pragma once

#include <coppice/dataset.h>
#include <coppice/detail/hash.h>
#include <coppice/parameters.h>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace coppice::reference {

/// A stream of random numbers that is the same with every standard library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(detail::mix64(seed + 1)) {}
  std::uint64_t bits() { return detail::mix64(state_ += 0x9e3779b97f4a7c15); }
  /// In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// About normal: the sum of twelve uniform numbers less six.
  double normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += uniform();
    return sum;
  }
  /// In [0, n).
  int below(int n) { return static_cast<int>(bits() % static_cast<std::uint64_t>(n)); }
  bool chance(double probability) { return uniform() < probability; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(static_cast<int>(values.size()))];
  }
  /// `value` two times in three, otherwise one of the others.
  template <class T>
  T usually(T value, std::initializer_list<T> others) {
    return chance(2.0 / 3) ? value : one_of(others);
  }

 private:
  std::uint64_t state_;
};

enum class ColumnKind { kAllMissing, kOneValue, kTwoValues, kContinuous, kHeavyTies, kSkewed, kCategorical };

/// How a column's values are drawn.
struct ColumnPlan {
  ColumnKind kind = ColumnKind::kContinuous;
  int n_values = 0;  ///< kHeavyTies: distinct values; kCategorical: named categories, 1 .. 254
  double missing_share = 0;
};

enum class WeightKind { kNone, kRandom, kWithZeros, kHugeRange };

/// How a table is drawn.
struct TablePlan {
  std::size_t n_rows = 0;
  std::vector<ColumnPlan> columns;
  Objective objective = Objective::kBinaryLogistic;
  double positive_share = 0.5;  ///< of labels, binary:logistic; at least one of each class
  double label_unit = 1;        ///< scale of labels, reg:squarederror
  WeightKind weights = WeightKind::kNone;
};

/// A column of one plan; `effect` [n_rows] gains what the column says about the label.
inline Buffer<float> random_column(const ColumnPlan& plan, Random& random, std::vector<double>& effect) {
  Buffer<float> column(effect.size());
  const double slope = random.uniform(-1, 1);
  const double effect_of_missing = random.uniform(-1, 1);
  const std::uint64_t effect_key = random.bits();
  for (std::size_t row = 0; row < column.size(); ++row) {
    double value = std::numeric_limits<double>::quiet_NaN();
    switch (plan.kind) {
      case ColumnKind::kAllMissing:
        break;
      case ColumnKind::kOneValue:
        value = 7;
        break;
      case ColumnKind::kTwoValues:
        value = random.chance(0.3) ? 1 : 0;
        break;
      case ColumnKind::kContinuous:
        value = random.normal();
        break;
      case ColumnKind::kHeavyTies:
        value = std::floor(random.uniform() * random.uniform() * plan.n_values) / 4;
        break;
      case ColumnKind::kSkewed:
        value = std::ldexp(random.normal(), random.below(40) - 20);
        break;
      case ColumnKind::kCategorical:  // the last code, *other*, is as likely as the last named one
        value = std::floor(random.uniform() * random.uniform() * (plan.n_values + 1));
        break;
    }
    const bool is_missing = plan.kind == ColumnKind::kAllMissing || random.chance(plan.missing_share);
    column[row] = is_missing ? std::numeric_limits<float>::quiet_NaN() : static_cast<float>(value);
    if (is_missing)
      effect[row] += effect_of_missing;
    else if (plan.kind == ColumnKind::kCategorical)
      effect[row] += Random(effect_key + static_cast<std::uint64_t>(value)).uniform(-1, 1);
    else
      effect[row] += slope * std::clamp(value, -2.0, 2.0);
  }
  return column;
}

/// Labels that follow `effect`: the rows of largest effect are positive, or the effect itself in the label's
/// unit.
inline Buffer<float> make_labels(const TablePlan& plan, const std::vector<double>& effect) {
  Buffer<float> labels(plan.n_rows, 0.0F);
  if (plan.objective == Objective::kSquaredError) {
    for (std::size_t row = 0; row < plan.n_rows; ++row)
      labels[row] = static_cast<float>((effect[row] + 0.5) * plan.label_unit);
    return labels;
  }
  std::vector<std::size_t> order(plan.n_rows);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return effect[a] > effect[b]; });
  const double wanted = std::round(plan.positive_share * static_cast<double>(plan.n_rows));
  const auto positives =
      static_cast<std::size_t>(std::clamp(wanted, 1.0, static_cast<double>(plan.n_rows - 1)));
  for (std::size_t i = 0; i < positives; ++i) labels[order[i]] = 1;
  return labels;
}

inline double random_weight(WeightKind kind, Random& random) {
  switch (kind) {
    case WeightKind::kNone:
      return 1;
    case WeightKind::kRandom:
      return random.uniform(0.1, 3);
    case WeightKind::kWithZeros:
      return random.chance(0.3) ? 0 : 1.5;
    case WeightKind::kHugeRange:
      return std::ldexp(random.uniform(1, 2), random.below(40) - 20);
  }
  return 1;
}

/// The table of a plan. binary:logistic needs two rows or more. No class is left without weight.
inline Dataset random_table(const TablePlan& plan, std::uint64_t seed) {
  Random random(seed);
  Dataset data;
  data.n_rows = plan.n_rows;
  data.schema.label = "label";
  std::vector<double> effect(plan.n_rows);
  for (std::size_t f = 0; f < plan.columns.size(); ++f) {
    Feature feature{.name = fmt::format("f{}", f), .kind = FeatureKind::kNumeric, .categories = {}};
    if (plan.columns[f].kind == ColumnKind::kCategorical) {
      feature.kind = FeatureKind::kCategorical;
      for (int code = 0; code < plan.columns[f].n_values; ++code)
        feature.categories.push_back(fmt::format("c{}", code));
    }
    data.schema.features.push_back(feature);
    data.columns.push_back(random_column(plan.columns[f], random, effect));
  }
  for (double& e : effect) e += 0.5 * random.normal();
  data.labels = make_labels(plan, effect);
  if (plan.weights == WeightKind::kNone) return data;
  data.schema.weight = "weight";
  data.weights = Buffer<float>(plan.n_rows);
  for (float& weight : data.weights) weight = static_cast<float>(random_weight(plan.weights, random));
  const auto [least, largest] = std::minmax_element(data.labels.begin(), data.labels.end());
  for (const float* label : {least, largest}) {
    float& weight = data.weights[static_cast<std::size_t>(label - data.labels.begin())];
    weight = weight > 0 ? weight : 1;
  }
  return data;
}

inline ColumnPlan random_column_plan(Random& random) {
  ColumnPlan plan;
  plan.kind = random.usually(ColumnKind::kContinuous,
                             {ColumnKind::kAllMissing, ColumnKind::kOneValue, ColumnKind::kTwoValues,
                              ColumnKind::kHeavyTies, ColumnKind::kHeavyTies, ColumnKind::kSkewed,
                              ColumnKind::kCategorical, ColumnKind::kCategorical, ColumnKind::kCategorical});
  plan.missing_share = random.usually(0.0, {0.05, 0.4, 0.95});
  plan.n_values = random.one_of({1, 2, 3, 5, 12, 60, 200, 254});
  return plan;
}

inline TablePlan random_table_plan(Random& random) {
  TablePlan plan;
  plan.objective = random.usually(Objective::kBinaryLogistic, {Objective::kSquaredError});
  plan.n_rows = random.usually<std::size_t>(3000, {1, 2, 15, 16, 17, 511, 512, 513, 513, 1500, 1500});
  if (plan.n_rows == 1) plan.objective = Objective::kSquaredError;
  plan.columns.resize(random.one_of<std::size_t>({1, 3, 15, 16, 17, 31, 32, 33, 64, 70}));
  for (ColumnPlan& column : plan.columns) column = random_column_plan(random);
  plan.positive_share = random.usually(0.5, {0.05, 0.003});
  plan.label_unit = random.usually(1.0, {1e-3, 1e6});
  plan.weights = random.usually(WeightKind::kNone,
                                {WeightKind::kRandom, WeightKind::kWithZeros, WeightKind::kHugeRange});
  return plan;
}

/// Parameters for a table, most fields at their defaults; penalties are in the unit of its labels.
inline Parameters random_parameters(const TablePlan& plan, Random& random) {
  const bool is_logistic = plan.objective == Objective::kBinaryLogistic;
  const double unit = is_logistic ? 1 : plan.label_unit;
  Parameters p;
  p.objective = plan.objective;
  p.num_round = random.one_of({1, 4, 7});
  p.learning_rate = random.usually(0.3, {0.1, 1.0});
  p.grow_policy = random.usually(GrowPolicy::kDepthwise, {GrowPolicy::kLossguide});
  p.max_depth = random.usually(6, {1, 2, 3, 4, 5, 7, 8, 9, 10, 10, 0, 0});
  p.max_leaves = random.usually(0, {2, 3, 8, 31, 300});
  if (p.max_depth == 0 && p.max_leaves == 0) p.max_leaves = 400;
  p.min_child_weight = random.usually(1.0, {0.0, 0.0, 6.0});
  p.gamma = random.usually(0.0, {0.5, 2.0}) * unit * unit;
  p.reg_lambda = random.usually(1.0, {0.0, 5.0});
  p.reg_alpha = random.usually(0.0, {0.5, 3.0}) * unit;
  if (random.chance(0.25)) p.max_delta_step = random.one_of({0.0, 0.7, 2.0}) * unit;
  p.subsample = random.usually(1.0, {0.8, 0.3});
  p.colsample_bytree = random.usually(1.0, {0.5});
  p.colsample_bylevel = random.usually(1.0, {0.5});
  p.colsample_bynode = random.usually(1.0, {0.5});
  if (is_logistic) p.scale_pos_weight = random.usually(1.0, {0.2, 25.0});
  if (random.chance(0.2)) p.base_score = is_logistic ? random.one_of({0.5, 0.01, 0.9}) : 0.4 * unit;
  p.sampling_noise = random.usually(0.1, {0.0, 1.0, 0.01});
  p.sampling_rows = random.usually(65536, {1, 5, 50, 0});
  p.working_rounds = random.usually(16, {1, 2});
  p.screening = random.usually(1.0, {0.3, 0.01});
  p.screening_rows = 0;
  p.max_bin = random.usually(255, {2, 3, 16, 64, 254});
  p.max_cat_to_onehot = random.usually(4, {0, 255});
  p.cat_smooth = random.usually(10.0, {0.0, 1.0});
  p.cat_l2 = random.usually(1.0, {0.0, 10.0});
  p.max_cat_threshold = random.usually(64, {1, 5, 255});
  p.seed = random.bits() % 1000;
  return p;
}

struct RandomProblem {
  Dataset data;
  Dataset evaluation;  ///< of the same columns
  Parameters parameters;
};

/// A problem of few positives that trains on working rows from round 4 on, in stages of 2, 3, 4, 6, ...
/// rounds.
inline RandomProblem rare_problem(std::uint64_t seed) {
  Random random(seed);
  TablePlan plan;
  plan.n_rows = random.one_of<std::size_t>({2000, 3071, 3072, 3073});
  plan.positive_share = 0.005;
  plan.columns.resize(random.one_of<std::size_t>({3, 16, 17, 40}), {.missing_share = 0.1});
  plan.columns[1] = {.kind = ColumnKind::kCategorical, .n_values = 20};
  plan.weights = random.usually(WeightKind::kNone, {WeightKind::kRandom, WeightKind::kWithZeros});
  RandomProblem problem;
  problem.data = random_table(plan, random.bits());
  problem.evaluation = random_table(plan, random.bits());
  Parameters& p = problem.parameters;
  p.num_round = 17;
  p.max_depth = 4;
  p.min_child_weight = 0;
  p.subsample = random.usually(1.0, {0.7});
  p.grow_policy = random.usually(GrowPolicy::kDepthwise, {GrowPolicy::kLossguide});
  p.screening = 0.3;
  p.screening_rows = 0;
  p.sampling_noise = random.one_of({0.3, 1.0});
  p.seed = seed;
  return problem;
}

/// A problem of any kind; equal seeds give equal problems.
inline RandomProblem random_problem(std::uint64_t seed) {
  Random random(seed);
  TablePlan plan = random_table_plan(random);
  RandomProblem problem;
  problem.data = random_table(plan, random.bits());
  plan.n_rows = random.one_of<std::size_t>({2, 100, 700});
  problem.evaluation = random_table(plan, random.bits());
  problem.parameters = random_parameters(plan, random);
  return problem;
}

}  // namespace coppice::reference
