#include <coppice/dataset.h>
#include <coppice/error.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace coppice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

std::vector<float> numbers(const Buffer<float>& buffer) { return {buffer.begin(), buffer.end()}; }

std::string error_of(const std::vector<float>& values, std::size_t n_features,
                     const std::vector<float>& labels, std::vector<std::string> names = {}) {
  try {
    static_cast<void>(make_dataset(values, n_features, labels, std::move(names)));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(MakeDataset, TurnsRowsIntoColumns) {
  const std::vector<float> values = {1, 2, 3, 4, kNaN, 6};
  const std::vector<float> labels = {0, 1};
  const Dataset data = make_dataset(values, 3, labels, {"a", "b", "c"});
  EXPECT_EQ(data.n_rows, 2U);
  ASSERT_EQ(data.n_features(), 3U);
  EXPECT_THAT(numbers(data.columns[0]), ElementsAre(1, 4));
  EXPECT_EQ(data.columns[1][0], 2);
  EXPECT_TRUE(std::isnan(data.columns[1][1]));
  EXPECT_THAT(numbers(data.columns[2]), ElementsAre(3, 6));
  EXPECT_THAT(numbers(data.labels), ElementsAre(0, 1));
  EXPECT_THAT(numbers(data.weights), IsEmpty());
}

TEST(MakeDataset, KeepsEveryValueOfManyRows) {
  constexpr std::size_t kRows = 1000;  // some blocks of rows and a rest
  std::vector<float> values;
  for (std::size_t i = 0; i < 3 * kRows; ++i) values.push_back(static_cast<float>(i));
  const Dataset data = make_dataset(values, 3, {});
  ASSERT_EQ(data.n_rows, kRows);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t f = 0; f < 3; ++f) ASSERT_EQ(data.columns[f][row], static_cast<float>(3 * row + f));
  }
}

TEST(MakeDataset, SchemaNamesNumericFeatures) {
  const std::vector<float> values = {1, 2};
  const Dataset named = make_dataset(values, 2, std::vector<float>{1}, {"amount", "hour"});
  const Feature amount = {.name = "amount", .kind = FeatureKind::kNumeric, .categories = {}};
  const Feature hour = {.name = "hour", .kind = FeatureKind::kNumeric, .categories = {}};
  EXPECT_THAT(named.schema.features, ElementsAre(amount, hour));
  EXPECT_EQ(named.schema.label, "label");
  EXPECT_TRUE(named.schema.has_header);
}

TEST(MakeDataset, WithoutNamesFeaturesGoByPosition) {
  const std::vector<float> values = {1, 2};
  const Dataset data = make_dataset(values, 2, {});
  EXPECT_EQ(data.schema.features[0].name, "f0");
  EXPECT_EQ(data.schema.features[1].name, "f1");
  EXPECT_EQ(data.schema.label, "");
  EXPECT_FALSE(data.schema.has_header);
}

TEST(MakeDataset, NoRowsAreADataSet) {
  const Dataset data = make_dataset({}, 2, {});
  EXPECT_EQ(data.n_rows, 0U);
  EXPECT_EQ(data.n_features(), 2U);
}

TEST(MakeDataset, RefusesSizesThatDisagree) {
  EXPECT_EQ(error_of({1, 2, 3}, 2, {}), "[core.dataset.shape] 3 values do not fill rows of 2 features");
  EXPECT_EQ(error_of({1, 2, 3, 4}, 2, {0}),
            "[core.dataset.shape] 4 values make 2 rows of 2 features, but there are 1 labels");
  EXPECT_EQ(error_of({}, 2, {0}),
            "[core.dataset.shape] 0 values make 0 rows of 2 features, but there are 1 labels");
  EXPECT_EQ(error_of({1, 2}, 2, {}, {"a"}), "[core.dataset.shape] 1 names for 2 features");
  EXPECT_EQ(error_of({}, 0, {}), "[core.dataset.shape] a data set needs at least one feature");
}

TEST(MakeDataset, RefusesInfiniteValues) {
  EXPECT_EQ(
      error_of({1, 2, 3, -std::numeric_limits<float>::infinity()}, 2, {}, {"a", "b"}),
      "[core.dataset.infinite] row 1, feature b: -inf is not a finite number; use NaN for a missing value");
}

}  // namespace
}  // namespace coppice
