#include <coppice/score_reference.h>
#include <gmock/gmock.h>

#include <vector>

namespace coppice {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(DescribeScores, CutsIntoTwentieths) {
  std::vector<float> scores;
  for (int i = 0; i < 1000; ++i) scores.push_back(static_cast<float>((i * 77) % 1000));  // 0 .. 999, mixed
  const ScoreReference reference = describe_scores(scores);
  ASSERT_EQ(reference.cuts.size(), 19U);
  EXPECT_EQ(reference.cuts.front(), 50);
  EXPECT_EQ(reference.cuts.back(), 950);
  EXPECT_THAT(reference.counts, testing::Each(50U));
}

TEST(DescribeScores, JoinsTies) {
  // The quantiles are 0.1 sixteen times, then 0.5 three times; no row is below 0.1.
  std::vector<float> scores(84, 0.1F);
  scores.insert(scores.end(), 16, 0.5F);
  EXPECT_THAT(describe_scores(scores).cuts, ElementsAre(0.5F));
  EXPECT_THAT(describe_scores(scores).counts, ElementsAre(84, 16));
}

TEST(DescribeScores, TakesAnyNumberOfRows) {
  EXPECT_THAT(describe_scores({}).counts, IsEmpty());
  EXPECT_THAT(describe_scores(std::vector{0.25F}).cuts, IsEmpty());
  EXPECT_THAT(describe_scores(std::vector{0.25F}).counts, ElementsAre(1));
  EXPECT_THAT(describe_scores(std::vector{0.5F, 0.25F}).cuts, ElementsAre(0.5F));
  // More than are sampled: all are counted.
  std::vector<float> many(100'000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<float>(i);
  const ScoreReference reference = describe_scores(many);
  ASSERT_EQ(reference.counts.size(), 20U);
  // A cut is off by the distance of two sampled rows at most: 100,000 / 32,768 < 4.
  for (const std::uint32_t count : reference.counts) EXPECT_NEAR(count, 5000, 4);
}

}  // namespace
}  // namespace coppice
