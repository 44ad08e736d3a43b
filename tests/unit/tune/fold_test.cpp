// Splits and folds by time and by group, on tables made by hand and at random.
#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace coppice::tune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Times = std::vector<double>;
using Groups = std::vector<std::uint64_t>;
using Classes = std::vector<std::uint32_t>;

constexpr int kNone = kNoPart;

Parts split_times(const Times& times, const std::vector<double>& fractions, double gap = 0) {
  return split({times.size(), {}, times, {}}, {SplitStrategy::kTime, fractions, 0, 0, gap});
}

template <class Work>
std::string error_of(const Work& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TimeSplit, OldestRowsTrainInAnyOrder) {
  EXPECT_THAT(split_times({4, 1, 3, 2}, {0.5, 0.5}), ElementsAre(1, 0, 1, 0));
  EXPECT_THAT(split_times({5, -1, 2.5, 0, 9, 7}, {0.5, 1.0 / 6, 1.0 / 3}), ElementsAre(1, 0, 0, 0, 2, 2));
}

TEST(TimeSplit, EqualTimesStayTogetherAndFollowTheirMiddle) {
  // Of five rows three are the first part. Times 2 2 2 are rows 1..3 (middle 2.5 of 3 rows): part 0.
  EXPECT_THAT(split_times({1, 2, 2, 2, 3}, {0.5, 0.5}), ElementsAre(0, 0, 0, 0, 1));
  // Of six rows three are the first part as well; the middle of 2 2 2 2 is 3: still part 0.
  EXPECT_THAT(split_times({1, 2, 2, 2, 2, 3}, {0.5, 0.5}), ElementsAre(0, 0, 0, 0, 0, 1));
  // Here the middle, 3.5, is beyond the cut at 2.
  EXPECT_THAT(split_times({1, 2, 2, 2, 2, 2}, {0.3, 0.7}), ElementsAre(0, 1, 1, 1, 1, 1));
}

TEST(TimeSplit, GapIsTakenFromTheBeginOfEveryLaterPart) {
  EXPECT_THAT(split_times({0, 1, 2, 3, 4, 5, 6, 7, 8}, {1.0 / 3, 1.0 / 3, 1.0 / 3}, 1.5),
              ElementsAre(0, 0, 0, kNone, 1, 1, kNone, 2, 2));
  // A row exactly one gap after the training period is within the gap.
  EXPECT_THAT(split_times({0, 1, 2, 3}, {0.5, 0.5}, 1), ElementsAre(0, 0, kNone, 1));
}

TEST(TimeSplit, ImpossibleRequests) {
  EXPECT_THAT(error_of([] {
                split_times({7, 7, 7}, {0.5, 0.5});
              }),
              HasSubstr("[tune.split.empty] part 2 of 2 gets none of the 3 rows: too few different times"));
  EXPECT_THAT(error_of([] {
                split_times({1, 2}, {0.5, 0.5}, 5);
              }),
              HasSubstr("[tune.split.empty] part 2 of 2"));
  EXPECT_THAT(error_of([] { split_times({1, 2}, {0.5, 0.5}, -1); }), HasSubstr("[tune.split.gap] gap -1"));
  EXPECT_THAT(error_of([] {
                split_times({1, std::nan("")}, {0.5, 0.5});
              }),
              HasSubstr("[tune.split.column] the time of row 1 (counted from 0) is nan"));
  EXPECT_THAT(error_of([] {
                (void)split({2, {}, {}, {}}, {SplitStrategy::kTime, {0.5, 0.5}, 0, 0, 0});
              }),
              HasSubstr("[tune.split.column] 0 times for 2 rows"));
  EXPECT_THAT(error_of([] {
                (void)split({2, {}, {}, {}}, {SplitStrategy::kRandom, {0.5, 0.5}, 0, 0, 1});
              }),
              HasSubstr("[tune.split.gap] only a split by time has a gap"));
}

TEST(TimeGroupSplit, SeenGroupsAreLeftOutOfLaterParts) {
  const Times times = {1, 2, 3, 4, 5, 6};
  const Groups groups = {10, 11, 10, 12, 12, 13};
  const SplitOptions thirds{SplitStrategy::kTimeGroup, {1.0 / 3, 1.0 / 3, 1.0 / 3}, 0, 0, 0};
  EXPECT_THAT(split({6, {}, times, groups}, thirds), ElementsAre(0, 0, kNone, 1, kNone, 2));
  const Groups one(6, 10);
  EXPECT_THAT(error_of([&] {
                (void)split({6, {}, times, one}, thirds);
              }),
              HasSubstr("or only groups that were seen before"));
}

