// Ranges, spaces, random points and grids.
#include <coppice/error.h>
#include <coppice/tune/space.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

namespace coppice::tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

Space space_of(const std::vector<std::string>& texts) {
  Space space;
  for (const std::string& text : texts) space.push_back(range_from_text(text));
  return space;
}

TEST(Space, ReadsRanges) {
  EXPECT_EQ(range_from_text("eta=0:1"), (Range{"eta", RangeKind::kNumber, Scaling::kLinear, 0, 1, {}}));
  EXPECT_EQ(range_from_text("alpha=0.01:2:log"),
            (Range{"alpha", RangeKind::kNumber, Scaling::kLogarithmic, 0.01, 2, {}}));
  EXPECT_EQ(range_from_text("subsample=0.5:0.99:reverselog"),
            (Range{"subsample", RangeKind::kNumber, Scaling::kReverseLogarithmic, 0.5, 0.99, {}}));
  const Range depth{"max_depth", RangeKind::kInteger, Scaling::kLinear, 1, 10, {}};
  EXPECT_EQ(range_from_text("max_depth=1:10:int"), depth);
  EXPECT_EQ(range_from_text("max_depth=1:10"), depth);  // the parameter is an integer
  EXPECT_EQ(range_from_text("max_bin=16:255:int:log").scaling, Scaling::kLogarithmic);
  EXPECT_THAT(range_from_text("grow_policy=depthwise,lossguide").values,
              ElementsAre("depthwise", "lossguide"));
}

TEST(Space, RefusesWhatIsNoRange) {
  for (const std::string text : {"eta", "=0:1", "eta=0.3", "eta=", "eta=0:", "eta=a:1", "eta=0:1:cubic",
                                 "eta=0:inf", "eta=0:1e999", "eta= 0:1"}) {
    EXPECT_THAT(error_of([&] { (void)range_from_text(text); }), StartsWith("[tune.range] " + text)) << text;
  }
}

TEST(Space, ChecksWhatAParameterTakes) {
  const auto check = [](const std::vector<std::string>& texts) {
    return error_of([&] { check_space(space_of(texts)); });
  };
  EXPECT_EQ(check({"eta=0:1", "max_depth=1:10", "grow_policy=depthwise,lossguide"}), "");
  EXPECT_EQ(check({}), "[tune.space] there is no range: nothing to tune");
  EXPECT_THAT(check({"etta=0:1"}), StartsWith("[core.parameter.unknown]"));
  EXPECT_THAT(check({"eta=0:2"}), StartsWith("[core.parameter.value]"));
  EXPECT_THAT(check({"max_depth=1.5:3"}), HasSubstr("whole numbers"));
  EXPECT_THAT(check({"eta=1:0"}), HasSubstr("is not below"));
  EXPECT_THAT(check({"eta=0:1:log"}), HasSubstr("above 0"));
  EXPECT_THAT(check({"eta=0:1:reverselog"}), HasSubstr("below 1"));
  EXPECT_THAT(check({"grow_policy=depthwise,breadthwise"}), StartsWith("[core.parameter.value]"));
  EXPECT_THAT(check({"max_bin=63,63"}), HasSubstr("named twice"));
  EXPECT_EQ(check({"eta=0:1", "learning_rate=0:1"}), "[tune.space] there are two ranges of learning_rate");
  for (const std::string text :
       {"threads=1:2", "device=cpu,cuda", "objective=binary:logistic,reg:squarederror"}) {
    EXPECT_NE(check({text}), "") << text;
  }
}

