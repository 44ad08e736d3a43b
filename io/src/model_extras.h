// What a Coppice model holds beyond XGBoost's format: the text of the attribute `coppice`.
#pragma once

#include <coppice/model.h>

#include <string>
#include <string_view>

namespace coppice::io {

/// The attribute's name in `learner.attributes`.
inline constexpr std::string_view kExtrasKey = "coppice";

/// Schema, parameters, cuts, bin counts and training summary as JSON text.
/// The text survives XGBoost, whose own reader and writer treat a backslash before a `u` in two ways: texts
/// with backslashes, control characters or broken UTF-8 are written as hex digits.
[[nodiscard]] std::string write_extras(const Model& model);

/// Fills those parts of a model from the attribute's text; `file` stands in messages.
/// Errors: io.model.version for a format this version cannot know, io.model.field, core.parameter.*.
void read_extras(std::string_view text, std::string_view file, Model& model);

/// Is this UTF-8 without control characters and backslashes?
[[nodiscard]] bool is_plain_text(std::string_view text);

}  // namespace coppice::io