TEST(TimeFolds, ChainForward) {
  const Times times = {0, 1, 2, 3, 4, 5};
  const SplitColumns columns{6, {}, times, {}};
  EXPECT_THAT(make_folds(columns, {SplitStrategy::kTime, {}, 2, 0, 0}),
              ElementsAre(ElementsAre(0, 0, 1, 1, kNone, kNone), ElementsAre(0, 0, 0, 0, 1, 1)));
  EXPECT_THAT(make_folds(columns, {SplitStrategy::kTime, {}, 2, 0, 1}),
              ElementsAre(ElementsAre(0, 0, kNone, 1, kNone, kNone), ElementsAre(0, 0, 0, 0, kNone, 1)));
  const Groups groups = {1, 2, 3, 1, 4, 3};
  EXPECT_THAT(make_folds({6, {}, times, groups}, {SplitStrategy::kTimeGroup, {}, 2, 0, 0}),
              ElementsAre(ElementsAre(0, 0, 1, kNone, kNone, kNone), ElementsAre(0, 0, 0, 0, 1, kNone)));
}

TEST(Folds, ImpossibleNumbers) {
  const auto folds = [](std::size_t n_rows, std::size_t n_folds) {
    return error_of([&] {
      (void)make_folds({n_rows, {}, {}, {}}, {SplitStrategy::kRandom, {}, n_folds, 0, 0});
    });
  };
  EXPECT_EQ(folds(10, 1), "[tune.split.folds] 1 folds; give 2 to 254");
  EXPECT_EQ(folds(1000, 255), "[tune.split.folds] 255 folds; give 2 to 254");
  EXPECT_THAT(folds(3, 4), HasSubstr("[tune.split.empty] part 4 of 4 gets none of the 3 rows: too few rows"));
}

TEST(Folds, EveryRowIsTestedOnceAndClassesHaveTheirShare) {
  Classes classes(100);
  for (std::size_t row = 0; row < 10; ++row) classes[row * 10] = 1;
  const auto folds = make_folds({100, classes, {}, {}}, {SplitStrategy::kStratified, {}, 5, 3, 0});
  std::vector<int> tested(100);
  for (const Parts& fold : folds) {
    int n_frauds = 0;
    for (std::size_t row = 0; row < 100; ++row) {
      ASSERT_LE(fold[row], 1);
      tested[row] += fold[row];
      n_frauds += fold[row] == kTestPart && classes[row] == 1 ? 1 : 0;
    }
    EXPECT_EQ(n_frauds, 2);
  }
  EXPECT_THAT(tested, ::testing::Each(1));
}

TEST(PrequentialFolds, WindowsAreHalfOpenAndMoveByStep) {
  const Times days = {0, 1, 2, 3, 4, 5, 6, 7};
  PrequentialOptions options{0, 2, 1, 2, 2, 2};
  EXPECT_THAT(prequential_folds(days, options),
              ElementsAre(ElementsAre(0, 0, kNone, 1, 1, kNone, kNone, kNone),
                          ElementsAre(kNone, kNone, 0, 0, kNone, 1, 1, kNone)));
  options.n_folds = 4;  // the fourth tests on days 9 and 10
  EXPECT_THAT(error_of([&] { (void)prequential_folds(days, options); }),
              HasSubstr("[tune.split.empty] part 2 of 2 of fold 4"));
  options.train_length = 0;
  EXPECT_EQ(error_of([&] { (void)prequential_folds(days, options); }),
            "[tune.split.folds] training length 0 must be a number above 0");
}

/// Rows of groups of very different sizes; one group in ten has one fraud.
struct GroupTable {
  Groups groups;
  Classes classes;
  std::size_t largest = 0;
};

GroupTable random_groups(std::mt19937& random) {
  GroupTable table;
  for (std::uint64_t group = 0; group < 200; ++group) {
    const std::size_t n_rows = 1 + random() % 20;
    table.largest = std::max(table.largest, n_rows);
    for (std::size_t i = 0; i < n_rows; ++i) {
      table.groups.push_back(group_key(std::to_string(group)));
      table.classes.push_back(group % 10 == 0 && i == 0 ? 1 : 0);
    }
  }
  return table;
}

