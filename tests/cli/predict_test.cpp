// coppice predict and evaluate: scores, and what they are worth.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Predict : public ModelTest {
 protected:
  /// The lines of a prediction, without the header, which must be this one.
  std::vector<std::string> predict(const std::string& header, const Words& more) const {
    Words words = {"predict", "--model", "m.json", "new.csv"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    std::vector<std::string> lines = lines_of(outcome.output);
    EXPECT_EQ(lines.at(0), header);
    lines.erase(lines.begin());
    return lines;
  }
};

TEST_F(Predict, EveryRowHasAScoreInOrder) {
  const auto all = predict("score", {});
  ASSERT_EQ(all.size(), 200);
  // Row 150 alone scores as it does among the others.
  const auto lines = lines_of(read("new.csv"));
  const Outcome one = run({"predict", "--model", "m.json", "-"}, lines[0] + "\n" + lines[151] + "\n");
  EXPECT_EQ(one.output, "score\n" + all[150] + "\n");
  EXPECT_THAT(predict("score", {"--threads", "3"}), all);
  EXPECT_THAT(predict("score", {"--output", "probability"}), all);
}

TEST_F(Predict, MarginIsTheLogitOfTheProbability) {
  const auto probabilities = predict("score", {});
  const auto margins = predict("margin", {"--output", "margin"});
  for (std::size_t i = 0; i < margins.size(); ++i) {
    // stof gives back the float32 that was printed. The sigmoid rounds three times (exp, sum, quotient), each
    // time by 2^-24 of the value at most.
    const double margin = std::stof(margins[i]);
    const double probability = std::stof(probabilities[i]);
    EXPECT_NEAR(1 / (1 + std::exp(-margin)), probability, 3 * 0x1p-24 * probability);
  }
}

TEST_F(Predict, LabelFollowsTheThreshold) {
  const auto probabilities = predict("score", {});
  const auto labels = predict("label", {"--output", "label", "--threshold", "0.2"});
  int n_positive = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    EXPECT_EQ(labels[i], std::stof(probabilities[i]) >= 0.2 ? "1" : "0");
    n_positive += labels[i] == "1" ? 1 : 0;
  }
  EXPECT_GT(n_positive, 0);
  EXPECT_LT(n_positive, 200);
}

TEST_F(Predict, LeavesOfEveryTree) {
  std::string header = "leaf_0";
  for (int t = 1; t < 20; ++t) header += ",leaf_" + std::to_string(t);
  const auto leaves = predict(header, {"--output", "leaf"});
  ASSERT_EQ(leaves.size(), 200);
  for (const std::string& row : leaves) EXPECT_EQ(std::ranges::count(row, ','), 19);
}

double sum_of(const std::string& numbers) {
  double sum = 0;
  std::istringstream stream(numbers);
  for (std::string number; std::getline(stream, number, ',');) sum += std::stof(number);
  return sum;
}

TEST_F(Predict, ContributionsSumToTheMargin) {
  const auto margins = predict("margin", {"--output", "margin"});
  const std::string header = "contribution_Time,contribution_Amount,contribution_Country,bias";
  const auto rows = predict(header, {"--output", "contributions", "--threads", "2"});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // The margin rounds 20 times in float32, and each of the four numbers once; all are below 8.
    EXPECT_NEAR(sum_of(rows[i]), std::stof(margins[i]), 24 * 8 * 0x1p-24) << rows[i];
  }
}

TEST_F(Predict, ReasonsAreTheStrongestContributions) {
  const auto contributions = predict("contribution_Time,contribution_Amount,contribution_Country,bias",
                                     {"--output", "contributions"});
  const auto rows = predict("score,reason_1,reason_1_contribution,reason_2,reason_2_contribution",
                            {"--output", "prediction,reasons", "--reasons", "2"});
  const std::array<std::string, 3> names = {"Time", "Amount", "Country"};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::istringstream stream(contributions[i]);
    std::vector<std::pair<std::string, std::string>> reasons;
    for (const std::string& name : names) {
      std::string number;
      std::getline(stream, number, ',');
      reasons.emplace_back(name, number);
    }
    std::ranges::stable_sort(reasons, std::greater{},
                             [](const auto& reason) { return std::abs(std::stof(reason.second)); });
    EXPECT_THAT(rows[i], EndsWith("," + reasons[0].first + "," + reasons[0].second + "," + reasons[1].first +
                                  "," + reasons[1].second));
  }
}

