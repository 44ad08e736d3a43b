// coppice inspect and verify.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;
using ::testing::StartsWith;

class ModelVerbs : public ProgramTest {
 protected:
  ModelVerbs() {
    write("t.csv", fraud_table(600));
    train("m.json", "0.3");
  }
  void train(const std::string& model, const std::string& rate) const {
    EXPECT_EQ(
        run({"train", "--train", "t.csv", "--label", "Class", "--ignore", "Time", "--model", model, "--param",
             "num_round=6", "--param", "eta=" + rate, "--param", "max_depth=3", "--log-period", "0"})
            .exit_code,
        0);
  }
};

TEST_F(ModelVerbs, InspectTellsWhatTheModelIs) {
  const Outcome outcome = run({"inspect", "m.json"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, StartsWith("m.json: 6 trees, "));
  EXPECT_THAT(outcome.output, HasSubstr("\nrows                    600\n"));
  EXPECT_THAT(outcome.output, HasSubstr("\nlabel: Class\nignored: Time\n"));
  const auto lines = lines_of(outcome.output);
  const auto line_of = [&lines](const std::string& word) {
    const auto found =
        std::ranges::find_if(lines, [&](const std::string& line) { return line.starts_with(word); });
    return found == lines.end() ? "no line " + word : *found;
  };
  EXPECT_THAT(line_of("max_depth "), MatchesRegex("max_depth +3 \\* +6"));
  EXPECT_THAT(line_of("learning_rate "), MatchesRegex("learning_rate +0.3 +0.3"));
  EXPECT_THAT(line_of("Country "), HasSubstr("categorical  "));
  EXPECT_THAT(line_of("importance "), MatchesRegex("importance +gain +cover +splits"));
}

TEST_F(ModelVerbs, InspectInventsNoParametersForAnotherLibrarysModel) {
  const std::string model = COPPICE_SOURCE_DIR "/tests/golden/fixtures/logistic_missing.json";
  const Outcome outcome = run({"inspect", model});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, HasSubstr("\n  not trained by Coppice: no training summary, no parameters\n"));
  EXPECT_THAT(outcome.output, Not(HasSubstr("learning_rate")));
  EXPECT_THAT(Json::parse(run({"inspect", model, "--json"}).output)["parameters"], ::testing::IsEmpty());
}

TEST_F(ModelVerbs, ParametersAsJsonAreThoseOfTheTable) {
  const Json list = Json::parse(run({"parameters", "--json"}).output);
  const auto rate = std::ranges::find(list, "learning_rate", [](const Json& one) { return one["name"]; });
  ASSERT_NE(rate, list.end());
  EXPECT_EQ((*rate)["default"], "0.3");
  EXPECT_EQ((*rate)["aliases"], Json{"eta"});
}

TEST_F(ModelVerbs, InspectAsJsonAndAsTrees) {
  const Json json = Json::parse(run({"inspect", "m.json", "--json"}).output);
  EXPECT_EQ(json["trees"], 6);
  EXPECT_EQ(json["objective"], "binary:logistic");
  EXPECT_EQ(json["training"]["rows"], 600);
  EXPECT_EQ(json["training"]["version"], "0.1.0");
  EXPECT_EQ(json["schema"]["features"].size(), 2);
  EXPECT_THAT(json["schema"]["features"][1]["categories"], ::testing::Contains("Korea, South"));
  std::uint64_t splits = 0;
  for (const Json& feature : json["importance"]) splits += feature["count"].get<std::uint64_t>();
  // Every tree has one leaf more than it has splits.
  EXPECT_EQ(splits + 6, json["leaves"].get<std::uint64_t>());
  const Outcome dump = run({"inspect", "m.json", "--dump"});
  EXPECT_EQ(dump.exit_code, 0);
  EXPECT_THAT(dump.output, HasSubstr("leaf="));
  EXPECT_EQ(run({"inspect", "m.json", "--dump", "--json"}).exit_code, 2);
}

TEST_F(ModelVerbs, VerifyTellsEqualFromDifferent) {
  train("same.json", "0.3");
  train("other.json", "0.2");
  const Outcome same = run({"verify", "m.json", "same.json"});
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_EQ(same.output, "equal\n");
  const Outcome other = run({"verify", "m.json", "other.json"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_THAT(other.output, MatchesRegex("different: .*learning_rate.*\n"));
  const Json json = Json::parse(run({"verify", "m.json", "other.json", "--json"}).output);
  EXPECT_EQ(json["equal"], false);
  const Outcome missing = run({"verify", "m.json", "none.json"});
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.errors, StartsWith("coppice: [io.file.read] none.json: "));
}

TEST_F(ModelVerbs, VerifyNamesAnotherFormOfTheSameModel) {
  train("m.ubj", "0.3");
  const Outcome outcome = run({"verify", "m.json", "m.ubj"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(
      outcome.output,
      "different: the models are equal, but the files differ from byte 1 on: they are in two formats\n");
}

}  // namespace
}  // namespace coppice::test
