// An XGBoost document as a model.
#pragma once

#include <coppice/model.h>

#include "model_document.h"

namespace coppice::io {

/// Reads the model in a document, with Coppice's own part when it has one. Errors: io.model.*.
[[nodiscard]] Model read_document(const Field<Document>& document);

}  // namespace coppice::io
