#include "csv_layout.h"

#include <coppice/error.h>
#include <coppice/nearest_name.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace coppice::io {
namespace {

std::optional<std::size_t> index_in(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::string did_you_mean(const std::vector<std::string>& names, const std::string& word) {
  const std::string nearest = nearest_name(word, names);
  if (!nearest.empty()) return fmt::format("; did you mean '{}'?", nearest);
  constexpr std::size_t kMostListed = 10;
  const std::size_t listed = std::min(names.size(), kMostListed);
  return fmt::format("; the columns are {}{}",
                     fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(listed), ", "),
                     listed < names.size() ? ", ..." : "");
}

/// Columns with label, weight and kept ones marked, and those of options.ignored by index.
struct Resolved {
  CsvLayout layout;
  std::vector<bool> ignored;
};

Resolved resolve_options(const std::vector<std::string>& names, const CsvOptions& options,
                         const std::string& path) {
  Resolved resolved{{}, std::vector<bool>(names.size())};
  CsvLayout& layout = resolved.layout;
  for (const std::string& name : names) layout.columns.push_back({name});
  const auto take_role = [&](std::size_t column, CellUse use, std::string_view role) {
    CsvColumn& taken = layout.columns[column];
    if (taken.use != CellUse::kSkip || resolved.ignored[column]) {
      throw Error("io.csv.column_role", fmt::format("{}: column '{}' cannot be {} and something else as well",
                                                    path, taken.name, role));
    }
    taken.use = use;
    taken.kind_known = true;
  };
  for (const std::string& text : options.ignored) {
    resolved.ignored[find_column(names, text, "a column to ignore", path)] = true;
  }
  if (!options.label.empty()) {
    layout.label = find_column(names, options.label, "the label", path);
    take_role(*layout.label, CellUse::kLabel, "the label");
  }
  if (!options.weight.empty()) {
    layout.weight = find_column(names, options.weight, "the weight", path);
    take_role(*layout.weight, CellUse::kWeight, "the weight");
  }
  for (const std::string& text : options.keep) {
    const std::size_t column = find_column(names, text, "", path);
    if (!std::exchange(layout.columns[column].kept, true)) layout.kept.push_back(column);
  }
  layout.binary_label = options.binary_label;
  return resolved;
}

CellUse use_of_kind(FeatureKind kind) {
  return kind == FeatureKind::kNumeric ? CellUse::kNumber : CellUse::kCategory;
}

/// Columns of the features of a table without header, see read_csv.
std::vector<std::size_t> features_by_position(const Resolved& resolved, const Schema& schema,
                                              const std::string& path) {
  const std::size_t n_columns = resolved.layout.columns.size();
  const std::size_t n_trained = schema.features.size() + (schema.label.empty() ? 0 : 1) +
                                (schema.weight.empty() ? 0 : 1) + schema.ignored.size();
  std::vector<std::size_t> columns;
  if (!schema.has_header && n_columns == n_trained) {
    std::vector<std::string> names;
    for (const CsvColumn& column : resolved.layout.columns) names.push_back(column.name);
    for (const Feature& feature : schema.features) {
      if (const auto column = index_in(names, feature.name)) columns.push_back(*column);
    }
  } else {
    for (std::size_t i = 0; i < n_columns; ++i) {
      if (resolved.layout.columns[i].use == CellUse::kSkip && !resolved.ignored[i]) columns.push_back(i);
    }
  }
  if (columns.size() != schema.features.size()) {
    throw Error(
        "io.csv.column_count",
        fmt::format("{}: the model has {} features, the table without header has {} columns for them; "
                    "give the same columns in the same order, or a header",
                    path, schema.features.size(), columns.size()));
  }
  return columns;
}

std::vector<std::size_t> features_by_name(const std::vector<std::string>& names, const Schema& schema,
                                          const std::string& path) {
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t i = 0; i < names.size(); ++i) index_of.emplace(names[i], i);
  std::vector<std::size_t> columns;
  for (const Feature& feature : schema.features) {
    const auto found = index_of.find(feature.name);
    if (found == index_of.end()) {
      throw Error("io.csv.column_missing", fmt::format("{}: the model's feature '{}' has no column{}", path,
                                                       feature.name, did_you_mean(names, feature.name)));
    }
    columns.push_back(found->second);
  }
  return columns;
}

}  // namespace

std::size_t find_column(const std::vector<std::string>& names, const std::string& text,
                        const std::string& purpose, const std::string& path) {
  if (const auto by_name = index_in(names, text)) return *by_name;
  std::size_t index = 0;
  const char* const end = text.data() + text.size();
  const auto [parsed_end, failed] = std::from_chars(text.data(), end, index);
  const bool is_index = failed == std::errc() && parsed_end == end;
  const std::string role = purpose.empty() ? "" : " for " + purpose;
  if (is_index && index < names.size()) return index;
  throw Error("io.csv.column_unknown",
              is_index ? fmt::format("{}: no column {}{}; there are {}, counted from 0", path, index, role,
                                     names.size())
                       : fmt::format("{}: no column '{}'{}{}", path, text, role, did_you_mean(names, text)));
}

CsvLayout layout_of_options(const std::vector<std::string>& names, const CsvOptions& options,
                            const std::string& path) {
  Resolved resolved = resolve_options(names, options, path);
  CsvLayout& layout = resolved.layout;
  layout.missing_tokens = options.missing_tokens;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (layout.columns[i].use != CellUse::kSkip || resolved.ignored[i]) continue;
    layout.columns[i].use = CellUse::kNumber;
    layout.features.push_back(i);
  }
  for (const std::string& text : options.categorical) {
    CsvColumn& column = layout.columns[find_column(names, text, "a categorical column", path)];
    if (column.use == CellUse::kLabel || column.use == CellUse::kWeight) {
      throw Error(
          "io.csv.column_role",
          fmt::format("{}: column '{}' cannot be label or weight and categorical", path, column.name));
    }
    if (column.use == CellUse::kNumber) column.use = CellUse::kCategory;
    column.kind_known = true;
  }
  return std::move(resolved.layout);
}

CsvLayout layout_of_schema(const std::vector<std::string>& names, const Schema& schema,
                           const CsvOptions& options, const std::string& path) {
  CsvOptions targets = options;
  // With a header, features are found by name: whatever else there is need not be declared.
  if (options.has_header) targets.ignored.clear();
  Resolved resolved = resolve_options(names, targets, path);
  CsvLayout& layout = resolved.layout;
  layout.missing_tokens = schema.missing_tokens;
  layout.features = options.has_header ? features_by_name(names, schema, path)
                                       : features_by_position(resolved, schema, path);
  std::unordered_set<std::string_view> known(schema.ignored.begin(), schema.ignored.end());
  known.insert({schema.label, schema.weight});
  for (std::size_t i = 0; i < schema.features.size(); ++i) {
    CsvColumn& column = layout.columns[layout.features[i]];
    if (column.use != CellUse::kSkip) {
      throw Error("io.csv.column_role",
                  fmt::format("{}: column '{}' is a feature of the model, so it cannot be label or weight",
                              path, column.name));
    }
    column.use = use_of_kind(schema.features[i].kind);
    column.kind_known = true;
  }
  for (const CsvColumn& column : layout.columns) {
    if (options.has_header && column.use == CellUse::kSkip && !known.contains(column.name)) {
      layout.extra_columns.push_back(column.name);
    }
  }
  return std::move(resolved.layout);
}

}  // namespace coppice::io
