#include <coppice/operating_points.h>
#include <gtest/gtest.h>

#include <vector>

namespace coppice {
namespace {

using Floats = std::vector<float>;

TEST(OperatingPoints, OneForEachDistinctPredictionFalling) {
  const Floats predictions = {0.5F, 0.9F, 0.1F, 0.5F};
  const Floats labels = {1, 0, 0, 0};
  const Floats weights = {2, 3, 4, 5};
  const std::vector<OperatingPoint> points = operating_points(predictions, {labels, weights});
  ASSERT_EQ(points.size(), 3);
  EXPECT_EQ(points[0].threshold, 0.9F);
  EXPECT_EQ(points[0].confusion.false_positive, 3);
  EXPECT_EQ(points[0].confusion.true_positive, 0);
  EXPECT_EQ(points[1].threshold, 0.5F);  // ties are in together
  EXPECT_EQ(points[1].confusion.false_positive, 8);
  EXPECT_EQ(points[1].confusion.true_positive, 2);
  EXPECT_EQ(points[1].confusion.true_negative, 4);
  EXPECT_EQ(points[2].threshold, 0.1F);
  EXPECT_EQ(points[2].confusion.true_negative, 0);
}

TEST(OperatingPoints, AreThoseOfConfusion) {
  Floats predictions, labels;
  for (int i = 0; i < 100; ++i) {
    predictions.push_back(static_cast<float>((i * 37) % 50) / 50);
    labels.push_back(i % 3 == 0 ? 1 : 0);
  }
  const std::vector<OperatingPoint> points = operating_points(predictions, {labels});
  EXPECT_EQ(points.size(), 50);
  for (const auto& [threshold, counts] : points) {
    const Confusion expected = confusion(predictions, {labels}, threshold);
    EXPECT_EQ(counts.true_positive, expected.true_positive);
    EXPECT_EQ(counts.false_positive, expected.false_positive);
  }
}

TEST(OperatingPoints, NoneWithoutRows) { EXPECT_TRUE(operating_points({}, {}).empty()); }

}  // namespace
}  // namespace coppice
