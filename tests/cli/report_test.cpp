// coppice report: its numbers are those of evaluate, its words fit the table, its errors leave no page.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>
#include <vector>

#include "program.h"

namespace coppice::test {
namespace {

using OrderedJson = nlohmann::ordered_json;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Report : public ModelTest {
 protected:
  /// The page about m.json on a table.
  std::string report(const std::string& table, Words more = {}) const {
    more.insert(more.begin(), {"report", "--model", "m.json", table, "--out", "r.html"});
    const Outcome outcome = run(more);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
    EXPECT_EQ(outcome.output, "");
    return read("r.html");
  }
  OrderedJson evaluate(Words more) const {
    more.insert(more.begin(), {"evaluate", "--model", "m.json", "new.csv", "--json"});
    return OrderedJson::parse(run(more).output);
  }
};

/// The numbers of a piece of a page, in order, with all their digits.
std::vector<double> numbers_of(const std::string& html) {
  static const std::regex kNumber("<data value=\"([^\"]*)\">");
  std::vector<double> numbers;
  for (auto match = std::sregex_iterator(html.begin(), html.end(), kNumber); match != std::sregex_iterator();
       ++match) {
    numbers.push_back(std::stod((*match)[1]));
  }
  return numbers;
}

TEST_F(Report, NumbersAreThoseOfEvaluate) {
  const Words how = {"--choose", "recall>=0.6", "--bootstrap", "50", "--seed", "3", "--metric", "brier,mcc"};
  const std::string page = report("new.csv", how);
  const OrderedJson json = evaluate(how);

  std::vector<double> measures;
  for (const auto& [name, value] : json["metrics"].items()) {
    measures.insert(measures.end(), {value, json["intervals"][name][0], json["intervals"][name][1]});
  }
  EXPECT_EQ(numbers_of(between(page, "<h3>All measures", "</table>")), measures);

  const OrderedJson& confusion = json["confusion"];
  EXPECT_EQ(numbers_of(between(page, "<table class=\"confusion\"", "</table>")),
            (std::vector<double>{confusion["true_positive"], confusion["false_negative"],
                                 confusion["false_positive"], confusion["true_negative"]}));

  std::vector<double> thresholds;
  for (const OrderedJson& line : json["thresholds"]) {
    const double false_positive =
        line["false_positive_rate"].get<double>() *
        (confusion["false_positive"].get<double>() + confusion["true_negative"].get<double>());
    thresholds.insert(thresholds.end(), {line["threshold"], line["alerts"], std::round(false_positive),
                                         1000 * std::round(false_positive) / json["rows"].get<double>()});
    // Where nothing is called positive the page has a dash.
    for (const char* name : {"precision", "recall", "f1"}) {
      if (!line[name].is_null()) thresholds.push_back(line[name]);
    }
  }
  EXPECT_EQ(numbers_of(between(page, "<h3>Other thresholds", "</table>")), thresholds);
}

TEST_F(Report, CostsAndAmountsAreThoseOfEvaluate) {
  const Words how = {"--amount-column", "Amount", "--cost-review", "2", "--bootstrap", "0"};
  write("new.csv",
        std::regex_replace(read("new.csv"), std::regex(",,"), ",7,"));  // amounts are never missing
  const std::string page = report("new.csv", how);
  const std::vector<double> numbers = numbers_of(between(page, "<h3>Other thresholds", "</table>"));
  for (const OrderedJson json = evaluate(how); const OrderedJson& line : json["thresholds"]) {
    EXPECT_THAT(numbers, testing::Contains(line["cost"].get<double>()));
    EXPECT_THAT(numbers, testing::Contains(line["amount_recall"].get<double>()));
  }
  EXPECT_THAT(page, HasSubstr("; without any alert it would be "));
}

TEST_F(Report, FirstSentenceSaysWhatIsCaught) {
  const OrderedJson confusion = evaluate({})["confusion"];
  const double caught = confusion["true_positive"];
  const double frauds = caught + confusion["false_negative"].get<double>();
  EXPECT_THAT(report("new.csv"),
              HasSubstr("<h1>Catches " + std::to_string(static_cast<int>(caught)) + " of " +
                        std::to_string(static_cast<int>(frauds)) + " frauds with "));
  const std::string page = report("new.csv", {"--positive", "false claim", "--row", "policy/policies"});
  EXPECT_THAT(page, HasSubstr(" false claims with "));
  EXPECT_THAT(page, HasSubstr("<p class=\"lede\">Of 200 policies, "));
  EXPECT_THAT(report("new.csv", {"--threshold", "1"}), HasSubstr("<h1>Raises no alert, and misses all "));
}

TEST_F(Report, SaysWhenThereIsNothingToCatch) {
  std::string genuine = "Time,Amount,Country,Class\n";
  for (int i = 0; i < 20; ++i) genuine += "1,1,DE,0\n";
  write("genuine.csv", genuine);
  const std::string page = report("genuine.csv");
  EXPECT_THAT(page, HasSubstr("<h1>There is no fraud in this table"));
  EXPECT_THAT(page, HasSubstr("All rows have the same label: there are no curves to draw."));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST_F(Report, WarnsOfTheTrainingTable) {
  EXPECT_THAT(report("t.csv"), HasSubstr("as the one that the model was trained on"));
  EXPECT_THAT(report("new.csv"), Not(HasSubstr("as the one that the model was trained on")));
}

TEST_F(Report, SameBytesOnAnyThreads) {
  const std::string page = report("new.csv", {"--threads", "1"});
  EXPECT_EQ(report("new.csv", {"--threads", "3"}), page);
}

TEST_F(Report, NamesAreEscapedAndNothingIsLoaded) {
  write("a&b.csv", read("new.csv"));
  const std::string page = report("a&b.csv", {"--positive", "<b>fraud"});
  EXPECT_THAT(page, HasSubstr("a&amp;b.csv"));
  EXPECT_THAT(page, Not(HasSubstr("<b>fraud")));
  EXPECT_THAT(page, HasSubstr("&lt;b&gt;fraud"));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  for (const char* loading : {"<script", "<link", "src=", "href=", "url(", "@import", "http"}) {
    std::string rest = page;
    rest.erase(rest.find("http-equiv"), 4);
    EXPECT_THAT(rest, Not(HasSubstr(loading)));
  }
}

TEST_F(Report, NumbersAreReportedToo) {
  std::string table = "x,y\n";
  for (int i = 0; i < 200; ++i)
    table += std::to_string(i % 17) + "," + std::to_string(3 * (i % 17) + i % 2) + "\n";
  write("n.csv", table);
  ASSERT_EQ(run({"train", "--train", "n.csv", "--label", "y", "--param", "objective=reg:squarederror",
                 "--model", "n.json"})
                .exit_code,
            0);
  ASSERT_EQ(run({"report", "--model", "n.json", "n.csv", "--out", "n.html"}).exit_code, 0);
  const std::string page = read("n.html");
  EXPECT_THAT(page, HasSubstr("<h1>Predicts y, off by "));
  const OrderedJson metrics = OrderedJson::parse(
      run({"evaluate", "--model", "n.json", "n.csv", "--json", "--bootstrap", "200"}).output);
  std::vector<double> numbers;
  for (const auto& [name, value] : metrics["metrics"].items()) {
    numbers.insert(numbers.end(), {value, metrics["intervals"][name][0], metrics["intervals"][name][1]});
  }
  EXPECT_EQ(numbers_of(between(page, "<dl class=\"numbers\">", "</dl>")), numbers);
}

TEST_F(Report, OfAStudyHasItsOutcome) {
  ASSERT_EQ(run({"tune", "--train", "t.csv", "--valid", "new.csv", "--label", "Class", "--range", "eta=0:1",
                 "--trials", "3", "--param", "num_round=5", "--out", "study"})
                .exit_code,
            0);
  ASSERT_EQ(run({"tune", "--report", "study", "--out", "r.html"}).exit_code, 0);
  std::vector<double> scores;
  const OrderedJson outcome = OrderedJson::parse(read("study/outcome.json"));
  for (const OrderedJson& trial : outcome["trials"]) scores.push_back(trial["score"]);
  std::ranges::sort(scores);  // logloss: the best first
  const std::string page = read("r.html");
  EXPECT_EQ(numbers_of(between(page, "<h2>All trials", "</table>")), scores);
  EXPECT_THAT(page, HasSubstr("<h1>Best of 3 trials: validation-logloss "));

  const Outcome nowhere = run({"tune", "--report", "study"});
  EXPECT_EQ(nowhere.exit_code, 2);
  EXPECT_EQ(nowhere.errors, "coppice: [cli.usage] name the HTML file to write with --out\n");
}

TEST_F(Report, MistakesLeaveNoPage) {
  write("unlabelled.csv", "Time,Amount,Country\n1,2,DE\n");
  const std::vector<std::tuple<Words, int, std::string>> mistakes = {
      {{"new.csv"}, 2, "[cli.usage] --out is required"},
      {{"new.csv", "--out", "r.html", "--choose", "best"}, 2, "[core.threshold.rule] 'best' is no rule"},
      {{"unlabelled.csv", "--out", "r.html"}, 1, "[io.csv.column_unknown] "},
      {{"new.csv", "--out", "no/r.html"}, 1, "[io.file.write] "}};
  for (const auto& [more, exit_code, message] : mistakes) {
    Words words = {"report", "--model", "m.json"};
    words.insert(words.end(), more.begin(), more.end());
    const Outcome outcome = run(words);
    EXPECT_EQ(outcome.exit_code, exit_code) << message;
    EXPECT_THAT(outcome.errors, StartsWith("coppice: " + message));
    EXPECT_FALSE(exists("r.html"));
  }
}

}  // namespace
}  // namespace coppice::test
