// The kernels in plain C++: the scalar twins, and, compiled once more for AVX2, the AVX2 path.
// Included in a file of its own for each instruction set, inside an unnamed namespace. Each loop does per row
// what numerics.h says, in the order that docs/determinism.md fixes.

// Sixteen lanes of a sum over the rows of a block.
struct Lanes {
  float value[detail::kLanes] = {};
  void add(std::size_t row, float term) { value[row % detail::kLanes] += term; }
  [[nodiscard]] float sum() const { return detail::add_lanes(value); }
};

void bin_column(const CutTable& cuts, const float* values, std::size_t n, std::uint8_t* bins) {
  // Level by level: one row waits for its comparison while the others go on.
  unsigned at[kBlockRows];
  std::fill_n(at, n, 1U);
  for (int level = 0; level < cuts.n_levels; ++level) {
    for (std::size_t i = 0; i < n; ++i) {
      const unsigned node = at[i];
      at[i] = 2 * node + (values[i] >= cuts.tree[node] ? 1U : 0U);
    }
  }
  const unsigned before_leaves = (1U << cuts.n_levels) - 1;
  for (std::size_t i = 0; i < n; ++i)
    bins[i] = static_cast<std::uint8_t>(values[i] == values[i] ? at[i] - before_leaves : 0);
  std::fill(bins + n, bins + kBlockRows, std::uint8_t{0});
}

int leaf_at(const std::uint8_t* narrow, const std::uint16_t* wide, std::size_t i) {
  return narrow != nullptr ? narrow[i] : wide[i];
}

template <class Loss, bool kWeighted>
std::size_t sweep_block(const Sweep& sweep, std::size_t block, KeptRows kept, SweepSums& sums) {
  const Draw& draw = sweep.draw;
  const bool has_tree = sweep.narrow_leaves != nullptr || sweep.wide_leaves != nullptr;
  Lanes squares, below, squares_below, kept_gradient, kept_hessian;
  float largest_gradient = 0, largest_hessian = 0;
  std::size_t n_kept = 0;
  for (std::size_t i = 0; i < kBlockRows; ++i) {
    const std::size_t row = block * kBlockRows + i;
    if (row >= sweep.n_rows) {
      sweep.gradients[row] = 0;
      continue;
    }
    if (has_tree)
      sweep.margins[row] += sweep.leaf_weights[leaf_at(sweep.narrow_leaves, sweep.wide_leaves, row)];
    float label;
    if constexpr (Loss::kObjective == Objective::kBinaryLogistic)
      label = (sweep.label_bits[row / 16] >> (row % 16) & 1) != 0 ? 1.0F : 0.0F;
    else
      label = sweep.labels[row];
    const float unit = Loss::gradient(sweep.margins[row], label);
    sweep.gradients[row] = unit;
    float gradient = unit;
    float hessian = Loss::hessian(unit);
    if constexpr (kWeighted) {
      gradient = unit * sweep.weights[row];
      hessian = hessian * sweep.weights[row];
    }
    largest_gradient = std::max(largest_gradient, std::fabs(gradient));
    largest_hessian = std::max(largest_hessian, hessian);
    const float a = detail::importance(gradient, hessian, draw.floor, draw.threshold);
    const float square = a * a;
    squares.add(i, square);
    if (a < draw.threshold) {
      below.add(i, a);
      squares_below.add(i, square);
    }
    if (!sweep.draws || !detail::is_kept(draw, a, static_cast<std::uint32_t>(row))) continue;
    const float times = detail::repeat(draw, a);
    kept.rows[n_kept] = static_cast<std::uint32_t>(row);
    kept.gradients[n_kept] = gradient * times;
    kept.hessians[n_kept] = hessian * times;
    kept_gradient.add(i, std::fabs(kept.gradients[n_kept]));
    kept_hessian.add(i, kept.hessians[n_kept]);
    ++n_kept;
  }
  sweep.largest_gradient[block] = largest_gradient;
  sweep.largest_hessian[block] =
      Loss::kObjective == Objective::kBinaryLogistic ? largest_gradient : largest_hessian;
  sums = {squares.sum(), below.sum(), squares_below.sum(), kept_gradient.sum(), kept_hessian.sum()};
  return n_kept;
}

