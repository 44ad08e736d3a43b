// The file in which bench/compare hands the same matrix to every library.
#pragma once

#include <coppice/dataset.h>

#include <string>
#include <vector>

namespace coppice::bench {

/// Reads a matrix file. Layout, little-endian, nothing padded:
///   8 bytes   the text `CPMATRX1`
///   uint64    n_rows, n_features, has_weights (0 or 1)
///   uint32    n_categories [n_features]: 0 for a numeric feature
///   float32   values, one column after the other [n_features][n_rows], NaN is missing
///   float32   labels [n_rows]
///   float32   weights [n_rows], when has_weights is 1
/// Category codes are ranks by frequency in the training table, 0 the most frequent; the code n_categories
/// means *not seen in training*. Codes beyond the 254 categories that Coppice names become *other*.
/// Errors: bench.matrix.read, bench.matrix.format.
[[nodiscard]] Dataset read_matrix(const std::string& path);

/// The matrix as other libraries are given it: [n_rows][n_features].
[[nodiscard]] std::vector<float> row_major(const Dataset& data);

}  // namespace coppice::bench
