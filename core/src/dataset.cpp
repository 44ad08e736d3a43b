#include <coppice/dataset.h>
#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace coppice {
namespace {

[[noreturn]] void refuse_shape(const std::string& message) { throw Error("core.dataset.shape", message); }

std::size_t count_rows(std::size_t n_values, std::size_t n_features, std::size_t n_labels) {
  if (n_features == 0) refuse_shape("a data set needs at least one feature");
  if (n_values % n_features != 0) {
    refuse_shape(fmt::format("{} values do not fill rows of {} features", n_values, n_features));
  }
  const std::size_t n_rows = n_values / n_features;
  if (n_labels != 0 && n_labels != n_rows) {
    refuse_shape(fmt::format("{} values make {} rows of {} features, but there are {} labels", n_values,
                             n_rows, n_features, n_labels));
  }
  return n_rows;
}

Schema make_schema(std::size_t n_features, std::vector<std::string> names, bool has_labels) {
  if (!names.empty() && names.size() != n_features) {
    refuse_shape(fmt::format("{} names for {} features", names.size(), n_features));
  }
  Schema schema;
  schema.has_header = !names.empty();
  if (has_labels) schema.label = "label";
  for (std::size_t f = 0; f < n_features; ++f) {
    schema.features.push_back({.name = names.empty() ? fmt::format("f{}", f) : std::move(names[f]),
                               .kind = FeatureKind::kNumeric,
                               .categories = {}});
  }
  return schema;
}

}  // namespace

EvaluationColumns evaluation_columns(const Dataset& data) noexcept {
  return {data.labels, data.weights, data.side.amounts, data.side.groups, data.side.days};
}

Dataset make_dataset(std::span<const float> values, std::size_t n_features, std::span<const float> labels,
                     std::vector<std::string> names) {
  constexpr std::size_t kRowsPerBlock = 256;  // so that every line of the matrix is read from memory once
  Dataset data;
  data.n_rows = count_rows(values.size(), n_features, labels.size());
  data.schema = make_schema(n_features, std::move(names), !labels.empty());
  data.labels = Buffer<float>(labels);
  for (std::size_t f = 0; f < n_features; ++f) data.columns.emplace_back(data.n_rows);

  for (std::size_t begin = 0; begin < data.n_rows; begin += kRowsPerBlock) {
    const std::size_t end = std::min(begin + kRowsPerBlock, data.n_rows);
    for (std::size_t f = 0; f < n_features; ++f) {
      for (std::size_t row = begin; row < end; ++row) {
        const float value = values[row * n_features + f];
        if (std::isinf(value)) {
          throw Error(
              "core.dataset.infinite",
              fmt::format("row {}, feature {}: {} is not a finite number; use NaN for a missing value", row,
                          data.schema.features[f].name, value));
        }
        data.columns[f][row] = value;
      }
    }
  }
  return data;
}

}  // namespace coppice
