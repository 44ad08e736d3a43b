// What the columns of a table mean: made when a training table is first read, stored in the model,
// enforced at prediction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coppice {

enum class FeatureKind : std::uint8_t { kNumeric, kCategorical };

/// Number of named categories a feature can have; rarer ones share the code *other*.
inline constexpr std::size_t kMaxCategories = 254;

/// One input column. A categorical feature holds its dictionary: `categories[code]` is the text of a
/// code, the most frequent first (ties in byte order). The code `categories.size()` means *other*: rare
/// categories beyond the first 254, and texts never seen in training.
struct Feature {
  std::string name;
  FeatureKind kind = FeatureKind::kNumeric;
  std::vector<std::string> categories;

  bool operator==(const Feature&) const = default;
};

/// The columns of a training table. Features stand in file order, label, weight and ignored columns left out.
struct Schema {
  std::vector<Feature> features;
  std::string label;                        ///< column name; empty when the table has no label
  std::string weight;                       ///< column name; empty when rows are not weighted
  std::vector<std::string> ignored;         ///< columns that are present but no features
  std::vector<std::string> missing_tokens;  ///< cell texts that mean *missing*; the empty cell always does
  bool has_header = true;  ///< false: columns were named by position, `f<column>`, and match by position

  bool operator==(const Schema&) const = default;
};

}  // namespace coppice
