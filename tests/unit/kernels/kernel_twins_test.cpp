// Every vector kernel against its scalar twin, bit by bit, on random input with awkward sizes.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "cpu/kernels.h"
#include "cpu/session.h"

namespace coppice::kernels::cpu {
namespace {

using Random = std::mt19937_64;

template <class T>
bool same_bits(const T& a, const T& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(*a.data())) == 0;
}

class KernelTwins : public testing::TestWithParam<InstructionSet> {
 protected:
  void SetUp() override {
    if (GetParam() > best_instruction_set())
      GTEST_SKIP() << "this processor does not have " << to_string(GetParam());
  }
  const Kernels& scalar_ = scalar_kernels();
  const Kernels& vector_ = kernels_of(GetParam());
  Random random_{7};

  float normal() { return std::normal_distribution<float>()(random_); }
  int below(int n) { return std::uniform_int_distribution<int>(0, n - 1)(random_); }
};

INSTANTIATE_TEST_SUITE_P(Sets, KernelTwins, testing::Values(InstructionSet::kAvx2, InstructionSet::kAvx512),
                         [](const auto& test) { return std::string(to_string(test.param)); });

TEST_P(KernelTwins, BinColumn) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  for (const int n_cuts : {0, 1, 2, 3, 7, 8, 31, 32, 63, 64, 100, 127, 128, 253, 254}) {
    std::vector<float> cuts(static_cast<std::size_t>(n_cuts));
    for (float& cut : cuts) cut = normal();
    std::sort(cuts.begin(), cuts.end());
    const CutTable table = make_cut_table(cuts);
    for (const std::size_t n : {1U, 15U, 16U, 17U, 500U, 512U}) {
      std::vector<float> values(512);
      for (float& x : values)
        x = below(10) == 0 ? kNan : n_cuts > 0 && below(3) == 0 ? cuts[below(n_cuts)] : normal();
      std::vector<std::uint8_t> a(512, 9), b(512, 8);
      scalar_.bin_column(table, values.data(), n, a.data());
      vector_.bin_column(table, values.data(), n, b.data());
      ASSERT_EQ(a, b);
      for (std::size_t i = 0; i < n; ++i) {
        const auto above = std::upper_bound(cuts.begin(), cuts.end(), values[i]) - cuts.begin();
        ASSERT_EQ(a[i], std::isnan(values[i]) ? 0 : 1 + above);
      }
    }
  }
}

/// A block's worth of rows for sweeps, with room behind.
struct SweepFixture {
  std::vector<float> margins = std::vector<float>(512), labels = std::vector<float>(512),
                     weights = std::vector<float>(512);
  std::vector<float> gradients = std::vector<float>(512, 3), largest = std::vector<float>(2);
  std::vector<std::uint16_t> label_bits = std::vector<std::uint16_t>(32);
  std::vector<std::uint8_t> narrow = std::vector<std::uint8_t>(512);
  std::vector<std::uint16_t> wide = std::vector<std::uint16_t>(512);
  std::vector<float> leaf_weights;
  std::vector<std::uint32_t> rows = std::vector<std::uint32_t>(528);
  std::vector<float> kept_gradients = std::vector<float>(528), kept_hessians = std::vector<float>(528);
  SweepSums sums;
  std::size_t n_kept = 0;

  void run(const Kernels& kernels, Sweep sweep, Objective objective, bool weighted, int n_leaves,
           bool is_wide) {
    sweep.margins = margins.data();
    if (n_leaves > 0 && is_wide) sweep.wide_leaves = wide.data();
    if (n_leaves > 0 && !is_wide) sweep.narrow_leaves = narrow.data();
    sweep.leaf_weights = leaf_weights.data();
    sweep.n_leaves = n_leaves;
    sweep.label_bits = label_bits.data();
    sweep.labels = labels.data();
    sweep.weights = weighted ? weights.data() : nullptr;
    sweep.gradients = gradients.data();
    sweep.largest_gradient = &largest[0];
    sweep.largest_hessian = &largest[1];
    n_kept = kernels.sweep[static_cast<int>(objective)][weighted ? 1 : 0](
        sweep, 0, {rows.data(), kept_gradients.data(), kept_hessians.data()}, sums);
    rows.resize(n_kept);
    kept_gradients.resize(n_kept);
    kept_hessians.resize(n_kept);
  }
};