TEST_F(Predict, ThereAreNoMoreReasonsThanFeatures) {
  std::string header = "reason_1,reason_1_contribution,reason_2,reason_2_contribution";
  header += ",reason_3,reason_3_contribution";
  EXPECT_EQ(predict(header, {"--output", "reasons"}),
            predict(header, {"--output", "reasons", "--reasons", "9"}));
  // A model without a split has no reasons to give.
  ASSERT_EQ(run({"train", "--train", "t.csv", "--label", "Class", "--model", "m.json", "--param",
                 "num_round=1", "--param", "gamma=1e9", "--log-period", "0"})
                .exit_code,
            0);
  EXPECT_THAT(predict(header, {"--output", "reasons"}), testing::Each(",,,,,"));
}

TEST_F(Predict, OutputsStandSideBySide) {
  const std::vector<std::vector<std::string>> columns = {predict("score", {"--output", "prediction"}),
                                                         predict("label", {"--output", "label"}),
                                                         predict("margin", {"--output", "margin"})};
  const auto rows = predict("score,label,margin", {"--output", "prediction,label", "--output", "margin"});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i], columns[0][i] + "," + columns[1][i] + "," + columns[2][i]);
  }
}

TEST_F(Predict, LabelsFollowTheStoredThreshold) {
  const auto plain = predict("label", {"--output", "label"});
  EXPECT_EQ(plain, predict("label", {"--output", "label", "--threshold", "0.5"}));
  ASSERT_EQ(run({"evaluate", "--model", "m.json", "new.csv", "--threshold", "0.2", "--store"}).exit_code, 0);
  const auto stored = predict("label", {"--output", "label"});
  EXPECT_NE(stored, plain);
  EXPECT_EQ(stored, predict("label", {"--output", "label", "--threshold", "0.2"}));
  EXPECT_EQ(predict("label", {"--output", "label", "--threshold", "0.5"}), plain);
}

TEST_F(Predict, KeptColumnsComeThroughAsTheyAre) {
  const auto scores = predict("score", {});
  const auto rows = predict("Country,Time,score", {"--keep", "Country,Time"});
  const auto lines = lines_of(read("new.csv"));
  bool any_quoted = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::string& line = lines[i + 1];
    const std::size_t first = line.find(','), second = line.find(',', first + 1);
    const std::string country = line.substr(second + 1, line.rfind(',') - second - 1);
    EXPECT_EQ(rows[i], country + "," + line.substr(0, first) + "," + scores[i]);
    any_quoted = any_quoted || country.starts_with('"');
  }
  EXPECT_TRUE(any_quoted);
}

TEST_F(Predict, OutFileHoldsWhatStandardOutputWould) {
  const Outcome piped = run({"predict", "--model", "m.json", "new.csv"});
  EXPECT_EQ(run({"predict", "--model", "m.json", "new.csv", "--out", "s.csv"}).output, "");
  EXPECT_EQ(read("s.csv"), piped.output);
}

