// What a Coppice model holds beyond XGBoost's format: the text of the attribute `coppice`.
#pragma once

#include <coppice/model.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::io {

/// The attribute's name in `learner.attributes`.
inline constexpr std::string_view kExtrasKey = "coppice";

/// Version of the attribute's content. A minor version only adds keys; a major one is refused by older
/// readers.
inline constexpr int kFormatMajor = 1;
inline constexpr int kFormatMinor = 1;

/// Kinds of a feature.
inline constexpr std::string_view kNumeric = "numeric";
inline constexpr std::string_view kCategorical = "categorical";

/// Schema, parameters, cuts, bin counts, score reference, threshold and training summary as JSON text.
/// The text survives XGBoost, whose own reader and writer treat a backslash before a `u` in two ways: texts
/// with backslashes, control characters or broken UTF-8 are written as hex digits.
[[nodiscard]] std::string write_extras(const Model& model);

/// Fills those parts of a model from the attribute's text; `file` stands in messages.
/// Errors: io.model.version for a format this version cannot know, io.model.syntax, io.model.field.
void read_extras(std::string_view text, std::string_view file, Model& model);

/// Is this UTF-8 without control characters and backslashes?
[[nodiscard]] bool is_plain_text(std::string_view text);

/// A category code that no row has. XGBoost refuses an empty category set, the split that sends only
/// *missing* to the right, so such a set is written as this one code and read back as empty.
[[nodiscard]] inline std::int32_t unused_code(const Feature& feature) noexcept {
  return static_cast<std::int32_t>(feature.categories.size()) + 1;
}

}  // namespace coppice::io