TEST(Space, ReadsJsonInBothForms) {
  const Space space = space_of({"max_depth=1:10", "eta=0.01:1:log", "max_bin=63,255"});
  EXPECT_EQ(space_from_json(R"({"max_depth": "1:10", "eta": "0.01:1:log", "max_bin": [63, 255]})", "s.json"),
            space);
  EXPECT_EQ(space_to_json(space), R"({"max_depth":"1:10:int","eta":"0.01:1:log","max_bin":["63","255"]})");
  EXPECT_EQ(space_from_json(space_to_json(space), "s.json"), space);
  EXPECT_EQ(space_from_json(parameter_ranges(space), "s.json"), space);  // numbers stand in this order, too
  EXPECT_EQ(space_from_json(R"({"ContinuousParameterRanges": [
      {"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "Auto"}]})",
                            "s.json"),
            space_of({"eta=0:1"}));
  for (
      const std::string json :
      {"", "[]", R"({"eta": 1})", R"({"eta": {}})", R"({"IntegerParameterRanges": 3})",
       R"({"IntegerParameterRanges": [3]})", R"({"IntegerParameterRanges": [{"Name": "max_depth"}]})",
       R"({"ContinuousParameterRanges": [{"Name": "eta", "MinValue": "0", "MaxValue": "1", "ScalingType": "x"}]})",
       R"({"CategoricalParameterRanges": [{"Name": "max_bin", "Values": 3}]})"}) {
    EXPECT_THAT(error_of([&] { (void)space_from_json(json, "s.json"); }), HasSubstr("s.json")) << json;
  }
}

TEST(Space, RandomPointsAreHashesOfTheirName) {
  const Space space = space_of({"eta=0:1", "max_depth=1:10"});
  const Space turned = space_of({"max_depth=1:10", "learning_rate=0:1"});
  for (int trial = 0; trial < 20; ++trial) {
    const auto a = random_point(space, 7, trial), b = random_point(turned, 7, trial);
    EXPECT_EQ(a[0].value, b[1].value);
    EXPECT_EQ(a[1], b[0]);
  }
  EXPECT_NE(random_point(space, 7, 0), random_point(space, 8, 0));
  EXPECT_NE(random_point(space, 7, 0), random_point(space, 7, 1));
}

TEST(Space, RandomPointsFillTheirScale) {
  // 2000 draws: a share differs from its probability by at most 4 standard deviations, 4 sqrt(p (1 - p) / n).
  constexpr int kDraws = 2000;
  const Space space = space_of({"eta=0:1", "alpha=0.01:100:log", "subsample=0.9:0.999:reverselog",
                                "max_depth=1:4", "max_cat_to_onehot=1:8:log", "max_bin=63,255"});
  int below_half = 0, below_one = 0, below_99 = 0, depth_one = 0, few = 0, first = 0;
  for (int trial = 0; trial < kDraws; ++trial) {
    const auto point = random_point(space, 1, trial);
    const double eta = std::stod(point[0].value), alpha = std::stod(point[1].value),
                 subsample = std::stod(point[2].value);
    EXPECT_TRUE(eta >= 0 && eta <= 1 && alpha >= 0.01 && alpha <= 100 && subsample >= 0.9 &&
                subsample <= 0.999);
    below_half += eta < 0.5;
    below_one += alpha < 1;
    below_99 += subsample < 0.99;
    depth_one += point[3].value == "1";
    few += std::stoi(point[4].value) <= 2;
    first += point[5].value == "63";
  }
  const auto expect_share = [](int count, double share) {
    EXPECT_NEAR(count / static_cast<double>(kDraws), share, 4 * std::sqrt(share * (1 - share) / kDraws));
  };
  expect_share(below_half, 0.5);
  expect_share(below_one, 0.5);
  expect_share(below_99, 0.5);  // -log(1 - x) is log 10, log 100, log 1000
  expect_share(depth_one, 0.25);
  expect_share(few, std::log(2.5 / 0.5) / std::log(8.5 / 0.5));
  expect_share(first, 0.5);
}

TEST(Space, GridsHaveEndsAndAllCombinations) {
  const Space space = space_of({"eta=0:1", "max_depth=3:4", "alpha=0.01:100:log", "max_bin=63,255"});
  ASSERT_EQ(grid_size(space, 3), 3 * 2 * 3 * 2);
  const auto text = [](const std::vector<Assignment>& point) {
    std::string result;
    for (const auto& [name, value] : point) result += value + ' ';
    return result;
  };
  EXPECT_EQ(text(grid_point(space, 3, 0)), "0 3 0.01 63 ");
  EXPECT_EQ(text(grid_point(space, 3, 1)), "0 3 0.01 255 ");
  EXPECT_EQ(text(grid_point(space, 3, 2)), "0 3 1 63 ");
  EXPECT_EQ(text(grid_point(space, 3, 12)), "0.5 3 0.01 63 ");
  EXPECT_EQ(text(grid_point(space, 3, 35)), "1 4 100 255 ");
  std::set<std::string> points;
  for (int i = 0; i < 36; ++i) points.insert(text(grid_point(space, 3, i)));
  EXPECT_EQ(points.size(), 36U);
  // Log steps of small integers meet: 1, 1.26, 1.59, 2, ... are 1, 2, 3, 4, 5, 6, 8.
  EXPECT_EQ(grid_size(space_of({"max_depth=1:20:log"}), 14), 11);
}

}  // namespace
}  // namespace coppice::tune