TEST_F(Predict, JsonReportsWhatWasWritten) {
  const Outcome outcome =
      run({"predict", "--model", "m.json", "new.csv", "--keep", "Time", "--out", "s.csv", "--json"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_EQ(Json::parse(outcome.output),
            (Json{{"out", "s.csv"}, {"rows", 200}, {"columns", {"Time", "score"}}}));
  EXPECT_EQ(lines_of(read("s.csv")).size(), 201);
}

TEST_F(Predict, ColumnsAreMatchedByName) {
  const std::string moved = "Extra,Country,Amount,Time\n9,DE,50,100\n";
  const Outcome outcome = run({"predict", "--model", "m.json", "-"}, moved);
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.errors, "note: the model does not use column Extra\n");
  EXPECT_EQ(outcome.output,
            run({"predict", "--model", "m.json", "-"}, "Time,Amount,Country\n100,50,DE\n").output);
  const Outcome kept = run({"predict", "--model", "m.json", "-", "--keep", "Extra"}, moved);
  EXPECT_EQ(kept.errors, "");
  const Outcome missing = run({"predict", "--model", "m.json", "-"}, "Time,Country\n1,DE\n");
  EXPECT_EQ(missing.exit_code, 1);
  EXPECT_THAT(missing.errors, HasSubstr("[io.csv.column_missing] "));
  EXPECT_THAT(missing.errors, HasSubstr("'Amount'"));
  const Outcome text = run({"predict", "--model", "m.json", "-"}, "Time,Amount,Country\n1,lots,DE\n");
  EXPECT_EQ(text.exit_code, 1);
  EXPECT_THAT(text.errors, HasSubstr(":2: "));
  EXPECT_EQ(text.output, "");
}

TEST_F(Predict, RegressionPredictsNumbers) {
  ASSERT_EQ(run({"train", "--train", "t.csv", "--label", "Time", "--model", "r.json", "--param",
                 "objective=reg:squarederror", "--param", "num_round=3", "--log-period", "0"})
                .exit_code,
            0);
  const Outcome plain = run({"predict", "--model", "r.json", "new.csv"});
  EXPECT_EQ(plain.exit_code, 0);
  const Outcome margins = run({"predict", "--model", "r.json", "new.csv", "--output", "margin"});
  EXPECT_EQ(plain.output.substr(std::strlen("score")), margins.output.substr(std::strlen("margin")));
  const Outcome refused = run({"predict", "--model", "r.json", "new.csv", "--output", "probability"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_EQ(refused.errors,
            "coppice: [cli.usage] r.json predicts a number (reg:squarederror): leave --output away, or take "
            "prediction, margin, leaf, contributions or reasons\n");
  const Json json = Json::parse(run({"evaluate", "--model", "r.json", "new.csv", "--json"}).output);
  EXPECT_GT(json["metrics"]["rmse"], json["metrics"]["mae"]);
  EXPECT_FALSE(json.contains("confusion"));
}

TEST_F(Predict, EvaluationCountsWhatPredictionsSay) {
  const auto rows = predict("Class,score", {"--keep", "Class"});
  int counts[2][2] = {};
  double log_loss = 0;
  for (const std::string& row : rows) {
    const bool is_fraud = row[0] == '1';
    const double p = std::stof(row.substr(2));
    ++counts[is_fraud][p >= 0.25];
    log_loss -= std::log(is_fraud ? p : 1 - p) / 200;
  }
  const Json json =
      Json::parse(run({"evaluate", "--model", "m.json", "new.csv", "--threshold", "0.25", "--json"}).output);
  EXPECT_EQ(json["rows"], 200);
  EXPECT_EQ(json["threshold"], 0.25);
  EXPECT_EQ(json["confusion"]["true_negative"], counts[0][0]);
  EXPECT_EQ(json["confusion"]["false_positive"], counts[0][1]);
  EXPECT_EQ(json["confusion"]["false_negative"], counts[1][0]);
  EXPECT_EQ(json["confusion"]["true_positive"], counts[1][1]);
  EXPECT_DOUBLE_EQ(json["metrics"]["recall"].get<double>(),
                   counts[1][1] / (counts[1][0] + counts[1][1] + 0.0));
  EXPECT_DOUBLE_EQ(json["metrics"]["precision"].get<double>(),
                   counts[1][1] / (counts[0][1] + counts[1][1] + 0.0));
  EXPECT_NEAR(json["metrics"]["logloss"].get<double>(), log_loss, 1e-6);  // scores were printed as float32
  EXPECT_GT(json["metrics"]["auc"], 0.5);
}

TEST_F(Predict, EvaluationPrintsATable) {
  const Outcome outcome = run({"evaluate", "--model", "m.json", "new.csv"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.output, StartsWith("200 rows, "));
  for (const char* words : {"\n  AUC ", "\n  average precision ", "\n  precision ", "\n  recall ",
                            "\nConfusion matrix: called 1 from probability 0.5 on\n", "\n  label 1 "}) {
    EXPECT_THAT(outcome.output, HasSubstr(words));
  }
}

TEST_F(Predict, BrokenModelIsRefused) {
  write("cut.json", read("m.json").substr(0, 1000));
  for (const Words& words :
       {Words{"predict", "--model", "cut.json", "new.csv"},
        Words{"evaluate", "--model", "cut.json", "new.csv"}, Words{"inspect", "cut.json"}}) {
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, 1);
    EXPECT_THAT(outcome.errors, StartsWith("coppice: [io.model."));
    EXPECT_THAT(outcome.errors, HasSubstr("cut.json"));
    EXPECT_EQ(outcome.output, "");
  }
}

}  // namespace
}  // namespace coppice::test
