// The features of a model as the readers of requests look them up.
#pragma once

#include <coppice/error.h>
#include <coppice/schema.h>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace coppice::serve {

class FeatureTable {
 public:
  explicit FeatureTable(Schema schema);
  FeatureTable(const FeatureTable&) = delete;  // the maps look into the schema
  FeatureTable& operator=(const FeatureTable&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return schema_.features.size(); }
  [[nodiscard]] const std::string& name(std::size_t f) const noexcept { return schema_.features[f].name; }
  [[nodiscard]] bool is_categorical(std::size_t f) const noexcept {
    return schema_.features[f].kind == FeatureKind::kCategorical;
  }
  /// May a plain number of this feature be taken as it stands? No when it is categorical, or when a missing
  /// token is a number, as -999.
  [[nodiscard]] bool takes_plain_numbers(std::size_t f) const noexcept { return plain_numbers_[f]; }
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;

  /// The value of a cell's text, or of a JSON string. `row` counts from 0. Errors: serve.request.value.
  [[nodiscard]] float read(std::size_t f, std::string_view text, std::size_t row) const;
  /// The same for the text of a number, without spaces, and a numeric feature.
  [[nodiscard]] float read_number(std::size_t f, std::string_view text, std::size_t row) const;

  /// `row 3, feature 'V14': ...`.
  [[nodiscard]] Error value_error(std::size_t f, std::size_t row, std::string_view message) const;
  /// A feature that a request does not have. `where` begins the message, `advice` ends it; `names` are the
  /// columns or keys that there are.
  [[nodiscard]] Error absent_error(std::string_view where, std::size_t f, std::span<const std::string> names,
                                   std::string_view advice) const;

 private:
  [[nodiscard]] float parse(std::size_t f, std::string_view text, std::size_t row) const;
  [[nodiscard]] bool is_missing(std::size_t f, std::string_view trimmed) const;

  Schema schema_;
  std::unordered_map<std::string_view, std::size_t> index_of_;
  std::vector<std::unordered_map<std::string_view, float>> codes_;  // empty for a numeric feature
  std::vector<bool> plain_numbers_;
};

}  // namespace coppice::serve
