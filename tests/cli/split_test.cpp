// coppice split: parts of a table, rows verbatim.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

class Split : public ProgramTest {
 protected:
  Outcome split(const Words& more) const {
    Words words = {"split", "t.csv", "--label", "Class", "--out", "parts", "--fractions", "0.7,0.2,0.1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  std::vector<std::string> rows(const std::string& name) const {
    std::vector<std::string> lines = lines_of(read(name));
    EXPECT_FALSE(lines.empty()) << name;
    EXPECT_EQ(lines.front(), "Time,Amount,Country,Class");
    lines.erase(lines.begin());
    return lines;
  }
};

TEST_F(Split, PartsAreTheRowsOfTheTableVerbatim) {
  write("t.csv", fraud_table(1000));
  ASSERT_EQ(split({"--seed", "1729"}).exit_code, 0);
  const auto train = rows("parts/train.csv"), validation = rows("parts/validation.csv"),
             test = rows("parts/test.csv");
  std::vector<std::string> all = train;
  all.insert(all.end(), validation.begin(), validation.end());
  all.insert(all.end(), test.begin(), test.end());
  EXPECT_THAT(all, UnorderedElementsAreArray(rows("t.csv")));
}

TEST_F(Split, StratifiedPartsHaveTheirShareOfEachClassToWithinOneRow) {
  write("t.csv", fraud_table(1000));
  const Outcome outcome = split({"--json"});
  ASSERT_EQ(outcome.exit_code, 0);
  const Json json = Json::parse(outcome.output);
  const auto all = rows("t.csv");
  const auto n_frauds = static_cast<double>(
      std::ranges::count_if(all, [](const std::string& row) { return row.ends_with(",1"); }));
  const std::vector<double> fractions = {0.7, 0.2, 0.1};
  ASSERT_EQ(json["parts"].size(), 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& part = json["parts"][i];
    EXPECT_LE(std::abs(part["classes"]["1"].get<double>() - fractions[i] * n_frauds), 1.0);
    EXPECT_LE(std::abs(part["classes"]["0"].get<double>() - fractions[i] * (1000 - n_frauds)), 1.0);
    const auto written = rows(part["path"].get<std::string>());
    EXPECT_EQ(part["rows"], written.size());
    EXPECT_EQ(part["classes"]["1"],
              std::ranges::count_if(written, [](const std::string& row) { return row.ends_with(",1"); }));
  }
}

TEST_F(Split, DependsOnTheSeedAndNotOnThreads) {
  write("t.csv", fraud_table(500));
  ASSERT_EQ(split({"--seed", "1", "--threads", "1"}).exit_code, 0);
  const std::string one = read("parts/test.csv");
  ASSERT_EQ(split({"--seed", "1", "--threads", "7"}).exit_code, 0);
  EXPECT_EQ(read("parts/test.csv"), one);
  ASSERT_EQ(split({"--seed", "2"}).exit_code, 0);
  EXPECT_NE(read("parts/test.csv"), one);
}

TEST_F(Split, RandomNeedsNoLabelAndTwoPartsAreTrainAndTest) {
  write("t.csv", fraud_table(10));
  const Outcome outcome =
      run({"split", "t.csv", "--strategy", "random", "--out", "a/b", "--fractions", "0.75,0.25"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output,
            "  part           rows\n"
            "  a/b/train.csv     8\n"
            "  a/b/test.csv      2\n");
  EXPECT_EQ(rows("a/b/train.csv").size() + rows("a/b/test.csv").size(), 10);
}

TEST_F(Split, AQuantityIsNoClass) {
  std::string text = "y\n";
  for (int i = 0; i < 300; ++i) text += std::to_string(i) + "\n";
  write("t.csv", text);
  const Outcome outcome = run({"split", "t.csv", "--label", "y", "--out", "p", "--fractions", "0.5,0.5"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.errors,
            "coppice: [cli.usage] column y has 300 different values, which are no classes; use --strategy "
            "random\n");
  EXPECT_FALSE(exists("p"));
}

}  // namespace
}  // namespace coppice::test
