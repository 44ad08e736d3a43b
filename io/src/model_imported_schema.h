// The schema of a model that XGBoost trained, from what its file says of the features.
#pragma once

#include <coppice/schema.h>
#include <coppice/tree.h>

#include <cstddef>
#include <span>

#include "model_document.h"

namespace coppice::io {

/// Names come from feature_names (else `f0, f1, ...`), kinds from the splits and feature_types, dictionaries
/// of categorical features from cats (XGBoost 3.1 and later; else each code's text is its number). Errors:
/// io.model.field; io.model.unsupported for more than 254 categories.
[[nodiscard]] Schema read_imported_schema(const Field<Document>& learner, std::size_t n_features,
                                          std::span<const Tree> trees);

}  // namespace coppice::io
