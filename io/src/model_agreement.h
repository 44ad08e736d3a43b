// Do the parts of a model that Coppice wrote fit each other?
#pragma once

#include <coppice/model.h>

#include <string_view>

namespace coppice::io {

/// Checks schema, cuts, bin counts, summary and trees of a model against each other: whoever uses the model
/// later may index one by the other. Errors: io.model.mismatch; `file` stands in the message.
void check_agreement(const Model& model, std::string_view file);

}  // namespace coppice::io
