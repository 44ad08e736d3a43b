#include <coppice/serve/shadow.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace coppice::serve {
namespace {

TEST(Shadow, HowOftenAndHowFar) {
  ShadowComparison comparison;
  EXPECT_EQ(comparison.report().mean_difference, 0);  // of no rows
  comparison.record(std::vector{0.25F, 0.5F}, 0.5, std::vector{0.25F, 0.375F}, 0.5);
  comparison.record(std::vector{0.25F, 0.5F}, 0.5, std::vector{0.75F, 0.5F}, 0.875);
  comparison.record_failure();
  comparison.record_dropped();
  comparison.record_dropped();
  const ShadowReport report = comparison.report();
  EXPECT_EQ(report.requests, 2U);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.dropped, 2U);
  EXPECT_EQ(report.rows, 4U);
  EXPECT_EQ(report.rows_different, 2U);
  EXPECT_EQ(report.labels_different, 2U);      // 0.5 and 0.375; 0.5 at 0.5 and 0.5 at 0.875
  EXPECT_EQ(report.mean_difference, 0.15625);  // (0 + 0.125 + 0.5 + 0) / 4
  EXPECT_EQ(report.mean_shift, 0.09375);       // (0 - 0.125 + 0.5 + 0) / 4
  EXPECT_EQ(report.max_difference, 0.5);
  EXPECT_EQ(report.by_difference, (std::array<std::uint64_t, 7>{2, 0, 0, 0, 0, 0, 2}));
}

TEST(Shadow, GroupsOfDifferences) {
  ShadowComparison comparison;
  const std::vector<float> answered(7, 0.0F);
  const std::vector<float> shadow{0, 1e-7F, 1e-5F, 5e-4F, 5e-3F, 0.05F, 0.5F};
  comparison.record(answered, 0.5, shadow, 0.5);
  EXPECT_EQ(comparison.report().by_difference, (std::array<std::uint64_t, 7>{1, 1, 1, 1, 1, 1, 1}));
}

TEST(Shadow, Json) {
  ShadowComparison comparison;
  comparison.record(std::vector{0.25F}, 0.5, std::vector{0.75F}, 0.5);
  EXPECT_EQ(to_json(comparison.report()),
            R"({"requests":1,"failed":0,"dropped":0,"rows":1,"rows_different":1,"labels_different":1,)"
            R"("mean_difference":0.5,"max_difference":0.5,"mean_shift":0.5,"by_difference":[)"
            R"({"at_most":0.0,"rows":0},{"at_most":1e-06,"rows":0},{"at_most":0.0001,"rows":0},)"
            R"({"at_most":0.001,"rows":0},{"at_most":0.01,"rows":0},{"at_most":0.1,"rows":0},)"
            R"({"at_most":null,"rows":1}]})");
}

}  // namespace
}  // namespace coppice::serve
