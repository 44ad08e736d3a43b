// A model as an XGBoost document.
#pragma once

#include <coppice/model.h>

#include <cstdint>

#include "model_emitter.h"

namespace coppice::io {

/// A category code that no row has. XGBoost refuses an empty category set, the split that sends only
/// *missing* to the right, so such a set is written as this one code and read back as empty.
[[nodiscard]] inline std::int32_t unused_code(const Feature& feature) noexcept {
  return static_cast<std::int32_t>(feature.categories.size()) + 1;
}

/// Writes a model as XGBoost 2.0 would, with Coppice's own part as an attribute (docs/model_format.md).
void emit_model(const Model& model, Emitter& emitter);

}  // namespace coppice::io
