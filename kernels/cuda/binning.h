// Cuts and bins of a table, made on the device: the bytes of the CPU backend.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/cuts.h>
#include <coppice/dataset.h>

namespace coppice::kernels::cuda {

/// Cuts of all features of a table, on the calling thread's device.
/// Cost: each column goes to the device once, in batches; the sampled rows are sorted there.
[[nodiscard]] Cuts make_cuts(const Dataset& data, const CutOptions& options);

/// Bins of a table, on the calling thread's device; see Backend::bin. Cost: each value goes to the device
/// once and comes back as a byte of each layout, in stretches of rows that keep device memory small.
[[nodiscard]] BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records);

}  // namespace coppice::kernels::cuda
