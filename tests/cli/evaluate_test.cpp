// coppice evaluate: chosen metrics, the threshold table, rules and intervals.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Evaluate : public ModelTest {
 protected:
  Outcome evaluate(const Words& more) const {
    Words words = {"evaluate", "--model", "m.json", "new.csv"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Json evaluate_json(Words more) const {
    more.push_back("--json");
    const Outcome outcome = evaluate(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return Json::parse(outcome.output);
  }
};

TEST_F(Evaluate, MetricsAreAddedToTheUsualOnes) {
  const Json json =
      evaluate_json({"--metric", "brier,recall@fpr=0.1,mcc,mcc@0.5,aucpr", "--threshold", "0.2"});
  const Json& metrics = json["metrics"];
  EXPECT_EQ(metrics.size(), 7 + 4);  // aucpr is ap, which is there
  EXPECT_GT(metrics["brier"], 0);
  EXPECT_GT(metrics["recall@fpr=0.1"], 0);
  // Without @t at the threshold in use.
  EXPECT_NE(metrics["mcc"], metrics["mcc@0.5"]);
  EXPECT_EQ(metrics["mcc"], evaluate_json({"--metric", "mcc@0.2"})["metrics"]["mcc@0.2"]);
  EXPECT_THAT(evaluate({"--metric", "precision@k=20"}).output, HasSubstr("\n  precision@k=20 "));
}

TEST_F(Evaluate, ThresholdTableHasTheThresholdInUse) {
  const Json json = evaluate_json({"--threshold", "0.25"});
  std::vector<double> thresholds;
  for (const Json& line : json["thresholds"]) {
    thresholds.push_back(line["threshold"]);
    if (line["threshold"] != 0.25) continue;
    EXPECT_EQ(line["precision"], json["metrics"]["precision"]);
    EXPECT_EQ(line["recall"], json["metrics"]["recall"]);
    EXPECT_EQ(line["f1"], json["metrics"]["f1"]);
    const double false_positive = json["confusion"]["false_positive"];
    EXPECT_EQ(line["alerts"], false_positive + json["confusion"]["true_positive"].get<double>());
    EXPECT_EQ(line["false_positive_rate"],
              false_positive / (false_positive + json["confusion"]["true_negative"].get<double>()));
  }
  EXPECT_THAT(thresholds, testing::ElementsAre(0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.9));
  EXPECT_THAT(evaluate({}).output, HasSubstr("\n  threshold  alerts  precision"));
}

TEST_F(Evaluate, ChoosesAThresholdThatCanBeGivenBack) {
  const Json chosen = evaluate_json({"--choose", "recall>=0.6"});
  EXPECT_EQ(chosen["rule"], "recall>=0.6");
  EXPECT_GE(chosen["metrics"]["recall"], 0.6);
  // The printed number is the threshold, to the last digit; a hair above it, recall falls below the rule.
  const double threshold = chosen["threshold"];
  EXPECT_EQ(evaluate_json({"--threshold", chosen["threshold"].dump()})["confusion"], chosen["confusion"]);
  EXPECT_LT(evaluate_json({"--threshold", Json(threshold + 1e-9).dump()})["metrics"]["recall"], 0.6);
  EXPECT_LE(evaluate_json({"--choose", "fpr<=0.05"})["confusion"]["false_positive"].get<double>(),
            0.05 * (200 - chosen["positive"].get<double>()));
  EXPECT_THAT(evaluate({"--choose", "max-f1"}).output, HasSubstr(" on, chosen by max-f1\n"));
}

TEST_F(Evaluate, StoresTheThresholdInTheModel) {
  EXPECT_EQ(evaluate_json({})["threshold"], 0.5);
  const Json chosen = evaluate_json({"--choose", "max-f1", "--store"});
  EXPECT_EQ(chosen["stored"], true);
  const Json later = evaluate_json({});
  EXPECT_EQ(later["threshold"], chosen["threshold"]);
  EXPECT_EQ(later["confusion"], chosen["confusion"]);
  EXPECT_EQ(later["metrics"]["auc"], chosen["metrics"]["auc"]) << "the trees are as they were";
  EXPECT_EQ(later["stored"], false);
  EXPECT_THAT(run({"inspect", "m.json"}).output,
              HasSubstr("\n  called positive from probability " + chosen["threshold"].dump() + " on\n"));
  EXPECT_EQ(Json::parse(run({"inspect", "m.json", "--json"}).output)["threshold"], chosen["threshold"]);
  EXPECT_EQ(evaluate({"--threshold", "0.25", "--store"}).exit_code, 0);
  EXPECT_EQ(evaluate_json({})["threshold"], 0.25);
}

TEST_F(Evaluate, SaysWhenNoThresholdSatisfiesTheRule) {
  std::string genuine = "Time,Amount,Country,Class\n";
  for (int i = 0; i < 20; ++i) genuine += "1,1,DE,0\n";
  write("genuine.csv", genuine);
  const Outcome outcome = run({"evaluate", "--model", "m.json", "genuine.csv", "--choose", "precision>=0.9"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.output, "");
  EXPECT_THAT(outcome.errors, StartsWith("coppice: [cli.threshold] no threshold finds a positive row and "
                                         "satisfies precision>=0.9 on these 20 rows"));
}

TEST_F(Evaluate, IntervalsHoldTheValueAndDoNotDependOnThreads) {
  const Words words = {"--bootstrap", "200", "--seed", "5", "--metric", "precision@k=20", "--threads"};
  const auto with_threads = [&](const std::string& threads) {
    Words all = words;
    all.push_back(threads);
    return evaluate_json(all);
  };
  const Json json = with_threads("1");
  EXPECT_EQ(with_threads("5"), json);
  EXPECT_EQ(json["bootstrap"], (Json{{"replicates", 200}, {"seed", 5}, {"by", "row"}}));
  for (const char* name : {"auc", "ap", "logloss", "precision@k=20"}) {
    EXPECT_LT(json["intervals"][name][0], json["metrics"][name]) << name;
    EXPECT_GT(json["intervals"][name][1], json["metrics"][name]) << name;
  }
  EXPECT_NE(evaluate_json({"--bootstrap", "200", "--seed", "6"})["intervals"]["auc"],
            json["intervals"]["auc"]);
  EXPECT_FALSE(evaluate_json({}).contains("intervals"));
  EXPECT_THAT(evaluate({"--bootstrap", "20"}).output, HasSubstr("95 % interval"));
}

TEST_F(Evaluate, MistakesAreBadUsage) {
  const std::vector<std::pair<Words, std::string>> mistakes = {
      {{"--metric", "acu"}, "[core.metric.unknown] unknown metric 'acu'; did you mean auc?"},
      {{"--choose", "fpr<0.1"}, "[core.threshold.rule] 'fpr<0.1' is no rule"},
      {{"--store"}, "[cli.usage] --store keeps a threshold: choose one with --choose or --threshold"},
      {{"--choose", "max-f1", "--threshold", "0.5"}, "[cli.usage] --threshold excludes --choose"},
      {{"--bootstrap", "-1"}, "[cli.usage] --bootstrap: "},
      {{"--seed", "-1"}, "[cli.usage] --seed: -1 is no whole number from 0 on"},
  };
  for (const auto& [words, message] : mistakes) {
    const Outcome outcome = evaluate(words);
    EXPECT_EQ(outcome.exit_code, 2) << message;
    EXPECT_THAT(outcome.errors, StartsWith("coppice: " + message));
    EXPECT_EQ(outcome.output, "");
  }
}

}  // namespace
}  // namespace coppice::test
