#include <coppice/error.h>
#include <coppice/objective.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace coppice {
namespace {

TEST(Objective, HasAName) {
  EXPECT_EQ(to_string(Objective::kBinaryLogistic), "binary:logistic");
  EXPECT_EQ(to_string(Objective::kSquaredError), "reg:squarederror");
  EXPECT_EQ(objective_from_string("binary:logistic"), Objective::kBinaryLogistic);
  EXPECT_EQ(objective_from_string("reg:squarederror"), Objective::kSquaredError);
}

TEST(Objective, UnknownNameIsRefusedWithTheKnownOnes) {
  try {
    static_cast<void>(objective_from_string("binary:hinge"));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.id(), "core.objective.unknown");
    EXPECT_EQ(std::string(error.what()),
              "[core.objective.unknown] unknown objective 'binary:hinge'; there are binary:logistic and "
              "reg:squarederror");
  }
}

TEST(BaseMargin, IsXgboostsLogit) {
  // Margins of XGBoost 3.2 models with these base scores and no tree, bit for bit.
  const std::vector<std::pair<float, float>> expected = {
      {1e-9F, -0x1.ba18a8p+3F}, {1e-6F, -0x1.ba18a8p+3F}, {1.7e-3F, -0x1.9806f8p+2F},
      {0.1F, -0x1.193ea8p+1F},  {0.25F, -0x1.193ea8p+0F}, {0.5F, 0.0F},
      {0.75F, 0x1.193ea6p+0F},  {0.999F, 0x1.ba0848p+2F}, {0.99999994F, 0x1.b7d85ap+3F},
  };
  for (const auto& [score, margin] : expected) {
    EXPECT_EQ(base_margin(Objective::kBinaryLogistic, score), margin) << score;
  }
}

TEST(BaseMargin, IsTheScoreForSquaredError) {
  EXPECT_EQ(base_margin(Objective::kSquaredError, -3.25F), -3.25F);
}

TEST(MarginsToPredictions, AreXgboostsSigmoid) {
  // Predictions of XGBoost 3.2 for these margins, bit for bit.
  std::array<float, 12> values = {-100, -88.7F, -20, -3.5F, -1, -0.1F, 0, 0.1F, 1, 3.5F, 20, 100};
  margins_to_predictions(Objective::kBinaryLogistic, values);
  EXPECT_THAT(values, testing::ElementsAre(0x1.05ea38p-128F, 0x1.05ea38p-128F, 0x1.1b4866p-29F,
                                           0x1.e04068p-6F, 0x1.136562p-2F, 0x1.e66bdap-2F, 0.5F,
                                           0x1.0cca12p-1F, 0x1.764d5p-1F, 0x1.f0fdfcp-1F, 1.0F, 1.0F));
}

TEST(MarginsToPredictions, TakeInfiniteMargins) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  std::array<float, 2> values = {-kInfinity, kInfinity};
  margins_to_predictions(Objective::kBinaryLogistic, values);
  EXPECT_THAT(values, testing::ElementsAre(0x1.05ea38p-128F, 1.0F));
}

TEST(MarginsToPredictions, LeaveSquaredErrorAlone) {
  std::array<float, 3> values = {-2, 0, 1e30F};
  margins_to_predictions(Objective::kSquaredError, values);
  EXPECT_THAT(values, testing::ElementsAre(-2, 0, 1e30F));
}

}  // namespace
}  // namespace coppice
