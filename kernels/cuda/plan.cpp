#include "cuda/plan.h"

#include <coppice/detail/working_rows.h>
#include <coppice/error.h>

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "cuda/growth.h"
#include "cuda/metrics.h"
#include "cuda/sorting.h"

namespace coppice::kernels::cuda {
namespace {

std::size_t tree_bytes(const BinnedMatrix& bins, const Parameters& parameters) {
  const TreeSizes sizes = tree_sizes(bins, parameters);
  const std::size_t of_node = sizeof(GrownNode) + sizeof(RouteNode) + sizeof(LeafSum) + sizeof(NodeRows) +
                              sizeof(int) + sizeof(float);
  const std::size_t of_slot =
      sizes.slot_words * sizeof(Word) + sizeof(Pair) + 2 * sizes.octets * sizeof(BlockSplit);
  const std::size_t of_feature = 2 * sizeof(std::uint32_t) + sizeof(FeatureBins) + 1;
  return sizes.nodes * of_node + sizes.slots * of_slot + bins.n_features() * of_feature + sizeof(TreeState);
}

/// A training table's share of the plan, with its trees.
MemoryPlan plan_table(const BinnedMatrix& bins, bool has_weights, const Parameters& parameters) {
  MemoryPlan plan;
  const std::size_t row_floats = has_weights ? 4 : 3;  // labels, margins, gradients, weights
  plan.table = column_bytes(bins) + record_bytes(bins) +
               bins.n_rows * (row_floats * sizeof(float) + sizeof(std::uint32_t)) +
               bins.n_blocks() * 2 * sizeof(float);
  plan.kept_rows = bins.n_rows * 2 * (sizeof(std::uint32_t) + sizeof(Word));
  plan.tree = tree_bytes(bins, parameters);
  return plan;
}

/// The most that a session on working rows takes.
std::size_t working_bytes(const BinnedMatrix& bins, const Parameters& parameters) {
  if (parameters.working_rounds == 1 || parameters.sampling_noise == 0) return 0;
  const BinnedMatrix working = largest_working_table(bins);
  if (working.n_rows == 0) return 0;
  return plan_table(working, true, parameters).total() + sort_scratch_bytes<std::uint32_t>(working.n_rows);
}

/// Gigabytes, for people.
std::string gigabytes(std::size_t bytes) {
  return fmt::format("{:.1f} GB", static_cast<double>(bytes) * 1e-9);
}

/// What to change so that a run fits: `max_depth=11 would fit`.
std::string way_out(const SessionData& data, const Parameters& parameters, std::size_t free_bytes) {
  const auto fits = [&](const Parameters& changed) {
    return plan_memory(data, changed).total() <= free_bytes;
  };
  Parameters changed = parameters;
  changed.working_rounds = 1;
  if (fits(changed)) return "working_rounds=1 would fit";
  changed = parameters;
  for (int depth = std::min(parameters.max_depth, 24) - 1; depth > 0; --depth) {
    changed.max_depth = depth;
    if (fits(changed)) return fmt::format("max_depth={} would fit", depth);
  }
  changed = parameters;
  for (int leaves = parameters.max_leaves / 2; leaves > 1; leaves /= 2) {
    changed.max_leaves = leaves;
    if (fits(changed)) return fmt::format("max_leaves={} would fit", leaves);
  }
  const MemoryPlan plan = plan_memory(data, parameters);
  if (plan.total() - plan.evaluation <= free_bytes) return "without watched sets it would fit";
  return "train on fewer rows, or with device=cpu";
}

}  // namespace

std::size_t column_bytes(const BinnedMatrix& bins) noexcept {
  return bins.n_padded_rows() * bins.n_features();
}

std::size_t record_bytes(const BinnedMatrix& bins) noexcept {
  const std::size_t last = bins.n_groups() - 1;
  return bins.group_offset(last) + bins.n_padded_rows() * bins.group_stride(last);
}

TreeSizes tree_sizes(const BinnedMatrix& bins, const Parameters& parameters) {
  TreeSizes sizes;
  for (std::size_t f = 0; f < bins.n_features(); ++f) {
    sizes.max_bins = std::max(sizes.max_bins, static_cast<std::uint32_t>(bins.cuts.n_bins(f)));
    sizes.has_categorical = sizes.has_categorical || bins.cuts.is_categorical(f);
  }
  // Each leaf has a kept row of its own.
  sizes.leaves = std::max<std::size_t>(bins.n_rows, 1);
  if (parameters.max_leaves > 0)
    sizes.leaves = std::min(sizes.leaves, static_cast<std::size_t>(parameters.max_leaves));
  const auto depth = static_cast<unsigned>(parameters.max_depth);
  if (depth > 0) sizes.leaves = std::min(sizes.leaves, std::size_t{1} << depth);
  sizes.nodes = 2 * sizes.leaves - 1;
  // Every split but those of the last level makes one histogram, and the root has one.
  sizes.slots = depth > 0 ? std::min(sizes.leaves, std::size_t{1} << (depth - 1)) : sizes.leaves;
  const std::size_t groups = (bins.n_features() + kGroup - 1) / kGroup;
  sizes.slot_words = groups * sizes.max_bins * kGroup;
  sizes.octets = (bins.n_features() + kOctet - 1) / kOctet;
  return sizes;
}

BinnedMatrix largest_working_table(const BinnedMatrix& table) {
  BinnedMatrix working;
  working.cuts = table.cuts;
  working.n_rows = table.n_rows / engine::kRowsPerWorkingRow;
  return working;
}

MemoryPlan plan_memory(const SessionData& data, const Parameters& parameters) {
  MemoryPlan plan = plan_table(*data.bins, !data.weights.empty(), parameters);
  for (const BinnedMatrix* matrix : data.evaluation)
    plan.evaluation += column_bytes(*matrix) + matrix->n_rows * sizeof(float);
  plan.evaluation += WatchedMetrics::n_bytes(data);
  plan.working = working_bytes(*data.bins, parameters);
  return plan;
}

void check_memory(const SessionData& data, const Parameters& parameters, std::size_t free_bytes) {
  const MemoryPlan plan = plan_memory(data, parameters);
  if (plan.total() <= free_bytes) return;
  throw Error(
      "kernels.memory",
      fmt::format("this training needs {} of device memory and {} are free (the table {}, kept rows {}, "
                  "trees {}, watched sets {}, working rows {}): {}",
                  gigabytes(plan.total()), gigabytes(free_bytes), gigabytes(plan.table),
                  gigabytes(plan.kept_rows), gigabytes(plan.tree), gigabytes(plan.evaluation),
                  gigabytes(plan.working), way_out(data, parameters, free_bytes)));
}

}  // namespace coppice::kernels::cuda
