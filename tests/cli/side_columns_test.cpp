// Cards, times and amounts: in evaluate, as metrics of a training, and to hold rows out.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <string>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Half an hour from row to row, 40 cards; large amounts of some are frauds.
std::string card_table(int rows, unsigned seed) {
  std::string text = "Date,Card,Amount,Country,Class\n";
  unsigned state = seed;
  const auto draw = [&state] { return (state = state * 1664525U + 1013904223U) >> 8U; };
  for (int i = 0; i < rows; ++i) {
    const unsigned card = draw() % 40;
    const unsigned amount = draw() % 1000;
    const bool is_fraud = (card % 3 == 1 && amount > 700) || draw() % 50 == 0;
    text +=
        fmt::format("2026-11-{:02} {:02}:{:02}:00, card {},{},{},{}\n", 1 + i / 48, i / 2 % 24, i % 2 * 30,
                    card, amount, card % 3 == 0 ? "DE" : (card % 3 == 1 ? "FR" : "NL"), is_fraud ? 1 : 0);
  }
  return text;
}

class SideColumns : public ProgramTest {
 protected:
  SideColumns() {
    write("t.csv", card_table(1000, 1));
    write("new.csv", card_table(600, 2));
  }

  /// Trains 10 rounds on one thread, with `more`.
  Outcome train(const std::string& model, const Words& more) const {
    Words words = {"train", "--label", "Class",        "--model",   model, "--log-period",
                   "0",     "--param", "num_round=10", "--threads", "1"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Outcome evaluate(const Words& more) const {
    Words words = {"evaluate", "--model", "m.json", "new.csv"};
    words.insert(words.end(), more.begin(), more.end());
    return run(words);
  }
  Json evaluate_json(Words more) const {
    more.emplace_back("--json");
    const Outcome outcome = evaluate(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    return Json::parse(outcome.output, nullptr, false);
  }
  void train_plain() const {
    ASSERT_EQ(train("m.json", {"--train", "t.csv", "--ignore", "Card,Date"}).exit_code, 0);
  }
};

TEST_F(SideColumns, EvaluateShowsWhatTheyAllow) {
  train_plain();
  const Json json = evaluate_json({"--time-column", "Date", "--group-column", "Card", "--amount-column",
                                   "Amount", "--cost-review", "20", "--cost-fp", "5"});
  EXPECT_EQ(json["days"], 13);
  EXPECT_EQ(json["costs"], (Json{{"cost_fp", 5}, {"cost_fn", "amount"}, {"cost_review", 20}}));
  for (const char* metric : {"card_precision@k=100", "amount_recall", "cost"}) {
    EXPECT_GT(json["metrics"][metric], 0) << metric;
  }
  for (const Json& line : json["thresholds"]) {
    EXPECT_EQ(line["alerts_per_day"], line["alerts"].get<double>() / 13);
    if (line["threshold"] == json["threshold"]) {
      EXPECT_EQ(line["amount_recall"], json["metrics"]["amount_recall"]);
      EXPECT_DOUBLE_EQ(line["cost"].get<double>() / 600, json["metrics"]["cost"]);
    }
  }
  // A fixed price of a miss goes before the amount.
  const Json fixed = evaluate_json({"--amount-column", "Amount", "--cost-fp", "5", "--cost-fn", "30"});
  const Json& cells = fixed["confusion"];
  EXPECT_DOUBLE_EQ(fixed["metrics"]["cost"].get<double>() * 600,
                   5 * cells["false_positive"].get<double>() + 30 * cells["false_negative"].get<double>());
  const Outcome text = evaluate(
      {"--time-column", "Date", "--day-length", "12h", "--amount-column", "Amount", "--cost-review", "20"});
  EXPECT_THAT(text.output, HasSubstr("alerts per day  amounts found"));
}

TEST_F(SideColumns, ThresholdsAreChosenByCostAndByAlerts) {
  train_plain();
  const Words columns = {"--time-column", "Date", "--amount-column", "Amount", "--cost-review", "20"};
  const auto chosen_by = [&](const char* rule) {
    Words words = columns;
    words.insert(words.end(), {"--choose", rule});
    return evaluate_json(words);
  };
  const Json cheapest = chosen_by("min-cost");
  for (const Json& line : cheapest["thresholds"]) {
    EXPECT_GE(line["cost"].get<double>(), cheapest["metrics"]["cost"].get<double>() * 600 - 1e-9);
  }
  const Json few = chosen_by("alerts-per-day<=6");
  const double alerts =
      few["confusion"]["true_positive"].get<double>() + few["confusion"]["false_positive"].get<double>();
  EXPECT_LE(alerts, 6 * 13);
  EXPECT_GT(alerts, 0);
  const Outcome dear = evaluate({"--cost-fn", "1", "--cost-review", "1000", "--choose", "min-cost"});
  EXPECT_EQ(dear.exit_code, 1);
  EXPECT_THAT(dear.errors, StartsWith("coppice: [cli.threshold] at these costs every threshold costs more"));
}

TEST_F(SideColumns, GroupsAreResampledWhole) {
  train_plain();
  const Json by_row = evaluate_json({"--bootstrap", "100"});
  const Json by_card = evaluate_json({"--bootstrap", "100", "--group-column", "Card"});
  EXPECT_EQ(by_card["bootstrap"]["by"], "group");
  EXPECT_NE(by_card["intervals"]["auc"], by_row["intervals"]["auc"]);
  EXPECT_EQ(evaluate_json({"--bootstrap", "100", "--group-column", "Card", "--threads", "3"}), by_card);
  // Groups of one row each are rows.
  std::string numbered = "Date,Card,Amount,Country,Class\n";
  int i = 0;
  for (const std::string& line : lines_of(read("new.csv"))) {
    if (i++ > 0)
      numbered += fmt::format("2026-11-01,{}{}\n", i, line.substr(line.find(',', line.find(',') + 1)));
  }
  write("new.csv", numbered);
  const Json single = evaluate_json({"--bootstrap", "100", "--group-column", "Card"});
  EXPECT_EQ(single["metrics"], by_row["metrics"]);
}

TEST_F(SideColumns, AreMetricsOfATraining) {
  const std::string metrics = "min_cost,amount_recall@fpr=0.1,card_precision@k=3";
  const Outcome outcome =
      train("m.json", {"--train", "t.csv", "--valid", "new.csv", "--group-column", "Card", "--time-column",
                       "1", "--amount-column", "Amount", "--param", "cost_review=20", "--param",
                       "early_stopping_rounds=3", "--param", "eval_metric=" + metrics, "--json"});
  EXPECT_EQ(outcome.exit_code, 2);  // column 1 is the card
  const Outcome good =
      train("m.json", {"--train", "t.csv", "--valid", "new.csv", "--group-column", "Card", "--time-column",
                       "0", "--amount-column", "Amount", "--param", "cost_review=20", "--param",
                       "early_stopping_rounds=3", "--param", "eval_metric=" + metrics, "--json"});
  ASSERT_EQ(good.exit_code, 0) << good.errors;
  const Json trained = Json::parse(good.output);
  // The costs of the training are the model's.
  const Json measured = evaluate_json(
      {"--group-column", "Card", "--time-column", "Date", "--amount-column", "Amount", "--metric", metrics});
  for (const char* metric : {"min_cost", "amount_recall@fpr=0.1", "card_precision@k=3"}) {
    EXPECT_EQ(trained["metrics"][std::string("validation-") + metric], measured["metrics"][metric]) << metric;
  }
  // Neither card nor date is learned from.
  EXPECT_EQ(Json::parse(read("m.json"))["learner"]["feature_names"], (Json{"Amount", "Country"}));
}

TEST_F(SideColumns, MistakesAreToldWithThePlace) {
  train_plain();
  const std::vector<std::pair<Words, std::string>> early = {
      {{"--metric", "card_precision@k=5"}, "[core.metric.column] card_precision@k=5 needs the card"},
      {{"--metric", "cost"}, "[core.metric.cost] cost needs what an alert costs"},
      {{"--choose", "alerts-per-day<=5"}, "[core.metric.column] alerts-per-day<=5 needs the day"},
      {{"--cost-fp", "-1"}, "[cli.usage] --cost-fp: "},
      {{"--time-column", "Date", "--day-length", "0"}, "[cli.usage] --day-length: a day lasts longer"},
      {{"--time-column", "Card", "--group-column", "1"}, "[cli.usage] --time-column, --group-column and"}};
  for (const auto& [words, message] : early) {
    const Outcome outcome = evaluate(words);
    EXPECT_EQ(outcome.exit_code, 2) << message;
    EXPECT_THAT(outcome.errors, StartsWith("coppice: " + message));
  }
  EXPECT_THAT(evaluate({"--amount-column", "Country"}).errors,
              HasSubstr("[cli.amount] new.csv:2: amount column 'Country': \""));
  EXPECT_THAT(evaluate({"--time-column", "Card"}).errors,
              HasSubstr("[cli.split.time] new.csv:2: time column 'Card': \"card "));
  EXPECT_THAT(evaluate({"--group-column", "Crad"}).errors, HasSubstr("did you mean 'Card'?"));
}

TEST_F(SideColumns, HeldOutRowsAreThoseOfSplit) {
  const std::vector<Words> strategies = {{"stratified"},
                                         {"random"},
                                         {"time", "--time-column", "Date"},
                                         {"group", "--group-column", "Card"},
                                         {"time-group", "--time-column", "Date", "--group-column", "Card"}};
  for (const Words& strategy : strategies) {
    const std::string& name = strategy.front();
    const Words columns(strategy.begin() + 1, strategy.end());
    if (name == "time-group") write("t.csv", card_table(60, 1));  // more rows, and all cards are known
    Words split = {"split",       "t.csv",   "--label", "Class", "--out",      "parts",
                   "--fractions", "0.7,0.3", "--seed",  "7",     "--strategy", name};
    Words held_out = {"--train", "t.csv", "--valid-fraction", "0.3"};
    split.insert(split.end(), columns.begin(), columns.end());
    if (name == "random") held_out.insert(held_out.end(), {"--strategy", name});
    for (Words* words : {&split, &held_out}) {
      if (name.starts_with("time")) words->insert(words->end(), {"--gap", "1h"});
    }
    const Outcome parts = run(split);
    ASSERT_EQ(parts.exit_code, 0) << name << parts.errors;

    const auto train_with = [&](const std::string& model, Words words) {
      words.insert(words.end(), columns.begin(), columns.end());
      words.insert(words.end(), {"--ignore", "Date,Card", "--param", "seed=7"});
      const Outcome outcome = train(model, words);
      EXPECT_EQ(outcome.exit_code, 0) << name << outcome.errors;
      return outcome.output;
    };
    train_with("of_files.json", {"--train", "parts/train.csv", "--valid", "parts/test.csv"});
    EXPECT_THAT(train_with("of_table.json", held_out), HasSubstr(" rows held out\n"));
    // The curves in the model are those of the same validation rows, the dictionary that of the same
    // training.
    EXPECT_TRUE(read("of_table.json") == read("of_files.json")) << name;
  }
}

TEST_F(SideColumns, HeldOutRowsDoNotDependOnThreads) {
  for (const char* threads : {"1", "3"}) {
    const Outcome outcome = run({"train",         "--label",        "Class",
                                 "--train",       "t.csv",          "--valid-fraction",
                                 "0.3",           "--group-column", "Card",
                                 "--time-column", "Date",           "--strategy",
                                 "group",         "--model",        std::string(threads) + ".json",
                                 "--threads",     threads,          "--param",
                                 "num_round=5",   "--param",        "eval_metric=card_precision@k=2"});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_THAT(outcome.errors,
                HasSubstr("note: the split ignores columns that may leak: Date looks like a time"));
  }
  EXPECT_TRUE(read("1.json") == read("3.json"));
}

TEST_F(SideColumns, HoldingOutRefusesWhatDoesNotFit) {
  const auto errors = [&](Words words) {
    words.insert(words.begin(), {"--train", "t.csv"});
    const Outcome outcome = train("m.json", words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.errors;
    EXPECT_FALSE(exists("m.json"));
    return outcome.errors;
  };
  EXPECT_THAT(errors({"--valid-fraction", "1"}), StartsWith("coppice: [cli.usage] --valid-fraction: "));
  EXPECT_THAT(errors({"--valid-fraction", "0.1", "--valid", "new.csv"}), HasSubstr("--valid"));
  EXPECT_THAT(errors({"--gap", "1"}), HasSubstr("--gap requires --valid-fraction"));
  EXPECT_THAT(errors({"--valid-fraction", "0.1", "--strategy", "time"}),
              StartsWith("coppice: [cli.usage] --strategy time needs --time-column"));
  EXPECT_THAT(errors({"--valid-fraction", "0.1", "--gap", "1"}), HasSubstr("coppice: [tune.split.gap]"));
  EXPECT_THAT(errors({"--valid-fraction", "0.1", "--param", "eval_metric=card_precision@k=4"}),
              StartsWith("coppice: [core.metric.column] card_precision@k=4 needs the card"));
}

}  // namespace
}  // namespace coppice::test
