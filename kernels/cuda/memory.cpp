#include "cuda/memory.h"

#include <vector>

namespace coppice::kernels::cuda {

SessionMemory::SessionMemory(const Stream& stream, const BinnedMatrix& table, bool has_weights,
                             const TreeSizes& sizes) {
  const std::size_t n = table.n_rows, n_features = table.n_features();
  bins = {DeviceBuffer<std::uint8_t>(column_bytes(table)), DeviceBuffer<std::uint8_t>(record_bytes(table)),
          static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(n_features)};
  labels = DeviceBuffer<float>(n);
  weights = DeviceBuffer<float>(has_weights ? n : 0);
  margins = DeviceBuffer<float>(n);
  gradients = DeviceBuffer<float>(n);
  largest_gradient = DeviceBuffer<float>(table.n_blocks());
  largest_hessian = DeviceBuffer<float>(table.n_blocks());
  leaves = DeviceBuffer<std::uint32_t>(n);
  for (auto& kept : tree.kept) kept = DeviceBuffer<std::uint32_t>(n);
  for (auto& words : tree.words) words = DeviceBuffer<Word>(n);
  tree.histograms = DeviceBuffer<Word>(sizes.slots * sizes.slot_words);
  allocate_nodes(stream, sizes.nodes);
  tree.leaf_sums = DeviceBuffer<LeafSum>(sizes.nodes);
  tree.node_rows = DeviceBuffer<NodeRows>(sizes.nodes);
  tree.slots = DeviceBuffer<int>(sizes.nodes);
  tree.pairs = DeviceBuffer<Pair>(sizes.slots);
  tree.candidates = DeviceBuffer<BlockSplit>(sizes.slots * 2 * sizes.octets);
  tree.features = DeviceBuffer<std::uint32_t>(2 * n_features);
  tree.in_level = DeviceBuffer<std::uint8_t>(n_features);
  tree.state = DeviceBuffer<TreeState>(1);
  std::vector<FeatureBins> of_features(n_features);
  for (std::size_t f = 0; f < n_features; ++f)
    of_features[f] = {static_cast<std::uint16_t>(table.cuts.n_bins(f)), table.cuts.is_categorical(f)};
  tree.feature_bins = upload(stream, std::span<const FeatureBins>(of_features));
  fetched_state = PinnedBuffer<TreeState>(1);
  fetched_sums = PinnedBuffer<LeafSum>(sizes.nodes);
  features = PinnedBuffer<std::uint32_t>(2 * n_features);
  stream.synchronize();
}

void SessionMemory::allocate_nodes(const Stream& stream, std::size_t n_nodes) {
  tree.nodes = DeviceBuffer<GrownNode>(n_nodes);
  fill_bytes(stream, tree.nodes.data(), 0, n_nodes);
  tree.route = DeviceBuffer<RouteNode>(n_nodes);
  tree.leaf_weights = DeviceBuffer<float>(n_nodes);
  fetched_nodes = PinnedBuffer<GrownNode>(n_nodes);
  added_route = PinnedBuffer<RouteNode>(n_nodes);
  leaf_weights = PinnedBuffer<float>(n_nodes);
}

DeviceBins upload_columns(const Stream& stream, const BinnedMatrix& bins) {
  return {upload(stream, std::span<const std::uint8_t>(bins.columns.data(), column_bytes(bins))),
          {},
          static_cast<std::uint32_t>(bins.n_rows),
          static_cast<std::uint32_t>(bins.n_features())};
}

}  // namespace coppice::kernels::cuda
