#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace coppice::tune {
namespace {

using Fractions = std::vector<double>;

const Fractions kUsual = {0.7, 0.2, 0.1};

std::vector<std::size_t> counts(const Parts& parts, std::size_t n_parts) {
  std::vector<std::size_t> result(n_parts);
  for (const std::uint8_t part : parts) ++result.at(part);
  return result;
}

std::string error_of(const Fractions& fractions) {
  try {
    static_cast<void>(random_split(10, fractions, 1));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(RandomSplit, PartsHaveTheirShares) {
  EXPECT_THAT(counts(random_split(1000, kUsual, 1729), 3), testing::ElementsAre(700, 200, 100));
  EXPECT_THAT(counts(random_split(284'807, kUsual, 1729), 3), testing::ElementsAre(199'365, 56'962, 28'480));
  // 0.29 * 100 is 28.999999999999996 in floating point: still 29 rows, not 28.
  EXPECT_THAT(counts(random_split(100, Fractions{0.29, 0.71}, 5), 2), testing::ElementsAre(29, 71));
  EXPECT_THAT(counts(random_split(300, Fractions{0.333333333, 0.333333333, 0.333333333}, 5), 3),
              testing::ElementsAre(100, 100, 100));
}

TEST(RandomSplit, EarlierPartsTakeTheRest) {
  EXPECT_THAT(counts(random_split(1, kUsual, 1729), 3), testing::ElementsAre(1, 0, 0));
  EXPECT_THAT(counts(random_split(4, kUsual, 1729), 3), testing::ElementsAre(3, 1, 0));
  EXPECT_THAT(counts(random_split(5, Fractions{0.5, 0.5}, 1729), 2), testing::ElementsAre(3, 2));
}

TEST(RandomSplit, EmptyAndUndividedTables) {
  EXPECT_THAT(random_split(0, kUsual, 1), testing::IsEmpty());
  EXPECT_THAT(random_split(3, Fractions{1}, 1), testing::ElementsAre(0, 0, 0));
}

TEST(RandomSplit, KeepsItsRows) {
  // People compare results across versions by seed, so these rows may never move.
  EXPECT_THAT(random_split(10, Fractions{0.5, 0.5}, 1729),
              testing::ElementsAre(0, 1, 0, 0, 1, 0, 1, 0, 1, 1));
}

TEST(RandomSplit, DependsOnTheSeed) {
  const Parts parts = random_split(1000, kUsual, 1);
  EXPECT_EQ(parts, random_split(1000, kUsual, 1));
  EXPECT_NE(parts, random_split(1000, kUsual, 2));
}

TEST(RandomSplit, SeedsAreIndependent) {
  // Of two independent halves, a row has the same part with probability 1/2: 10,000 rows give 5,000 with a
  // standard deviation of 50; six of them are allowed.
  const Fractions halves = {0.5, 0.5};
  const Parts first = random_split(10'000, halves, 0);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Parts other = random_split(10'000, halves, seed);
    int same = 0;
    for (std::size_t row = 0; row < first.size(); ++row) same += first[row] == other[row] ? 1 : 0;
    EXPECT_NEAR(same, 5000, 300) << seed;
  }
}

TEST(RandomSplit, DoesNotFollowTheRowNumber) {
  // The mean row number of a part of 5,000 among 10,000 has a standard deviation of 20.4 rows (six allowed).
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const Parts parts = random_split(10'000, Fractions{0.5, 0.5}, seed);
    double sum = 0;
    for (std::size_t row = 0; row < parts.size(); ++row)
      sum += parts[row] == 0 ? static_cast<double>(row) : 0;
    EXPECT_NEAR(sum / 5000, 4999.5, 125) << seed;
  }
}

TEST(Split, RefusesBadFractions) {
  EXPECT_EQ(error_of({}), "[tune.split.fractions] 0 fractions; give 1 to 255");
  EXPECT_EQ(error_of(Fractions(256, 1.0 / 256)), "[tune.split.fractions] 256 fractions; give 1 to 255");
  EXPECT_EQ(error_of({0.7, 0.2}), "[tune.split.fractions] fractions sum to 0.9, not to 1");
  EXPECT_EQ(error_of({1.5, -0.5}), "[tune.split.fractions] fraction -0.5 is not positive");
  EXPECT_EQ(error_of({1, 0}), "[tune.split.fractions] fraction 0 is not positive");
  EXPECT_EQ(error_of({0.5, std::numeric_limits<double>::quiet_NaN()}),
            "[tune.split.fractions] fraction nan is not positive");
}

TEST(Split, TakesAsManyPartsAsAByteCounts) {
  const Parts parts = random_split(2550, Fractions(255, 1.0 / 255), 3);
  EXPECT_THAT(counts(parts, 255), testing::Each(10U));
}

TEST(StratifiedSplit, EveryClassHasItsShareOfEveryPart) {
  std::mt19937 random(1729);
  for (int trial = 0; trial < 200; ++trial) {
    Fractions fractions(1 + random() % 5);
    for (double& fraction : fractions) fraction = 1 + static_cast<double>(random() % 100);
    const double sum = std::reduce(fractions.begin(), fractions.end());
    for (double& fraction : fractions) fraction /= sum;

    std::vector<std::uint32_t> classes = {0xffffffff};  // a class of one row
    const std::size_t n_classes = 1 + random() % 6;
    const std::size_t n_rows = 1 + random() % 500;
    for (std::size_t row = 1; row < n_rows; ++row) {
      classes.push_back(static_cast<std::uint32_t>((random() % n_classes) * (random() % n_classes)));
    }

    const Parts parts = stratified_split(classes, fractions, random());
    ASSERT_EQ(parts.size(), classes.size());
    std::map<std::uint32_t, std::vector<double>> rows_of;  // rows of a class by part, then all of them
    for (std::size_t row = 0; row < parts.size(); ++row) {
      std::vector<double>& rows = rows_of.try_emplace(classes[row], fractions.size() + 1).first->second;
      ASSERT_LT(parts[row], fractions.size());
      ++rows[parts[row]];
      ++rows.back();
    }
    for (const auto& [c, rows] : rows_of) {
      for (std::size_t part = 0; part < fractions.size(); ++part) {
        EXPECT_LT(std::abs(rows[part] - rows.back() * fractions[part]), 1)
            << "class " << c << ", part " << part;
      }
    }
  }
}

TEST(StratifiedSplit, RareClassReachesEveryPart) {
  std::vector<std::uint32_t> classes(10'000);
  for (std::size_t row = 0; row < 20; ++row) classes[row * 500] = 1;
  const Parts parts = stratified_split(classes, kUsual, 1729);
  std::vector<int> frauds(3);
  for (std::size_t row = 0; row < parts.size(); ++row) frauds[parts[row]] += static_cast<int>(classes[row]);
  EXPECT_THAT(frauds, testing::ElementsAre(14, 4, 2));
}

TEST(StratifiedSplit, OtherClassesDoNotMoveARow) {
  // The rows of class 1 are parted among themselves by seed and row number alone.
  std::vector<std::uint32_t> two(1000), three(1000);
  for (std::size_t row = 0; row < two.size(); ++row) {
    two[row] = row % 3 == 0 ? 1 : 0;
    three[row] = row % 3 == 0 ? 1 : row % 3 == 1 ? 0 : 7;
  }
  const Parts of_two = stratified_split(two, kUsual, 9);
  const Parts of_three = stratified_split(three, kUsual, 9);
  for (std::size_t row = 0; row < two.size(); row += 3) ASSERT_EQ(of_two[row], of_three[row]) << row;
}

TEST(StratifiedSplit, OneClassIsARandomSplit) {
  EXPECT_EQ(stratified_split(std::vector<std::uint32_t>(500, 3), kUsual, 4), random_split(500, kUsual, 4));
}

}  // namespace
}  // namespace coppice::tune
