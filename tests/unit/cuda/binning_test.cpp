// Cuts and bins made on the device are the CPU's, byte for byte, whatever the schedule and whatever fresh
// memory holds.
#include <coppice/kernels/backends.h>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "cuda/backend.h"
#include "cuda_runtime.h"
#include "reference/random_problem.h"

namespace coppice::kernels {
namespace {

using reference::Random;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

/// What a column of a random table looks like.
enum class Column { kNumbers, kFew, kConstant, kMissing, kSigns, kCategories };

float value_of(Column column, Random& random) {
  if (random.below(10) == 0) return kNaN;
  switch (column) {
    case Column::kNumbers:
      return static_cast<float>(random.below(1 << 20)) * 0.001F - 300.0F;
    case Column::kFew:
      return static_cast<float>(random.below(9)) - 4.0F;
    case Column::kConstant:
      return 2.5F;
    case Column::kMissing:
      return kNaN;
    case Column::kSigns:
      return random.below(2) == 0 ? -0.0F : 0.0F;
    case Column::kCategories:
      return static_cast<float>(random.below(12));
  }
  return 0;
}

Dataset random_table(std::size_t n_rows, std::size_t n_features, bool is_weighted, Random& random) {
  Dataset data;
  data.n_rows = n_rows;
  for (std::size_t f = 0; f < n_features; ++f) {
    const auto column = static_cast<Column>(random.below(6));
    Feature feature;
    feature.name = fmt::format("f{}", f);
    if (column == Column::kCategories) {
      feature.kind = FeatureKind::kCategorical;
      for (int c = 0; c < 11; ++c) feature.categories.push_back(fmt::format("c{}", c));
    }
    data.schema.features.push_back(feature);
    Buffer<float>& values = data.columns.emplace_back(n_rows);
    for (float& value : values) value = value_of(column, random);
  }
  if (is_weighted) {
    data.weights = Buffer<float>(n_rows);
    for (float& weight : data.weights) weight = static_cast<float>(random.below(50)) * 0.1F;
  }
  return data;
}

bool is_equal(const Buffer<std::uint8_t>& a, const Buffer<std::uint8_t>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

#if defined(COPPICE_FEW_CASES)  // every access to memory is checked: slow
constexpr int kCases = 6;
#else
constexpr int kCases = 24;
#endif

class DeviceBinning : public ::testing::TestWithParam<int> {};

TEST_P(DeviceBinning, GivesTheBytesOfTheCpu) {
  const auto seed = static_cast<std::uint64_t>(GetParam());
  Random random(seed);
  cuda_executor::settings() = {.seed = seed, .fill = static_cast<unsigned char>(seed * 85)};
  const auto n_rows = static_cast<std::size_t>(1 + random.below(seed % 4 == 0 ? 5000 : 1200));
  const Dataset data =
      random_table(n_rows, static_cast<std::size_t>(1 + random.below(70)), seed % 3 == 0, random);
  const CutOptions options{.max_bin = 2 + random.below(254),
                           .sample_rows = static_cast<std::size_t>(seed % 2 == 0 ? 0 : 1 + random.below(900)),
                           .seed = seed};
  const auto cpu = make_cpu_backend(1);
  const auto device = cuda::make_backend(0);
  const Cuts cuts = cpu->make_cuts(data, options);
  ASSERT_EQ(device->make_cuts(data, options), cuts);
  const bool with_records = seed % 5 != 0;
  const BinnedMatrix expected = cpu->bin(data, cuts, with_records);
  const BinnedMatrix bins = device->bin(data, cuts, with_records);
  EXPECT_EQ(bins.n_rows, n_rows);
  EXPECT_TRUE(is_equal(bins.columns, expected.columns));
  EXPECT_TRUE(is_equal(bins.records, expected.records));
}

/// Tails are cut finer from 64 rows a bin on.
TEST(DeviceCuts, OfLongTailsAreTheCpus) {
  constexpr std::size_t kRows = 6000;
  Random random(7);
  Dataset data;
  data.n_rows = kRows;
  data.schema.features = {{.name = "amount", .kind = FeatureKind::kNumeric, .categories = {}}};
  Buffer<float>& amounts = data.columns.emplace_back(kRows);
  for (float& amount : amounts) amount = std::exp(3 * static_cast<float>(random.normal()));
  for (const bool is_weighted : {false, true}) {
    if (is_weighted) data.weights = Buffer<float>(kRows, 0.5F);
    CutOptions options{.max_bin = 64, .fine_tails = false};
    const Cuts equal_shares = make_cpu_backend(1)->make_cuts(data, options);
    options.fine_tails = true;
    const Cuts cuts = cuda::make_backend(0)->make_cuts(data, options);
    EXPECT_EQ(cuts, make_cpu_backend(1)->make_cuts(data, options));
    EXPECT_NE(cuts, equal_shares);
  }
}

INSTANTIATE_TEST_SUITE_P(RandomTables, DeviceBinning, ::testing::Range(0, kCases));

}  // namespace
}  // namespace coppice::kernels
