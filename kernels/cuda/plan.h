// What a training run needs of a device's memory, known before anything is allocated.
#pragma once

#include <coppice/backend.h>
#include <coppice/binned_matrix.h>
#include <coppice/parameters.h>

#include <cstddef>
#include <cstdint>

namespace coppice::kernels::cuda {

/// Bytes of a matrix in the two layouts, without the host's slack.
[[nodiscard]] std::size_t column_bytes(const BinnedMatrix& bins) noexcept;
[[nodiscard]] std::size_t record_bytes(const BinnedMatrix& bins) noexcept;

/// The largest tree that a run can grow, and the sizes that follow from it.
struct TreeSizes {
  std::size_t leaves = 1;
  std::size_t nodes = 1;
  std::size_t slots = 1;       ///< histograms that are kept at a time: one for the root and for each search
  std::size_t slot_words = 0;  ///< words of a slot
  std::size_t octets = 1;      ///< blocks of features that are searched at a time
  std::uint32_t max_bins = 2;  ///< bins of the feature that has most
  bool has_categorical = false;
};
[[nodiscard]] TreeSizes tree_sizes(const BinnedMatrix& bins, const Parameters& parameters);

/// The size and the cuts of the largest table of working rows that a table can have; it has no bins.
[[nodiscard]] BinnedMatrix largest_working_table(const BinnedMatrix& table);

/// Bytes on the device, at their peak.
struct MemoryPlan {
  std::size_t table = 0;       ///< bins of the training table, and what is known of its rows
  std::size_t kept_rows = 0;   ///< row numbers and words, twice
  std::size_t tree = 0;        ///< histograms, nodes and work lists
  std::size_t evaluation = 0;  ///< bins and margins of evaluation sets, and what metrics need
  std::size_t working = 0;     ///< the session on working rows, at most

  [[nodiscard]] std::size_t total() const noexcept { return table + kept_rows + tree + evaluation + working; }
};
/// Trees of a continued model that are larger than `parameters` allows come on top.
[[nodiscard]] MemoryPlan plan_memory(const SessionData& data, const Parameters& parameters);

/// Errors: kernels.memory when a run needs more than `free_bytes`; it names the setting that would make it
/// fit.
void check_memory(const SessionData& data, const Parameters& parameters, std::size_t free_bytes);

}  // namespace coppice::kernels::cuda