TEST_P(KernelTwins, SweepAndQuantise) {
  for (int trial = 0; trial < 400; ++trial) {
    SweepFixture start;
    const auto objective = trial % 2 == 0 ? Objective::kBinaryLogistic : Objective::kSquaredError;
    const float spread = trial % 5 == 0 ? 60.0F : 3.0F;
    const int n_leaves = std::vector<int>{0, 1, 16, 33, 64, 65, 256}[below(7)];
    const bool is_wide = below(4) == 0;
    start.leaf_weights.resize(256);
    for (float& w : start.leaf_weights) w = normal();
    for (std::size_t i = 0; i < 512; ++i) {
      start.margins[i] = spread * normal();
      start.labels[i] = objective == Objective::kBinaryLogistic ? static_cast<float>(below(2)) : normal();
      start.label_bits[i / 16] |= static_cast<std::uint16_t>((start.labels[i] > 0.5F ? 1U : 0U) << (i % 16));
      start.weights[i] = below(5) == 0 ? 0.0F : std::exp(2 * normal());
      start.narrow[i] = static_cast<std::uint8_t>(below(std::max(1, n_leaves)));
      start.wide[i] = start.narrow[i];
    }
    Sweep sweep;
    sweep.n_rows = static_cast<std::size_t>(below(4) == 0 ? 1 + below(512) : 512);
    sweep.draws = below(8) != 0;
    const float threshold = std::vector<float>{0.0F, 1e-4F, 0.1F, 0.5F, 3.0F}[below(5)];
    const double subsample = below(2) == 0 ? 1.0 : 0.8;
    sweep.draw = detail::make_draw(objective, threshold, 0.7, subsample, 11, trial);
    const bool weighted = below(2) == 0;
    SweepFixture a = start, b = start;
    a.run(scalar_, sweep, objective, weighted, n_leaves, is_wide);
    b.run(vector_, sweep, objective, weighted, n_leaves, is_wide);
    ASSERT_EQ(a.n_kept, b.n_kept) << trial;
    a.margins.resize(sweep.n_rows);  // margins of padding rows are nobody's business
    b.margins.resize(sweep.n_rows);
    ASSERT_TRUE(same_bits(a.margins, b.margins)) << trial;
    ASSERT_TRUE(same_bits(a.gradients, b.gradients)) << trial;
    ASSERT_TRUE(same_bits(a.largest, b.largest)) << trial;
    ASSERT_TRUE(same_bits(a.rows, b.rows)) << trial;
    ASSERT_TRUE(same_bits(a.kept_gradients, b.kept_gradients)) << trial;
    ASSERT_TRUE(same_bits(a.kept_hessians, b.kept_hessians)) << trial;
    using SumBits = std::array<std::uint32_t, sizeof(SweepSums) / sizeof(float)>;
    ASSERT_EQ(std::bit_cast<SumBits>(a.sums), std::bit_cast<SumBits>(b.sums)) << trial;

    for (const bool scatter : {false, true}) {
      const Quantisation how{0x1p12F, 0x1p9F, 77U + static_cast<unsigned>(trial), scatter};
      std::vector<Word> words_a(528, -1), words_b(528, -1);
      const Word sum_a = scalar_.quantise(
          how, {a.rows.data(), a.kept_gradients.data(), a.kept_hessians.data()}, a.n_kept, words_a.data());
      const Word sum_b = vector_.quantise(
          how, {b.rows.data(), b.kept_gradients.data(), b.kept_hessians.data()}, b.n_kept, words_b.data());
      ASSERT_EQ(sum_a, sum_b) << trial;
      ASSERT_EQ(words_a, words_b) << trial;
    }
  }
}

