// Margins of a table on the device: a thread walks one row through all trees, in tree order.
//
// Values are read by columns: neighbouring threads are neighbouring rows, so the first level of every tree
// reads whole lines, and what a block of rows has of the other features stays in the first-level cache.
#include <algorithm>
#include <vector>

#include "cuda/backend.h"
#include "cuda/launch.h"

namespace coppice::kernels::cuda {
namespace {

constexpr unsigned kThreads = 128;
/// Floats that are on the device at a time.
constexpr std::size_t kStretchValues = std::size_t{1} << 26;
/// From here on a number is no category code (coppice::goes_left).
constexpr float kCodeLimit = 1 << 24;

/// A node of any tree. alignas: one load.
struct alignas(16) ScoringNode {
  std::int32_t left = -1;  ///< among all nodes; the right child is next; -1: a leaf
  float value = 0;         ///< leaf weight or threshold
  std::uint32_t feature = 0;
  std::uint32_t kind = 0;  ///< bit 0: missing goes left; above: 1 + number of its category set, or 0
};

/// Categories [begin, end) that go right, ascending.
struct CategoryRange {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
};

/// A model and a stretch of rows.
struct Scoring {
  const ScoringNode* nodes;
  const std::int32_t* roots;
  unsigned n_trees;
  const CategoryRange* sets;
  const std::int32_t* categories;
  const float* values;  ///< [n_features, n_rows]
  std::size_t n_rows;
  float base_margin;
  float* margins;
};

__device__ bool contains(const Scoring& scoring, CategoryRange set, std::int32_t code) {
  while (set.begin < set.end) {
    const std::uint32_t middle = set.begin + (set.end - set.begin) / 2;
    if (scoring.categories[middle] == code) return true;
    if (scoring.categories[middle] < code)
      set.begin = middle + 1;
    else
      set.end = middle;
  }
  return false;
}

/// coppice::goes_left.
__device__ bool goes_left(const Scoring& scoring, const ScoringNode& node, float value) {
  if (value != value) return (node.kind & 1) != 0;
  if (node.kind < 2) return value < node.value;
  if (value < 0 || value >= kCodeLimit) return true;
  return !contains(scoring, scoring.sets[node.kind / 2 - 1], static_cast<std::int32_t>(value));
}

/// Margins of a stretch of rows, a thread for each. Cost: a node (16 bytes) and a value for each level of
/// each tree. Source: coppice::predict_margin, whose order of additions is kept.
__global__ void sum_leaves(Scoring scoring) {
  const std::size_t row = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (row >= scoring.n_rows) return;
  float margin = scoring.base_margin;
  for (unsigned tree = 0; tree < scoring.n_trees; ++tree) {
    ScoringNode node = scoring.nodes[scoring.roots[tree]];
    while (node.left >= 0) {
      const float value = scoring.values[node.feature * scoring.n_rows + row];
      node = scoring.nodes[node.left + (goes_left(scoring, node, value) ? 0 : 1)];
    }
    margin += node.value;
  }
  scoring.margins[row] = margin;
}

/// The trees as arrays.
struct FlatTrees {
  std::vector<ScoringNode> nodes;
  std::vector<std::int32_t> roots;
  std::vector<CategoryRange> sets;
  std::vector<std::int32_t> categories;
};

FlatTrees flatten(const Model& model) {
  FlatTrees flat;
  for (const Tree& tree : model.trees) {
    const auto root = static_cast<std::int32_t>(flat.nodes.size());
    const auto first_category = static_cast<std::uint32_t>(flat.categories.size());
    flat.roots.push_back(root);
    flat.categories.insert(flat.categories.end(), tree.categories.begin(), tree.categories.end());
    for (const Tree::Node& node : tree.nodes) {
      ScoringNode& to = flat.nodes.emplace_back();
      to.value = node.weight;
      if (node.is_leaf()) continue;
      to.left = root + node.left;
      to.value = node.threshold;
      to.feature = static_cast<std::uint32_t>(node.feature);
      to.kind = node.default_left ? 1 : 0;
      if (!node.is_categorical) continue;
      const std::uint32_t begin = first_category + node.categories_begin;
      flat.sets.push_back({begin, begin + node.categories_size});
      to.kind |= static_cast<std::uint32_t>(flat.sets.size()) << 1;
    }
  }
  return flat;
}

}  // namespace

void predict_margins(const Model& model, const Dataset& data, std::span<float> margins) {
  const FlatTrees flat = flatten(model);
  const Stream stream;
  const auto nodes = upload(stream, std::span(flat.nodes));
  const auto roots = upload(stream, std::span(flat.roots));
  const auto sets = upload(stream, std::span(flat.sets));
  const auto categories = upload(stream, std::span(flat.categories));
  const std::size_t n_features = data.n_features();
  const std::size_t most_rows =
      std::max<std::size_t>(1, kStretchValues / std::max<std::size_t>(1, n_features));
  const std::size_t stretch_rows = std::min(data.n_rows, most_rows);
  DeviceBuffer<float> values(stretch_rows * n_features), on_device(stretch_rows);
  for (std::size_t first = 0; first < data.n_rows; first += stretch_rows) {
    const std::size_t n_rows = std::min(stretch_rows, data.n_rows - first);
    for (std::size_t f = 0; f < n_features; ++f)
      copy_to_device(stream, values.data() + f * n_rows,
                     std::span<const float>(data.columns[f]).subspan(first, n_rows));
    const Scoring scoring{nodes.data(),
                          roots.data(),
                          static_cast<unsigned>(flat.roots.size()),
                          sets.data(),
                          categories.data(),
                          values.data(),
                          n_rows,
                          base_margin(model.objective, model.base_score),
                          on_device.data()};
    const auto n_blocks = static_cast<unsigned>((n_rows + kThreads - 1) / kThreads);
    launch<sum_leaves>(stream, {.grid = {n_blocks}, .block = {kThreads}}, scoring);
    copy_to_host(stream, margins.subspan(first, n_rows), on_device.data());
    stream.synchronize();
  }
}

}  // namespace coppice::kernels::cuda
