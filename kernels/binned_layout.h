// Room for a table's bins, and rows of one table gathered into another.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/dataset.h>

#include <cstddef>
#include <cstdint>
#include <span>

namespace coppice::kernels {

/// Errors: kernels.bin.features when the table has not the features of the cuts.
void check_features(const Dataset& data, const Cuts& cuts);

/// A matrix whose bins nobody has set yet. There is some slack of zeros behind each layout, because gathers
/// read four bytes at a time.
[[nodiscard]] BinnedMatrix allocate_bins(const Cuts& cuts, std::size_t n_rows, bool with_records);

/// Fills a block of both layouts of `to`, whose row i is row rows[i] of `from`; padding gets bin 0. Both have
/// records.
void gather_block(const BinnedMatrix& from, std::span<const std::uint32_t> rows, std::size_t block,
                  BinnedMatrix& to);

}  // namespace coppice::kernels