TEST_P(KernelTwins, LeafSums) {
  for (int trial = 0; trial < 100; ++trial) {
    const int n_leaves = std::vector<int>{1, 2, 31, 256, 300}[trial % 5];
    std::vector<float> gradients(512), weights(512);
    std::vector<std::uint8_t> narrow(512);
    std::vector<std::uint16_t> wide(512);
    for (std::size_t i = 0; i < 512; ++i) {
      gradients[i] = std::tanh(normal());
      weights[i] = std::fabs(normal());
      wide[i] = static_cast<std::uint16_t>(below(n_leaves));
      narrow[i] = static_cast<std::uint8_t>(wide[i]);
    }
    const float largest_gradient = 5, largest_hessian = 5;
    LeafSums how;
    how.objective = trial % 2 == 0 ? Objective::kBinaryLogistic : Objective::kSquaredError;
    how.gradients = gradients.data();
    how.weights = trial % 3 == 0 ? nullptr : weights.data();
    how.largest_gradient = &largest_gradient;
    how.largest_hessian = &largest_hessian;
    how.gradient_exponent = 45;
    how.hessian_exponent = 40;
    how.n_leaves = n_leaves;
    const std::uint8_t* narrow_leaves = n_leaves > kNarrowLeaves ? nullptr : narrow.data();
    const std::uint16_t* wide_leaves = n_leaves > kNarrowLeaves ? wide.data() : nullptr;
    const std::size_t n_rows = trial % 4 == 0 ? 301 : 512;
    std::vector<LeafSum> a(static_cast<std::size_t>(n_leaves)), b = a;
    scalar_.add_leaf_sums(how, 0, n_rows, narrow_leaves, wide_leaves, a.data());
    vector_.add_leaf_sums(how, 0, n_rows, narrow_leaves, wide_leaves, b.data());
    ASSERT_TRUE(same_bits(a, b)) << trial;

    std::vector<float> leaf_weights(320), margins_a(512, 0.25F), margins_b(512, 0.25F);
    for (float& w : leaf_weights) w = normal();
    scalar_.add_leaf_weights(leaf_weights.data(), n_leaves, narrow_leaves, wide_leaves, margins_a.data());
    vector_.add_leaf_weights(leaf_weights.data(), n_leaves, narrow_leaves, wide_leaves, margins_b.data());
    ASSERT_TRUE(same_bits(margins_a, margins_b)) << trial;
  }
}

