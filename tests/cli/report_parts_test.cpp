// Parts of reports, against numbers worked out by hand.
#include <coppice/dataset.h>
#include <coppice/model.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "report/html.h"
#include "report/partial_dependence.h"
#include "report/plot.h"
#include "report/scale.h"
#include "report/tuning_report.h"

namespace coppice::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<std::string> texts_of(const Scale& scale) {
  std::vector<std::string> texts;
  for (const Tick& tick : scale.ticks) texts.push_back(tick.text);
  return texts;
}

TEST(Html, EscapesMarkupQuotesAndControls) {
  EXPECT_EQ(escape("a<b>&\"c'\n\x7f é"), "a&lt;b&gt;&amp;&quot;c&#39;?? é");
  EXPECT_EQ(number_html(0.1, "<1"), "<data value=\"0.1\">&lt;1</data>");
  EXPECT_THAT(number_html(std::nan(""), "nan"), Not(HasSubstr("nan")));
}

TEST(Html, ShortensByCharacters) {
  EXPECT_EQ(shorten("Zürich", 6), "Zürich");
  EXPECT_EQ(shorten("Zürich", 4), "Zür…");
  EXPECT_EQ(count_characters("Zür…"), 4);
}

TEST(Scale, TicksAreRoundNumbers) {
  EXPECT_THAT(texts_of(linear_scale(0, 1, Unit::kPercent)),
              ElementsAre("0\u00A0%", "20\u00A0%", "40\u00A0%", "60\u00A0%", "80\u00A0%", "100\u00A0%"));
  EXPECT_THAT(texts_of(linear_scale(-1300, 2100, Unit::kNumber, 4)),
              ElementsAre("−1,000", "0", "1,000", "2,000"));
  EXPECT_THAT(texts_of(linear_scale(0, 4e6, Unit::kNumber, 4)), ElementsAre("0", "1M", "2M", "3M", "4M"));
  EXPECT_THAT(texts_of(log_scale(0.0008, 1, Unit::kPercent)),
              ElementsAre("0.1\u00A0%", "1\u00A0%", "10\u00A0%", "100\u00A0%"));
  EXPECT_THAT(texts_of(log_scale(3, 60, Unit::kNumber)), ElementsAre("5", "10", "20", "50"));
  EXPECT_THAT(texts_of(logit_scale(0.005, 0.995)), ElementsAre("0.01", "0.1", "0.5", "0.9", "0.99"));
}

TEST(Scale, WidensToTicksAndSurvivesEqualEnds) {
  const Scale wide = linear_scale(0.13, 0.88, Unit::kNumber, 4, true);
  EXPECT_DOUBLE_EQ(wide.low, 0);
  EXPECT_DOUBLE_EQ(wide.high, 1);
  const Scale flat = linear_scale(5, 5, Unit::kNumber);
  EXPECT_LT(flat.low, 5);
  EXPECT_GT(flat.high, 5);
  EXPECT_DOUBLE_EQ(flat.place(5), 0.5);
}

TEST(Scale, PlacesAndTheirNumbers) {
  const Scale log = log_scale(0.01, 100, Unit::kNumber);
  EXPECT_DOUBLE_EQ(log.place(1), 0.5);
  EXPECT_DOUBLE_EQ(log.place(1e9), 1);  // beyond: at the end
  const Scale logit = logit_scale(0.1, 0.9);
  EXPECT_NEAR(logit.place(0.5), 0.5, 1e-15);  // rounding of the logarithms
  for (const Scale& scale : {log, logit, linear_scale(-3, 7, Unit::kNumber)}) {
    EXPECT_NEAR(scale.place(scale.value_at(0.3)), 0.3, 1e-14);
  }
}

TEST(Scale, NumbersForPeople) {
  EXPECT_EQ(short_number(1234.6, 3), "1,235");
  EXPECT_EQ(short_number(-0.25), "−0.25");
  EXPECT_EQ(short_number(2.5e6), "2.5M");
  EXPECT_EQ(short_number(0), "0");
  EXPECT_EQ(short_number(std::nan("")), "–");
  EXPECT_EQ(short_percent(0.008691), "0.869\u00A0%");
  EXPECT_EQ(short_percent(0.99996), "99.996\u00A0%");  // not 100 %
  EXPECT_EQ(short_percent(1), "100\u00A0%");
  EXPECT_EQ(fixed_text(0.5, Unit::kPercent, 1), "50.0\u00A0%");
}

