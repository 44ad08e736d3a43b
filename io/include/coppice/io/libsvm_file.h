// libsvm files to tables.
#pragma once

#include <coppice/dataset.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coppice::io {

/// What the indices of a libsvm table mean.
struct LibsvmShape {
  std::uint32_t first_index = 0;  ///< the index of feature 0
  std::size_t n_features = 0;
  bool operator==(const LibsvmShape&) const = default;
};

struct LibsvmTable {
  Dataset data;  ///< numeric features `f0`, `f1`, ..., no header; label and weight have no column
  LibsvmShape shape;
};

/// Reads one labelled table from one or more libsvm files, gzip told by content; for the text see
/// append_libsvm. What a row does not name is missing. `like` is the shape of the training table where this
/// is another one; without it the indices tell: they count from 1 when none is 0.
///
/// Errors: io.file.read, io.gzip.*, io.libsvm.* of append_libsvm; io.libsvm.empty (no row, or no feature),
///         io.libsvm.index (none of `like`), io.libsvm.size (the table has more than 2^33 cells, 32 GiB).
/// Cost  : memory of the text and of a dense table.
[[nodiscard]] LibsvmTable read_libsvm(const std::vector<std::string>& paths,
                                      const LibsvmShape* like = nullptr);

}  // namespace coppice::io