Word quantise_rows(const Quantisation& how, const KeptRows& kept, std::size_t n, Word* words) {
  Word sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const Word word = detail::quantise(kept.gradients[i], kept.hessians[i], how.gradient_scale,
                                       how.hessian_scale, how.rounding_key, kept.rows[i]);
    words[how.scatter ? kept.rows[i] : i] = word;
    sum += word;
  }
  return sum;
}

void subtract(Word* parent, const Word* child, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i) parent[i] -= child[i];
}

void find_numeric(std::uint32_t feature, const Word* bins, int n_bins, Word total, const SplitRule& rule,
                  Split& best) {
  const double total_gradient = static_cast<double>(detail::gradient_of(total)) * rule.gradient_unit;
  const double total_hessian = static_cast<double>(detail::hessian_of(total)) * rule.hessian_unit;
  const auto try_left = [&](Word left, int bin, int side) {
    const double g = static_cast<double>(detail::gradient_of(left)) * rule.gradient_unit;
    const double h = static_cast<double>(detail::hessian_of(left)) * rule.hessian_unit;
    const double score = detail::split_score(g, h, total_gradient - g, total_hessian - h, rule);
    const std::uint32_t key = detail::split_key(feature, bin, side);
    if (score < 0 || !detail::is_better(score, key, best)) return;
    best.score = score;
    best.key = key;
    best.left = left;
    best.is_categorical = false;
  };
  const Word missing = bins[0];
  if (missing != 0) try_left(missing, 0, 0);
  Word left = 0;
  for (int bin = 1; bin < n_bins - 1; ++bin) {
    if (bins[bin] == 0) continue;  // the candidate before it once more, with a higher key
    left += bins[bin];
    try_left(missing + left, bin, 0);
    if (missing != 0) try_left(left, bin, 1);
  }
}

std::size_t part_slots(const BinSource& source, const Split& split, const std::uint32_t* slots,
                       std::uint32_t first_slot, std::size_t n, std::uint32_t* left, std::uint32_t* right) {
  bool goes_right[256];
  for (int bin = 0; bin < 256; ++bin) goes_right[bin] = split.goes_right(bin);
  std::size_t n_left = 0, n_right = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint32_t slot = slots != nullptr ? slots[i] : first_slot + static_cast<std::uint32_t>(i);
    const std::uint8_t bin =
        source.base[slot / kBlockRows * source.block_stride + slot % kBlockRows * source.row_stride];
    const bool is_right = goes_right[bin];
    left[n_left] = slot;
    right[n_right] = slot;
    n_left += is_right ? 0 : 1;
    n_right += is_right ? 1 : 0;
  }
  return n_left;
}

void walk_block(const RouteTree& tree, const std::uint8_t* columns, std::size_t /*ahead*/,
                std::uint8_t* narrow, std::uint16_t* wide) {
  for (std::size_t i = 0; i < kBlockRows; ++i) {
    const RouteNode* node = tree.nodes.data();
    while (node->leaf < 0) {
      const std::uint8_t bin = columns[node->feature * kBlockRows + i];
      const bool is_right = node->category_set >= 0
                                ? tree.sets[node->category_set][bin] != 0
                                : static_cast<std::uint8_t>(bin - node->shift) > node->bin;
      node = is_right ? &tree.nodes[node->right] : node + 1;
    }
    if (narrow != nullptr)
      narrow[i] = static_cast<std::uint8_t>(node->leaf);
    else
      wide[i] = static_cast<std::uint16_t>(node->leaf);
  }
}

