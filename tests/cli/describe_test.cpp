// coppice describe, and what every verb says about data that cannot be read.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

using Describe = ProgramTest;

constexpr const char* kTable =
    "x,colour,y\n"
    "1,red,0\n"
    "2,red,1\n"
    ",blue,0\n"
    "4,NA,0\n"
    "9,red,0\n";

TEST_F(Describe, StatisticsAreThoseOfTheTable) {
  write("t.csv", kTable);
  const Outcome outcome = run({"describe", "t.csv", "--label", "y", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json json = Json::parse(outcome.output);
  EXPECT_EQ(json["rows"], 5);
  const Json& x = json["columns"][0];
  EXPECT_EQ(x["type"], "numeric");
  EXPECT_EQ(x["count"], 4);
  EXPECT_EQ(x["missing"], 1);
  EXPECT_EQ(x["distinct"], 4);
  EXPECT_EQ(x["mean"], 4);                                        // (1 + 2 + 4 + 9) / 4
  EXPECT_DOUBLE_EQ(x["std"].get<double>(), std::sqrt(38.0 / 3));  // 9 + 4 + 0 + 25 over n - 1
  EXPECT_EQ(x["min"], 1);
  EXPECT_EQ(x["25%"], 1.75);  // places 0.75, 1.5 and 2.25 of 0 .. 3
  EXPECT_EQ(x["median"], 3);
  EXPECT_EQ(x["75%"], 5.25);
  EXPECT_EQ(x["max"], 9);
  const Json& colour = json["columns"][1];
  EXPECT_EQ(colour["type"], "categorical");
  EXPECT_EQ(colour["missing"], 1);
  EXPECT_EQ(colour["values"], Json::parse(R"([{"value": "red", "rows": 3, "share": 0.75},
                                              {"value": "blue", "rows": 1, "share": 0.25}])"));
  EXPECT_EQ(json["label"], Json::parse(R"({"name": "y", "classes": [{"value": "0", "rows": 4, "share": 0.8},
                                                                     {"value": "1", "rows": 1, "share": 0.2}]})"));
}

TEST_F(Describe, TablesLineUp) {
  write("t.csv", kTable);
  const Outcome outcome = run({"describe", "t.csv", "--label", "colour"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.output,
            "t.csv: 5 rows, 3 columns (2 numeric, 1 categorical), 2 missing values\n"
            "\n"
            "Numeric columns\n"
            "  column  count  missing  distinct  mean       std  min   25%  median   75%  max\n"
            "  x           4        1         4     4   3.55903    1  1.75       3  5.25    9\n"
            "  y           5        0         2   0.2  0.447214    0     0       0     0    1\n"
            "\n"
            "Categorical columns\n"
            "  column  count  missing  distinct  most frequent\n"
            "  colour      4        1         2  red (75 %), blue (25 %)\n"
            "\n"
            "Label colour\n"
            "  1 rows have no label\n"
            "  class  rows  share\n"
            "  red       3   75 %\n"
            "  blue      1   25 %\n");
}

TEST_F(Describe, ReadsStandardInputSeveralFilesAndHeaderlessTables) {
  write("t.csv", kTable);
  EXPECT_EQ(Json::parse(run({"describe", "-", "--json"}, kTable).output)["rows"], 5);
  EXPECT_EQ(Json::parse(run({"describe", "t.csv", "t.csv", "--json"}).output)["rows"], 10);
  const Json json = Json::parse(
      run({"describe", "-", "--no-header", "--label", "0", "--missing", "none", "--json"}, "1,5\n0,none\n")
          .output);
  EXPECT_EQ(json["rows"], 2);
  EXPECT_EQ(json["label"]["name"], "f0");
  EXPECT_EQ(json["columns"][1]["missing"], 1);
}

TEST_F(Describe, EveryVerbThatTakesAFirstRowOfNumbersForNamesSaysSo) {
  const std::string warning =
      "warning: every column name is a number: the first row was taken as the names; "
      "--no-header takes it as data\n";
  const Words describe = {"describe", "t.csv"}, describe_json = {"describe", "t.csv", "--json"};
  const Words split = {"split", "t.csv", "--strategy", "random", "--fractions", "0.5,0.5", "--out", "parts"};
  const Words train = {"train", "--train", "t.csv", "--label", "1", "--model", "m.json", "--log-period", "0"};
  const auto errors = [this](Words words, std::string_view first_row, const Words& more = {}) {
    write("t.csv", std::string(first_row) + "\n1,0,3\n2,1,5\n3,1,4\n");
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return outcome.errors;
  };
  for (const Words& verb : {describe, describe_json, split, train}) {
    EXPECT_EQ(errors(verb, "-0.5, 1 ,1e3"), warning) << verb[0];
    EXPECT_EQ(errors(verb, "-0.5,1,1e3", {"--no-header"}), "") << verb[0];
    EXPECT_EQ(errors(verb, "-0.5,1,amount"), "") << verb[0];
    EXPECT_EQ(errors(verb, "-0.5,1,"), "") << verb[0];
    EXPECT_EQ(errors(verb, "-0.5,1,2 %"), "") << verb[0];
  }
  // Columns that are no features have names, too.
  EXPECT_EQ(errors(train, "-0.5,Class,1e3"), "") << "the label";
  EXPECT_EQ(errors(train, "-0.5,1,key", {"--ignore", "key"}), "") << "an ignored column";
  EXPECT_EQ(errors(train, "-0.5,1,weight", {"--weight", "weight"}), "") << "the weight";
}

TEST_F(Describe, ControlCharactersDoNotReachTheTerminal) {
  const Outcome outcome = run({"describe", "-"}, "a\n\x1b[31mred\nplain\n");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("?[31mred"));
  EXPECT_EQ(outcome.output.find('\x1b'), std::string::npos);
}

TEST_F(Describe, BadDataIsNamedByFileAndLine) {
  struct Case {
    std::string text;
    std::string error;  // a beginning
  };
  const std::vector<Case> cases = {
      {"a,b\n1,2\n3\n", "coppice: [io.csv.field_count] bad.csv:3: "},
      {"a,a\n1,2\n", "coppice: [io.csv."},
      {"", "coppice: [io.csv.empty] bad.csv"},
      {"a,b\n1,\"2\n", "coppice: [io.csv.quote] bad.csv:2: "},
      {"a\n1\ninf\n", "coppice: [io.csv."},
  };
  for (const Case& bad : cases) {
    write("bad.csv", bad.text);
    const Outcome outcome = run({"describe", "bad.csv"});
    EXPECT_EQ(outcome.exit_code, 1) << bad.text;
    EXPECT_THAT(outcome.errors, ::testing::StartsWith(bad.error));
    EXPECT_EQ(outcome.output, "");
  }
  const Outcome missing = run({"describe", "none.csv"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.errors, HasSubstr("[io.file.read] none.csv: "));
  write("t.csv", kTable);
  const Outcome label = run({"describe", "t.csv", "--label", "colours"});
  EXPECT_EQ(label.exit_code, 1);
  EXPECT_THAT(label.errors, HasSubstr("did you mean 'colour'?"));
}

TEST_F(Describe, ShippedDataAreWhatTheManifestSays) {
  const std::filesystem::path datasets = std::filesystem::path(COPPICE_SOURCE_DIR) / "datasets";
  std::ifstream file(datasets / "manifest.json");
  const Json manifest = Json::parse(file);
  const auto& files = manifest["files"];
  const auto entry = std::ranges::find_if(
      files, [](const Json& candidate) { return candidate["file"] == "creditcard_subset.csv.gz"; });
  ASSERT_NE(entry, files.end());
  const Outcome outcome =
      run({"describe", (datasets / "creditcard_subset.csv.gz").string(), "--label", "Class", "--json"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.errors;
  const Json json = Json::parse(outcome.output);
  EXPECT_EQ(json["rows"], (*entry)["rows"]);
  EXPECT_EQ(json["columns"].size(), (*entry)["columns"]);
  EXPECT_EQ(json["label"]["classes"][1]["rows"], (*entry)["positives"]);
}

}  // namespace
}  // namespace coppice::test
