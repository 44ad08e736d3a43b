// One tree of an XGBoost document, checked and renumbered.
#pragma once

#include <coppice/tree.h>

#include <cstdint>
#include <vector>

#include "model_document.h"

namespace coppice::io {

/// What the rest of the file says about the features that a tree may name.
struct TreeContext {
  std::int64_t n_features = 0;
  /// By feature: the code that stands for an empty set (see unused_code). Empty for files that Coppice did
  /// not write.
  std::vector<std::int32_t> unused_codes;
};

/// Reads a tree. XGBoost's numbering is free and may hold deleted nodes: here children get to stand after
/// their parent, side by side, and what no path reaches drops out. A tree that is in this order already keeps
/// it. Errors: io.model.tree, io.model.field, io.model.unsupported.
[[nodiscard]] Tree read_tree(const Field<Document>& tree, const TreeContext& context);

}  // namespace coppice::io