void add_leaf_sums(const LeafSums& sums, std::size_t block, std::size_t n_rows, const std::uint8_t* narrow,
                   const std::uint16_t* wide, LeafSum* leaves) {
  const int gradient_bits = detail::block_exponent(sums.largest_gradient[block], sums.gradient_exponent);
  const int hessian_bits = detail::block_exponent(sums.largest_hessian[block], sums.hessian_exponent);
  const float gradient_scale = detail::exp2_float(gradient_bits);
  const float hessian_scale = detail::exp2_float(hessian_bits);
  const int gradient_shift = sums.gradient_exponent - gradient_bits;
  const int hessian_shift = sums.hessian_exponent - hessian_bits;
  const std::size_t first = block * kBlockRows;
  const std::size_t end = std::min(n_rows, first + kBlockRows);
  for (std::size_t row = first; row < end; ++row) {
    float gradient = sums.gradients[row];
    float hessian = sums.objective == Objective::kBinaryLogistic ? detail::LogisticLoss::hessian(gradient)
                                                                 : detail::SquaredLoss::hessian(gradient);
    if (sums.weights != nullptr) {
      gradient = gradient * sums.weights[row];
      hessian = hessian * sums.weights[row];
    }
    LeafSum& leaf = leaves[leaf_at(narrow, wide, row - first)];
    leaf.gradient += static_cast<std::int64_t>(detail::round_nearest(gradient, gradient_scale)) *
                     (std::int64_t{1} << gradient_shift);
    leaf.hessian += static_cast<std::int64_t>(detail::round_nearest(hessian, hessian_scale)) *
                    (std::int64_t{1} << hessian_shift);
  }
}

void add_leaf_weights(const float* leaf_weights, int /*n_leaves*/, const std::uint8_t* narrow,
                      const std::uint16_t* wide, float* margins) {
  for (std::size_t i = 0; i < kBlockRows; ++i) margins[i] += leaf_weights[leaf_at(narrow, wide, i)];
}

// Sixteen rows ahead: far enough to hide a miss in the last-level cache, near enough to stay in the first.
constexpr std::size_t kPrefetchRows = 16;

template <bool kNeighbours, int kFeatures>
void add_rows(const HistogramRows& rows, Word* histogram) {
  const std::uint8_t* first = rows.records + (kNeighbours ? rows.offsets[0] : 0);
  const auto add = [&](std::uint32_t slot) {
    const std::uint8_t* record = first + slot * rows.stride;
    const Word word = rows.words[slot];
#pragma GCC unroll 32
    for (int i = 0; i < kFeatures; ++i)
      histogram[static_cast<std::size_t>(i) * kHistogramStride + record[kNeighbours ? i : rows.offsets[i]]] +=
          word;
  };
  if (rows.slots == nullptr) {
    for (std::size_t i = 0; i < rows.n; ++i) add(rows.first_slot + static_cast<std::uint32_t>(i));
    return;
  }
  const std::size_t n_ahead = rows.n > kPrefetchRows ? rows.n - kPrefetchRows : 0;
  std::size_t i = 0;
  for (; i < n_ahead; ++i) {
    const std::uint32_t ahead = rows.slots[i + kPrefetchRows];
    __builtin_prefetch(rows.records + ahead * rows.stride);
    __builtin_prefetch(rows.words + ahead);
    add(rows.slots[i]);
  }
  for (; i < rows.n; ++i) add(rows.slots[i]);
}

template <bool kNeighbours, int... kFeatures>
constexpr std::array<AddRows, sizeof...(kFeatures) + 1> add_rows_table(
    std::integer_sequence<int, kFeatures...> /*n*/) {
  return {nullptr, &add_rows<kNeighbours, kFeatures + 1>...};
}

constexpr Kernels kPortableKernels{
    .bin_column = bin_column,
    .sweep = {{sweep_block<detail::LogisticLoss, false>, sweep_block<detail::LogisticLoss, true>},
              {sweep_block<detail::SquaredLoss, false>, sweep_block<detail::SquaredLoss, true>}},
    .quantise = quantise_rows,
    .add_rows = {add_rows_table<true>(std::make_integer_sequence<int, static_cast<int>(kGroupFeatures)>()),
                 add_rows_table<false>(std::make_integer_sequence<int, static_cast<int>(kGroupFeatures)>())},
    .subtract = subtract,
    .find_numeric = find_numeric,
    .part_slots = part_slots,
    .route_block = walk_block,
    .add_leaf_sums = add_leaf_sums,
    .add_leaf_weights = add_leaf_weights,
};