TEST(Plot, DrawsWhatItIsGiven) {
  Plot plot({.title = "a < b",
             .description = "d",
             .x = {"x", linear_scale(0, 10, Unit::kNumber)},
             .y = {"y", linear_scale(0, 1, Unit::kNumber)}});
  const std::vector<Point> points = {{0, 0}, {10, 1}};
  plot.line(points, Role::kAccent, "tip & more");
  const std::string svg = plot.svg();
  EXPECT_THAT(svg, HasSubstr("aria-label=\"a &lt; b\""));
  EXPECT_THAT(svg, HasSubstr("<title>tip &amp; more</title>"));
  // From the left end of the axis, below, to its right end, above: 250 - 42 and 28.
  EXPECT_THAT(svg, HasSubstr(" 208.0L346.0 28.0\">"));
}

/// One split of a numeric feature, x < 2 (missing goes right), and one of a category: code 1 goes right.
Model small_model() {
  Model model;
  model.objective = Objective::kSquaredError;
  model.base_score = 10;
  model.schema.features = {{.name = "x"},
                           {.name = "c", .kind = FeatureKind::kCategorical, .categories = {"a", "b"}}};
  Tree numeric;
  numeric.nodes = {{.left = 1, .right = 2, .feature = 0, .threshold = 2}, {.weight = -1}, {.weight = 1}};
  Tree categorical;
  categorical.nodes = {{.left = 1, .right = 2, .feature = 1, .is_categorical = true, .categories_size = 1},
                       {.weight = 0},
                       {.weight = 4}};
  categorical.categories = {1};
  model.trees = {numeric, categorical};
  return model;
}

TEST(PartialDependence, MeansOverRowsWithOneFeatureSet) {
  const Model model = small_model();
  Dataset data;
  data.schema = model.schema;
  data.n_rows = 4;
  const float missing = std::numeric_limits<float>::quiet_NaN();
  data.columns = {Buffer<float>{0, 5, 5, missing}, Buffer<float>{0, 1, 1, 1}};
  const std::vector<PartialDependence> found = partial_dependence(model, data, {0, 1}, {});
  // Three of four rows are b: 4 * 3 / 4 on top of 10 - 1 and 10 + 1.
  EXPECT_THAT(found[0].thresholds, ElementsAre(2));
  EXPECT_THAT(found[0].means, ElementsAre(12, 14));
  EXPECT_EQ(found[0].missing, 14);
  // One row of four is below 2: (-1 + 3) / 4 on top of 10 and 14. The frequent category first.
  EXPECT_THAT(found[1].codes, ElementsAre(1, 0));
  EXPECT_THAT(found[1].means, ElementsAre(14.5, 10.5));
  EXPECT_FALSE(found[1].missing);

  data.weights = {3, 1, 1, 1};  // a has half of the weight
  EXPECT_THAT(partial_dependence(model, data, {0}, {})[0].means, ElementsAre(11, 13));
}

/// Two trials of one parameter that completed, one that failed.
tune::Outcome small_outcome() {
  tune::Outcome outcome;
  for (int i = 0; i < 3; ++i) {
    tune::Trial& trial = outcome.trials.emplace_back();
    trial.index = i;
    trial.parameters = {{"eta", i == 0 ? "0.1" : "0.3"}};
    if (i == 2) {
      trial.status = tune::TrialStatus::kFailed;
      trial.error = "<b>too large</b>";
      continue;
    }
    const double score = i == 0 ? 0.75 : 0.875;
    trial.curves = {{.values = {0.5, score}, .n_rounds = 2, .metrics = {{"validation-auc", score}}}};
  }
  outcome.best = 1;
  outcome.end = tune::EndReason::kTrials;
  return outcome;
}

TEST(TuningReport, ShowsTrialsBestFirst) {
  tune::Study study;
  study.space = {{.name = "eta"}};
  study.goal.metric = "validation-auc";
  const std::string page = tuning_report_html(study, small_outcome(), "a&b");
  EXPECT_THAT(page, HasSubstr("<h1>Best of 3 trials: validation-auc 0.875.</h1>"));
  EXPECT_THAT(page, HasSubstr("Trial 1 won with eta 0.3."));
  EXPECT_THAT(page, HasSubstr("<tr class=\"highlighted\"><td class=\"left\">1</td>"));
  EXPECT_THAT(page, HasSubstr("Trial 2 failed: &lt;b&gt;too large&lt;/b&gt;"));
  EXPECT_THAT(page, HasSubstr("<code>a&amp;b</code>"));
  EXPECT_THAT(page, Not(HasSubstr("nan")));
}

TEST(TuningReport, SaysWhenNothingHasAScore) {
  tune::Study study;
  study.space = {{.name = "eta"}};
  tune::Outcome outcome = small_outcome();
  outcome.trials = {outcome.trials[2]};
  outcome.best = -1;
  EXPECT_THAT(tuning_report_html(study, outcome, "s"), HasSubstr("<h1>No trial has a score.</h1>"));
  outcome.trials.clear();
  EXPECT_THAT(tuning_report_html(study, outcome, "s"), HasSubstr("<h1>No trial has a score.</h1>"));
}

}  // namespace
}  // namespace coppice::cli