TEST_P(KernelTwins, SubtractAndFindNumeric) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (int trial = 0; trial < 2000; ++trial) {
    const int n_bins = 2 + below(255);
    std::vector<Word> bins(kHistogramStride, 0), child(kHistogramStride, 0);
    Word total = 0;
    for (int i = 0; i < n_bins; ++i) {
      // Small counts make ties likely; a third of the bins are empty.
      if ((i == 0 && trial % 2 == 0) || below(3) == 0) continue;
      bins[i] = detail::pack(below(7) - 3, 1 + below(3));
      total += bins[i];
    }
    SplitRule rule;
    // The units of words, word_exponent's extremes among them, and the largest penalty.
    const bool is_extreme = trial % 11 == 0;
    rule.gradient_unit = !is_extreme ? 0x1p-3 : trial % 2 == 0 ? 0x1p126 : 0x1p-100;
    rule.hessian_unit = !is_extreme ? 0x1p-5 : trial % 3 == 0 ? 0x1p126 : 0x1p-100;
    rule.reg_lambda = trial % 7 == 0 ? 0 : is_extreme && trial % 5 == 0 ? 1e100 : 1;
    rule.reg_alpha = trial % 5 == 0 ? 2.4 * rule.gradient_unit : 0;
    rule.min_hessian = trial % 3 == 0 ? 32 * rule.hessian_unit : rule.hessian_unit;
    Split a, b;
    if (trial % 4 == 0) a = b = {.score = 0.2, .key = detail::split_key(2, 9, 1), .left = 5};
    scalar_.find_numeric(3, bins.data(), n_bins, total, rule, a);
    vector_.find_numeric(3, bins.data(), n_bins, total, rule, b);
    ASSERT_EQ(a.score, b.score) << trial;
    ASSERT_EQ(a.key, b.key) << trial;
    ASSERT_EQ(a.left, b.left) << trial;
    // A best of the same score, or a unit in the last place beside it, from a feature before or after this
    // one.
    for (const double score : {std::nextafter(a.score, -1), a.score, std::nextafter(a.score, kInfinity)}) {
      for (const std::uint32_t feature : {2U, 4U}) {
        const Split before = {.score = score, .key = detail::split_key(feature, 9, 1), .left = 5};
        Split c = before, d = before;
        scalar_.find_numeric(3, bins.data(), n_bins, total, rule, c);
        vector_.find_numeric(3, bins.data(), n_bins, total, rule, d);
        ASSERT_EQ(c.score, d.score) << trial;
        ASSERT_EQ(c.key, d.key) << trial;
        ASSERT_EQ(c.left, d.left) << trial;
      }
    }

    for (Word& w : child) w = detail::pack(below(9) - 4, below(9));
    std::vector<Word> parent_a = bins, parent_b = bins;
    scalar_.subtract(parent_a.data(), child.data(), 256);
    vector_.subtract(parent_b.data(), child.data(), 256);
    ASSERT_EQ(parent_a, parent_b);
  }
}

Split random_split(Random& random, std::uint32_t feature) {
  Split split;
  split.score = 1;
  split.is_categorical = random() % 3 == 0;
  split.key = detail::split_key(feature, static_cast<int>(random() % 255), static_cast<int>(random() % 2));
  if (split.is_categorical)
    for (auto& word : split.right_bins) word = random();
  else if (split.bin() == 0)
    split.key &= ~1U;  // only missing goes left: the other side is no candidate
  return split;
}

TEST_P(KernelTwins, PartSlots) {
  for (int trial = 0; trial < 200; ++trial) {
    std::vector<std::uint8_t> bytes(4096 * 4 + 64);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    BinSource source;
    source.base = bytes.data();
    source.row_stride = trial % 2 == 0 ? 1 : 4;
    source.block_stride = trial % 2 == 0 ? 512 * 3 : 512 * 4;
    const Split split = random_split(random_, 0);
    const auto n = static_cast<std::size_t>(below(2048));
    std::vector<std::uint32_t> slots(n);
    // Anywhere, or close together as in a large node, over the ends of blocks.
    const bool is_near = trial % 4 < 2;
    for (std::size_t i = 0; i < n; ++i)
      slots[i] = static_cast<std::uint32_t>(is_near ? (2 * i + below(1 + trial)) % 4096 : below(4096));
    const std::uint32_t* list = trial % 3 == 0 ? nullptr : slots.data();
    std::vector<std::uint32_t> left_a(n + 16), right_a(n + 16), left_b(n + 16), right_b(n + 16);
    const std::size_t n_a = scalar_.part_slots(source, split, list, 17, n, left_a.data(), right_a.data());
    const std::size_t n_b = vector_.part_slots(source, split, list, 17, n, left_b.data(), right_b.data());
    ASSERT_EQ(n_a, n_b) << trial;
    for (auto* parts : {&left_a, &left_b}) parts->resize(n_a);
    for (auto* parts : {&right_a, &right_b}) parts->resize(n - n_a);
    ASSERT_EQ(left_a, left_b) << trial;
    ASSERT_EQ(right_a, right_b) << trial;
  }
}

