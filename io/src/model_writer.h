// A model as an XGBoost document.
#pragma once

#include <coppice/model.h>

#include "model_emitter.h"

namespace coppice::io {

/// Writes a model as XGBoost 2.0 would, with Coppice's own part as an attribute (docs/model_format.md).
void emit_model(const Model& model, Emitter& emitter);

}  // namespace coppice::io
