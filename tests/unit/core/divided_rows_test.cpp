#include <coppice/dataset.h>
#include <gmock/gmock.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace coppice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();

template <class T>
std::vector<T> values(const Buffer<T>& buffer) {
  return {buffer.begin(), buffer.end()};
}

/// A number, and a category of which rows hold d, a, b, c and one that has no name.
Dataset table() {
  Dataset data;
  data.n_rows = 8;
  data.schema.features = {{"n", FeatureKind::kNumeric, {}},
                          {"c", FeatureKind::kCategorical, {"d", "a", "b", "c"}}};
  data.columns.emplace_back(Buffer<float>{0, 1, 2, 3, 4, 5, 6, 7});
  data.columns.emplace_back(Buffer<float>{0, 3, 4, 2, kMissing, 1, 2, 0});
  data.labels = {0, 1, 0, 1, 0, 1, 0, 1};
  data.side.groups = {7, 6, 5, 4, 3, 2, 1, 0};
  return data;
}

TEST(DivideRows, KeepsTheOrderAndDropsWhatHasNoPart) {
  const std::vector<std::uint8_t> parts = {0, 1, 255, 0, 1, 0, 0, 2};
  const std::vector<Dataset> divided = divide_rows(table(), parts, 2);
  ASSERT_EQ(divided.size(), 2);
  EXPECT_EQ(divided[0].n_rows, 4);
  EXPECT_THAT(values(divided[0].columns[0]), ElementsAre(0, 3, 5, 6));
  EXPECT_THAT(values(divided[1].columns[0]), ElementsAre(1, 4));
  EXPECT_THAT(values(divided[0].labels), ElementsAre(0, 1, 1, 0));
  EXPECT_THAT(values(divided[1].side.groups), ElementsAre(6, 3));
  EXPECT_THAT(values(divided[0].weights), IsEmpty());
  EXPECT_THAT(values(divided[0].side.amounts), IsEmpty());
}

TEST(DivideRows, NamesTheCategoriesOfTheFirstPart) {
  // The first part holds d, b, a, b: b is the most frequent, then a and d in their order; c is not known.
  const std::vector<std::uint8_t> parts = {0, 1, 1, 0, 1, 0, 0, 1};
  const std::vector<Dataset> divided = divide_rows(table(), parts, 2);
  for (const Dataset& part : divided) {
    EXPECT_THAT(part.schema.features[1].categories, ElementsAre("b", "a", "d"));
  }
  EXPECT_THAT(values(divided[0].columns[1]), ElementsAre(2, 0, 1, 0));
  EXPECT_THAT(values(divided[1].columns[1]), ElementsAre(3, 3, testing::IsNan(), 2));
}

TEST(DivideRows, APartMayBeEmpty) {
  const std::vector<Dataset> divided = divide_rows(table(), std::vector<std::uint8_t>(8), 2);
  EXPECT_EQ(divided[0].n_rows, 8);
  EXPECT_EQ(divided[1].n_rows, 0);
  EXPECT_EQ(divided[1].n_features(), 2);
}

}  // namespace
}  // namespace coppice
