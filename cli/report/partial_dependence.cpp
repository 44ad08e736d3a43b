#include "report/partial_dependence.h"

#include <coppice/cuts.h>
#include <coppice/detail/threads.h>
#include <coppice/scorer.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace coppice::cli {
namespace {

/// The rows that means are taken over.
struct Sample {
  std::vector<std::vector<float>> columns;
  std::vector<double> weights;
};

Sample sample_of(const Dataset& data, std::size_t max_rows) {
  const std::vector<std::uint32_t> rows = cut_sample(data.n_rows, {.sample_rows = max_rows});
  Sample sample;
  for (const Buffer<float>& column : data.columns) {
    std::vector<float>& values = sample.columns.emplace_back();
    for (const std::uint32_t row : rows) values.push_back(column[row]);
  }
  for (const std::uint32_t row : rows) sample.weights.push_back(data.weights.empty() ? 1 : data.weights[row]);
  return sample;
}

double mean_prediction(const Scorer& scorer, const Sample& sample, std::size_t feature, float value) {
  const std::vector<float> constant(sample.weights.size(), value);
  std::vector<const float*> columns;
  for (const auto& column : sample.columns) columns.push_back(column.data());
  columns[feature] = constant.data();
  std::vector<float> scores(constant.size());
  scorer.score_columns(columns, 0, scores);
  const double sum = std::inner_product(scores.begin(), scores.end(), sample.weights.begin(), 0.0);
  return sum / std::accumulate(sample.weights.begin(), sample.weights.end(), 0.0);
}

/// Distinct thresholds of a numeric feature, ascending, at most so many.
std::vector<float> thresholds_of(const Model& model, std::size_t feature, std::size_t at_most) {
  std::vector<float> all;
  for (const Tree& tree : model.trees) {
    for (const Tree::Node& node : tree.nodes) {
      const bool is_of_feature = !node.is_leaf() && node.feature == static_cast<std::int32_t>(feature);
      // The lowest float tells missing from the rest: no value is below it.
      if (is_of_feature && node.threshold > std::numeric_limits<float>::lowest())
        all.push_back(node.threshold);
    }
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  if (all.size() <= at_most) return all;
  std::vector<float> thinned;
  for (std::size_t i = 0; i < at_most; ++i) thinned.push_back(all[i * (all.size() - 1) / (at_most - 1)]);
  return thinned;
}

/// Codes that rows of the table have, most frequent first.
std::vector<std::size_t> frequent_codes(const Feature& feature, const Buffer<float>& column,
                                        std::size_t at_most) {
  std::vector<std::size_t> counts(feature.categories.size() + 1, 0);
  for (const float code : column) {
    if (!std::isnan(code)) ++counts[static_cast<std::size_t>(code)];
  }
  std::vector<std::size_t> codes;
  for (std::size_t code = 0; code < counts.size(); ++code) {
    if (counts[code] > 0) codes.push_back(code);
  }
  std::ranges::stable_sort(codes, std::greater<>(), [&](std::size_t code) { return counts[code]; });
  codes.resize(std::min(codes.size(), at_most));
  return codes;
}

/// A value within each step or category, in the order of the means; missing last when it is to be shown.
std::vector<float> values_to_try(const PartialDependence& dependence, bool with_missing) {
  std::vector<float> values(dependence.codes.begin(), dependence.codes.end());
  if (!dependence.thresholds.empty()) {
    values.push_back(std::nextafter(dependence.thresholds.front(), std::numeric_limits<float>::lowest()));
    values.insert(values.end(), dependence.thresholds.begin(), dependence.thresholds.end());
  }
  if (with_missing) values.push_back(std::numeric_limits<float>::quiet_NaN());
  return values;
}

}  // namespace

std::vector<PartialDependence> partial_dependence(const Model& model, const Dataset& data,
                                                  const std::vector<std::size_t>& features,
                                                  const PartialDependenceOptions& options) {
  const Scorer scorer(model);
  const Sample sample = sample_of(data, options.max_rows);
  std::vector<PartialDependence> dependences;
  for (const std::size_t feature : features) {
    PartialDependence dependence{
        .feature = feature, .thresholds = {}, .codes = {}, .means = {}, .missing = {}};
    const Buffer<float>& column = data.columns[feature];
    if (model.schema.features[feature].kind == FeatureKind::kCategorical) {
      dependence.codes = frequent_codes(model.schema.features[feature], column, options.max_categories);
    } else {
      dependence.thresholds = thresholds_of(model, feature, options.max_thresholds);
    }
    const bool with_missing = std::ranges::any_of(column, [](float value) { return std::isnan(value); });
    const std::vector<float> values = values_to_try(dependence, with_missing);
    dependence.means.resize(values.size());
    detail::parallel_for(options.threads, values.size(), [&](std::size_t i) {
      dependence.means[i] = mean_prediction(scorer, sample, feature, values[i]);
    });
    if (with_missing) {
      dependence.missing = dependence.means.back();
      dependence.means.pop_back();
    }
    dependences.push_back(std::move(dependence));
  }
  return dependences;
}

}  // namespace coppice::cli
