// Room for a table's bins.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/dataset.h>

namespace coppice::kernels {

/// A matrix whose bins nobody has set yet. There is some slack of zeros behind each layout, because gathers
/// read four bytes at a time. Errors: kernels.bin.features when the table has not the features of the cuts.
[[nodiscard]] BinnedMatrix allocate_bins(const Dataset& data, const Cuts& cuts, bool with_records);

}  // namespace coppice::kernels