TEST(GroupSplit, PartsHaveWholeGroupsAndTheirSharesInAnyRowOrder) {
  std::mt19937 random(1729);
  const std::vector<double> fractions = {0.6, 0.25, 0.15};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const GroupTable table = random_groups(random);
    const std::size_t n = table.groups.size();
    const SplitOptions options{SplitStrategy::kGroup, fractions, 0, seed, 0};
    const Parts parts = split({n, table.classes, {}, table.groups}, options);
    std::map<std::uint64_t, std::uint8_t> part_of;
    std::vector<double> rows(3), frauds(3);
    for (std::size_t row = 0; row < n; ++row) {
      ASSERT_EQ(part_of.try_emplace(table.groups[row], parts[row]).first->second, parts[row]);
      ++rows[parts[row]];
      frauds[parts[row]] += table.classes[row];
    }
    for (std::size_t part = 0; part < 3; ++part) {
      // Two strata; each of a part's two ends is off by half a group, and rounded by less than a row.
      EXPECT_NEAR(rows[part], fractions[part] * static_cast<double>(n),
                  2 * (static_cast<double>(table.largest) + 1));
      EXPECT_GT(frauds[part], 0) << "part " << part << " of seed " << seed;
    }

    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::shuffle(order, random);
    GroupTable shuffled;
    for (const std::size_t row : order) {
      shuffled.groups.push_back(table.groups[row]);
      shuffled.classes.push_back(table.classes[row]);
    }
    const Parts again = split({n, shuffled.classes, {}, shuffled.groups}, options);
    for (std::size_t i = 0; i < n; ++i) ASSERT_EQ(again[i], parts[order[i]]);
  }
}

TEST(GroupSplit, DependsOnTheSeedAndNeedsEnoughGroups) {
  Groups groups(100);
  std::iota(groups.begin(), groups.end(), 0U);
  const auto parts = [&](std::uint64_t seed) {
    return split({100, {}, {}, groups}, {SplitStrategy::kGroup, {0.5, 0.5}, 0, seed, 0});
  };
  EXPECT_EQ(parts(1), parts(1));
  EXPECT_NE(parts(1), parts(2));
  EXPECT_EQ(std::ranges::count(parts(1), 0), 50);
  const Groups one(5, 3);
  EXPECT_THAT(error_of([&] {
                (void)split({5, {}, {}, one}, {SplitStrategy::kGroup, {0.5, 0.5}, 0, 0, 0});
              }),
              HasSubstr("[tune.split.empty] part 2 of 2 gets none of the 5 rows: too few groups"));
}

TEST(TimeSplit, PropertiesOnRandomTables) {
  std::mt19937 random(1);
  for (int trial = 0; trial < 100; ++trial) {
    Times times(300);
    Groups groups(300);
    for (double& time : times) time = static_cast<double>(random() % 60);
    for (std::uint64_t& group : groups) group = random() % 150;
    const auto gap = static_cast<double>(random() % 5);
    const std::vector<double> fractions = {0.5, 0.2, 0.3};
    const Parts parts = split({300, {}, times, groups}, {SplitStrategy::kTimeGroup, fractions, 0, 0, gap});
    std::map<std::uint64_t, std::uint8_t> part_of;
    std::vector<double> first(3, 1e9), last(3, -1e9);
    for (std::size_t row = 0; row < 300; ++row) {
      const std::uint8_t part = parts[row];
      if (part == kNoPart) continue;
      ASSERT_LT(part, 3);
      ASSERT_EQ(part_of.try_emplace(groups[row], part).first->second, part);
      first[part] = std::min(first[part], times[row]);
      last[part] = std::max(last[part], times[row]);
    }
    EXPECT_LT(last[0] + gap, first[1]);
    EXPECT_LT(last[1] + gap, first[2]);
  }
}

TEST(GroupKey, IsFnv1a) {
  // Test vectors of its authors (Fowler, Noll and Vo).
  EXPECT_EQ(group_key(""), 0xcbf29ce484222325U);
  EXPECT_EQ(group_key("a"), 0xaf63dc4c8601ec8cU);
  EXPECT_EQ(group_key("foobar"), 0x85944171f73967e8U);
}

}  // namespace
}  // namespace coppice::tune
