// coppice split: parts of a table, rows verbatim.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
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
            "coppice: [cli.usage] column y has more than 256 different values, which are no classes; use "
            "--strategy random\n");
  EXPECT_FALSE(exists("p"));
}

/// Transactions of ten days, newest first: `day,card_id,Class`; two cards a day, of five.
std::string card_table() {
  std::string text = "day,card_id,Class\n";
  for (int day = 10; day >= 1; --day) {
    for (int i = 0; i < 2; ++i) {
      text += "2026-11-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + ",c" +
              std::to_string((day + i) % 5) + "," + std::to_string(day % 3 == 0 ? i : 0) + "\n";
    }
  }
  return text;
}

/// The first or second field of every row.
std::vector<std::string> fields_of(const std::string& text, std::size_t field) {
  std::vector<std::string> fields;
  for (const std::string& line : lines_of(text)) {
    const std::size_t comma = line.find(',');
    fields.push_back(field == 0 ? line.substr(0, comma)
                                : line.substr(comma + 1, line.find(',', comma + 1) - comma - 1));
  }
  fields.erase(fields.begin());
  return fields;
}

TEST_F(Split, NamesColumnsThatLookLikeTimesByTheirLastWordBeforeAUnit) {
  write("t.csv",
        "TX_TIME_SECONDS,TxTimeDays,n_days,days,lifetime,Class\n1,1,1,1,1,0\n2,2,2,2,2,1\n3,3,3,3,3,0\n4,4,4,"
        "4,4,1\n");
  const Outcome outcome = run({"split", "t.csv", "--label", "Class", "--out", "p", "--fractions", "0.5,0.5"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(
      outcome.errors,
      "note: the split ignores columns that may leak: TX_TIME_SECONDS looks like a time (--time-column), "
      "TxTimeDays looks like a time (--time-column)\n");
}

TEST_F(Split, TimeTrainsOnTheOldestDaysAndLeavesTheGapOut) {
  write("t.csv", card_table());
  const Outcome outcome = run({"split", "t.csv", "--strategy", "time", "--time-column", "day", "--gap", "2d",
                               "--label", "Class", "--out", "p", "--fractions", "0.5,0.5"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(outcome.output,
            "  part         rows    Class = 0    Class = 1\n"
            "  p/train.csv    10     9 (90 %)     1 (10 %)\n"
            "  p/test.csv      6  5 (83.33 %)  1 (16.67 %)\n"
            "  (left out)      4\n");
  EXPECT_EQ(outcome.errors,
            "note: the split ignores columns that may leak: card_id looks like an id (--group-column)\n");
  EXPECT_THAT(fields_of(read("p/train.csv"), 0),
              ElementsAre("2026-11-05", "2026-11-05", "2026-11-04", "2026-11-04", "2026-11-03", "2026-11-03",
                          "2026-11-02", "2026-11-02", "2026-11-01", "2026-11-01"));
  EXPECT_THAT(fields_of(read("p/test.csv"), 0), ElementsAre("2026-11-10", "2026-11-10", "2026-11-09",
                                                            "2026-11-09", "2026-11-08", "2026-11-08"));
}

TEST_F(Split, GroupFoldsNeverHaveACardOnBothSides) {
  write("t.csv", card_table());
  const Outcome outcome = run({"split", "t.csv", "--strategy", "group", "--group-column", "card_id", "--out",
                               "f", "--folds", "3", "--seed", "7", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json json = Json::parse(outcome.output);
  ASSERT_EQ(json["folds"].size(), 3);
  std::vector<std::string> tested;
  for (int k = 1; k <= 3; ++k) {
    const std::string folder = "f/fold_" + std::to_string(k);
    const auto train = fields_of(read(folder + "/train.csv"), 1),
               test = fields_of(read(folder + "/test.csv"), 1);
    EXPECT_EQ(train.size() + test.size(), 20);
    for (const std::string& card : test) EXPECT_THAT(train, Not(Contains(card)));
    tested.insert(tested.end(), test.begin(), test.end());
  }
  EXPECT_THAT(tested, UnorderedElementsAreArray(fields_of(card_table(), 1)));
}

TEST_F(Split, PrequentialFoldsMoveForward) {
  write("t.csv", card_table());
  const Outcome outcome = run({"split",          "t.csv", "--strategy", "prequential", "--time-column", "day",
                               "--train-length", "3d",    "--gap",      "1d",          "--test-length", "2d",
                               "--step",         "48h",   "--start",    "2026-11-02",  "--folds",       "2",
                               "--out",          "f"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(
      fields_of(read("f/fold_2/train.csv"), 0),
      ElementsAre("2026-11-06", "2026-11-06", "2026-11-05", "2026-11-05", "2026-11-04", "2026-11-04"));
  EXPECT_THAT(fields_of(read("f/fold_2/test.csv"), 0),
              ElementsAre("2026-11-09", "2026-11-09", "2026-11-08", "2026-11-08"));
}

TEST_F(Split, BadTimesAreRefusedWithTheirLine) {
  const auto errors = [&](const std::string& text) {
    write("t.csv", text);
    const Outcome outcome = run({"split", "t.csv", "--strategy", "time", "--time-column", "t", "--out", "p",
                                 "--fractions", "0.5,0.5"});
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_FALSE(exists("p"));
    return outcome.errors;
  };
  const std::string what = "is neither a number nor a date as 2026-11-24 or 2026-11-24 10:00:00\n";
  EXPECT_EQ(errors("x,t\n1,2026-11-24T10:00:00\n\n2,2026-02-30\n"),
            "coppice: [cli.split.time] t.csv:4: time column 't': \"2026-02-30\" " + what);
  EXPECT_EQ(errors("x,t\n1,\n"), "coppice: [cli.split.time] t.csv:2: time column 't': \"\" " + what);
  EXPECT_EQ(errors("x,t\n1,2026-11-24\n2,17\n"),
            "coppice: [cli.split.time] t.csv:3: time column 't': \"17\" is a number among dates\n");
}

TEST_F(Split, ImpossibleRequestsSayWhatToDo) {
  write("t.csv", card_table());
  const auto errors = [&](const Words& more) {
    Words words = {"split", "t.csv", "--out", "p"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 2);
    EXPECT_FALSE(exists("p"));
    return outcome.errors;
  };
  EXPECT_EQ(errors({"--strategy", "time", "--fractions", "0.5,0.5"}),
            "coppice: [cli.usage] --strategy time needs --time-column\n");
  EXPECT_EQ(
      errors({"--strategy", "random", "--time-column", "day", "--fractions", "0.5,0.5"}),
      "coppice: [cli.usage] --strategy random does not look at --time-column; choose time, time-group or "
      "prequential\n");
  EXPECT_EQ(errors({"--strategy", "random"}), "coppice: [cli.usage] give either --fractions or --folds\n");
  EXPECT_THAT(
      errors({"--strategy", "time", "--time-column", "day", "--gap", "7", "--fractions", "0.5,0.5"}),
      HasSubstr("[cli.usage] --gap: 7 is no length of time; the time column holds dates: write a number "
                "and s, m, h or d, such as 7d\n"));
  EXPECT_THAT(errors({"--strategy", "time", "--time-column", "day", "--gap", "9d", "--fractions", "0.5,0.5"}),
              HasSubstr("[tune.split.empty] part 2 of 2 gets none of the 20 rows: "));
}

TEST_F(Split, APipeIsSplitToo) {
  const Outcome outcome = run(
      {"split", "-", "--strategy", "time", "--time-column", "day", "--out", "p", "--fractions", "0.5,0.5"},
      card_table());
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(fields_of(read("p/train.csv"), 0).size(), 10);
}

}  // namespace
}  // namespace coppice::test