/// A random tree over n_features features with n_splits splits.
std::vector<detail::GrownNode> random_tree(Random& random, int n_splits, std::uint32_t n_features) {
  std::vector<detail::GrownNode> nodes(1);
  for (int i = 0; i < n_splits; ++i) {
    std::size_t leaf = random() % nodes.size();
    while (nodes[leaf].left >= 0) leaf = static_cast<std::size_t>(nodes[leaf].left) + random() % 2;
    nodes[leaf].left = static_cast<int>(nodes.size());
    nodes[leaf].split = random_split(random, static_cast<std::uint32_t>(random() % n_features));
    nodes.emplace_back();
    nodes.emplace_back();
  }
  return nodes;
}

TEST_P(KernelTwins, RouteBlock) {
  for (int trial = 0; trial < 100; ++trial) {
    const int n_splits = std::vector<int>{0, 1, 5, 40, 255, 400}[trial % 6];
    const auto nodes = random_tree(random_, n_splits, 5);
    const RouteTree tree = make_route_tree(nodes);
    ASSERT_EQ(tree.n_leaves, n_splits + 1);
    std::vector<std::uint8_t> columns(5 * 512);
    for (auto& bin : columns) bin = static_cast<std::uint8_t>(random_());
    std::vector<std::uint8_t> narrow_a(512, 1), narrow_b(512, 2);
    std::vector<std::uint16_t> wide_a(512, 1), wide_b(512, 2);
    const bool is_wide = tree.n_leaves > kNarrowLeaves;
    scalar_.route_block(tree, columns.data(), 0, is_wide ? nullptr : narrow_a.data(),
                        is_wide ? wide_a.data() : nullptr);
    vector_.route_block(tree, columns.data(), 0, is_wide ? nullptr : narrow_b.data(),
                        is_wide ? wide_b.data() : nullptr);
    for (std::size_t i = 0; i < 512; ++i) {
      const int a = is_wide ? wide_a[i] : narrow_a[i];
      ASSERT_EQ(a, is_wide ? wide_b[i] : narrow_b[i]) << trial << " row " << i;
      std::size_t node = 0;
      while (nodes[node].left >= 0)
        node = static_cast<std::size_t>(nodes[node].left) +
               (nodes[node].split.goes_right(columns[nodes[node].split.feature() * 512 + i]) ? 1 : 0);
      ASSERT_EQ(tree.node_of_leaf[a], static_cast<int>(node)) << trial;
    }
  }
}

TEST_P(KernelTwins, AddRows) {
  for (std::size_t n_features = 1; n_features <= 32; ++n_features) {
    std::vector<std::uint8_t> records(300 * 32 + 64);
    for (auto& bin : records) bin = static_cast<std::uint8_t>(random_());
    std::vector<Word> words(300);
    for (Word& word : words) word = detail::pack(below(99) - 50, below(99));
    std::vector<std::uint32_t> slots(200);
    for (auto& slot : slots) slot = static_cast<std::uint32_t>(below(300));
    for (const auto& [listed, scattered] :
         {std::pair{false, false}, {true, false}, {false, true}, {true, true}}) {
      // Neighbours in the middle of the record, or as far apart as they can be.
      std::vector<std::uint8_t> offsets(n_features);
      for (std::size_t i = 0; i < n_features; ++i)
        offsets[i] = static_cast<std::uint8_t>(scattered ? i * 32 / n_features : (32 - n_features) / 2 + i);
      const HistogramRows rows{
          records.data(), offsets.data(), 32, words.data(), listed ? slots.data() : nullptr, 50, 200};
      std::vector<Word> histogram(n_features * kHistogramStride), expected = histogram;
      vector_.add_rows[scattered ? 1 : 0][n_features](rows, histogram.data());
      for (std::size_t i = 0; i < 200; ++i) {
        const std::size_t slot = listed ? slots[i] : 50 + i;
        for (std::size_t f = 0; f < n_features; ++f)
          expected[f * kHistogramStride + records[slot * 32 + offsets[f]]] += words[slot];
      }
      ASSERT_EQ(histogram, expected) << n_features;
    }
  }
}

}  // namespace
}  // namespace coppice::kernels::cpu
