// Cuts and bins of the CPU backend, and the names of backends.
#include <coppice/error.h>
#include <coppice/kernels/backends.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace coppice::kernels {
namespace {

Dataset mixed_table(std::size_t n_rows) {
  std::vector<float> values;
  for (std::size_t row = 0; row < n_rows; ++row)
    for (std::size_t f = 0; f < 40; ++f) {
      const auto x = static_cast<float>((row * 7919 + f * 104729) % (f < 20 ? 1009 : 5));
      values.push_back((row + f) % 11 == 0 ? std::numeric_limits<float>::quiet_NaN() : x);
    }
  Dataset data = make_dataset(values, 40, {});
  data.schema.features[39].kind = FeatureKind::kCategorical;  // codes 0 .. 3, and 4 = other
  data.schema.features[39].categories = {"a", "b", "c", "d"};
  return data;
}

TEST(CpuBackend, BinsBothLayoutsOnEveryInstructionSet) {
  for (const std::size_t n_rows : {1U, 511U, 512U, 513U, 2000U}) {
    const Dataset data = mixed_table(n_rows);
    for (const InstructionSet set :
         {InstructionSet::kScalar, InstructionSet::kAvx2, InstructionSet::kAvx512}) {
      if (set > best_instruction_set()) continue;
      const auto backend = make_cpu_backend(2, set);
      const Cuts cuts = backend->make_cuts(data, {});
      const BinnedMatrix matrix = backend->bin(data, cuts, true);
      EXPECT_EQ(cuts.n_bins(39), 6);
      for (std::size_t f = 0; f < 40; ++f) {
        const std::size_t group = f / kGroupFeatures;
        for (std::size_t row = 0; row < matrix.n_padded_rows(); ++row) {
          const int expected = row < n_rows ? cuts.bin_of(f, data.columns[f][row]) : 0;
          ASSERT_EQ(matrix.bin(row, f), expected);
          ASSERT_EQ(matrix.records[matrix.group_offset(group) + row * matrix.group_stride(group) +
                                   f % kGroupFeatures],
                    expected);
        }
      }
    }
  }
}

TEST(CpuBackend, RefusesATableOfOtherWidth) {
  const auto backend = make_cpu_backend(1);
  const Cuts cuts = backend->make_cuts(mixed_table(10), {});
  try {
    (void)backend->bin(make_dataset(std::vector<float>{1, 2}, 2, {}), cuts, false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "[kernels.bin.features] the table has 2 features, its cuts were made for 40");
  }
}

TEST(Backends, AreMadeByName) {
  EXPECT_EQ(make_backend("cpu")->name(), "cpu");
  EXPECT_THAT([] { (void)make_backend("gpu"); }, testing::ThrowsMessage<Error>(testing::HasSubstr(
                                                     "unknown device 'gpu': use cpu, cuda, cuda:N or auto")));
}

}  // namespace
}  // namespace coppice::kernels
