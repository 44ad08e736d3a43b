#include <coppice/error.h>
#include <coppice/serve/answers.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

namespace coppice::serve {
namespace {

using testing::HasSubstr;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

/// A regression, so that margins are predictions and numbers are known without a sigmoid: the base 1, then
/// +0.5 or -0.25 by `amount` < 10, and +2 for country FR, -1 for others.
Model make_model() {
  Model model;
  model.objective = Objective::kSquaredError;
  model.base_score = 1;
  model.schema.features = {
      {.name = "amount"},
      {.name = "the \"country\"", .kind = FeatureKind::kCategorical, .categories = {"DE", "FR"}}};
  Tree amount;
  amount.nodes = {{.left = 1, .right = 2, .feature = 0, .threshold = 10, .cover = 4},
                  {.weight = 0.5F, .cover = 2},
                  {.weight = -0.25F, .cover = 2}};
  Tree country;
  country.nodes = {
      {.left = 1, .right = 2, .feature = 1, .cover = 4, .is_categorical = true, .categories_size = 1},
      {.weight = -1, .cover = 3},
      {.weight = 2, .cover = 1}};
  country.categories = {1};
  model.trees = {amount, country};
  return model;
}

/// The same trees under a sigmoid.
Model make_classifier() {
  Model model = make_model();
  model.objective = Objective::kBinaryLogistic;
  model.base_score = 0.5F;
  return model;
}

/// (5, FR), (20, DE), (missing, an unknown country): margins 3.5, -0.25, -0.25 over the base 1.
RowBatch make_rows() {
  RowBatch rows;
  rows.clear(2, 100);
  for (const auto& [amount, country] : {std::pair{5.0F, 1.0F}, {20.0F, 0.0F}, {kNan, 2.0F}}) {
    const std::span<float> row = rows.add_row();
    row[0] = amount;
    row[1] = country;
  }
  return rows;
}

std::string answer(const Model& model, const AnswerOptions& options) {
  Answer answer;
  answer.body = "of the last request";
  Answerer(model).answer(make_rows(), options, answer);
  return answer.body;
}

AnswerOptions options_of(AnswerFormat format, std::string_view output = "score",
                         Objective objective = Objective::kSquaredError) {
  return {.format = format, .fields = parse_fields(output, objective)};
}

TEST(Answers, Scores) {
  const Model model = make_model();
  EXPECT_EQ(answer(model, {}), "3.5\n-0.25\n-0.25\n");
  EXPECT_EQ(answer(model, {.comma_joined = true}), "3.5,-0.25,-0.25");
  EXPECT_EQ(answer(model, options_of(AnswerFormat::kJson)),
            R"({"predictions":[{"score":3.5},{"score":-0.25},{"score":-0.25}]})");
  EXPECT_EQ(answer(model, options_of(AnswerFormat::kJsonLines)),
            "{\"score\":3.5}\n{\"score\":-0.25}\n{\"score\":-0.25}\n");
}

TEST(Answers, ShortestTextOfAFloat) {
  Model model = make_model();
  model.trees.clear();
  model.base_score = 0.1F;
  EXPECT_EQ(answer(model, {}), "0.1\n0.1\n0.1\n");
  model.base_score = 1.17549435e-38F;
  EXPECT_EQ(answer(model, {}), "1.1754944e-38\n1.1754944e-38\n1.1754944e-38\n");
}

TEST(Answers, Npy) {
  const Model model = make_model();
  const std::string one = answer(model, options_of(AnswerFormat::kNpy));
  const std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }";
  ASSERT_EQ(one.size(), 128U + 12);
  EXPECT_EQ(one.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(one.substr(10, 118), header + std::string(117 - header.size(), ' ') + "\n");
  EXPECT_EQ(one.substr(128), std::string("\x00\x00\x60\x40\x00\x00\x80\xbe\x00\x00\x80\xbe", 12));
  const std::string two = answer(model, options_of(AnswerFormat::kNpy, "score,margin"));
  EXPECT_THAT(two, HasSubstr("'shape': (3, 2), }"));
  EXPECT_EQ(two.substr(128, 8), std::string("\x00\x00\x60\x40\x00\x00\x60\x40", 8));
  const std::string leaves = answer(model, options_of(AnswerFormat::kNpy, "leaf"));
  EXPECT_THAT(leaves, HasSubstr("'descr': '<i4', 'fortran_order': False, 'shape': (3, 2), }"));
  EXPECT_EQ(leaves.substr(128, 8), std::string("\x01\x00\x00\x00\x02\x00\x00\x00", 8));
  EXPECT_EQ(answer(model, options_of(AnswerFormat::kNpy, "contributions")).size(), 128U + 3 * 3 * 4);
  EXPECT_THROW(answer(model, options_of(AnswerFormat::kNpy, "score,leaf")), Error);
  EXPECT_THROW(answer(model, options_of(AnswerFormat::kNpy, "reasons")), Error);
}

// Half of the cover is on either side of `amount`: its mean is 0.125, so it adds 0.375 or takes 0.375. The
// mean of the countries is (3 * -1 + 2) / 4 = -0.25. The bias is 1 + 0.125 - 0.25.
TEST(Answers, ReasonsAndContributions) {
  const Model model = make_model();
  AnswerOptions options = options_of(AnswerFormat::kJsonLines, "reasons,contributions,leaf");
  EXPECT_EQ(
      answer(model, options),
      R"({"reasons":[{"feature":"the \"country\"","value":"FR","contribution":2.25},)"
      R"({"feature":"amount","value":5,"contribution":0.375}],"contributions":[0.375,2.25,0.875],"leaf":[1,2]})"
      "\n"
      R"({"reasons":[{"feature":"the \"country\"","value":"DE","contribution":-0.75},)"
      R"({"feature":"amount","value":20,"contribution":-0.375}],"contributions":[-0.375,-0.75,0.875],"leaf":[2,1]})"
      "\n"
      R"({"reasons":[{"feature":"the \"country\"","contribution":-0.75},)"
      R"({"feature":"amount","value":null,"contribution":-0.375}],"contributions":[-0.375,-0.75,0.875],"leaf":[2,1]})"
      "\n");
  options = options_of(AnswerFormat::kCsv, "score,reasons,leaf");
  options.n_reasons = 1;
  EXPECT_THAT(
      answer(model, options),
      testing::StartsWith(
          R"(3.5,"[{""feature"":""the \""country\"""",""value"":""FR"",""contribution"":2.25}]","[1,2]")"
          "\n-0.25,"));
}

TEST(Answers, SelectableInferenceOfTheContainer) {
  const Model model = make_classifier();
  AnswerOptions options =
      options_of(AnswerFormat::kJsonLines,
                 "Predicted_Label, labels,probability,probabilities,raw_score,raw_scores,margin",
                 Objective::kBinaryLogistic);
  options.threshold = 0.4;
  const std::string body = answer(model, options);
  // sigmoid(2.5) = 0.92414182, sigmoid(-1.25) = 0.22270014
  EXPECT_THAT(body, testing::StartsWith(R"({"predicted_label":1,"labels":[0,1],"probability":0.92414)"));
  EXPECT_THAT(body, HasSubstr(R"(,"margin":2.5})"));
  EXPECT_THAT(body, HasSubstr("{\"predicted_label\":0,\"labels\":[0,1],\"probability\":0.2227"));
  EXPECT_THAT(body, HasSubstr(R"("probabilities":[0.7772998)"));
  EXPECT_EQ(answer(model, options_of(AnswerFormat::kCsv, "label", Objective::kBinaryLogistic)), "1\n0\n0\n");
  options.threshold = 0.95;
  EXPECT_THAT(answer(model, options), testing::StartsWith(R"({"predicted_label":0)"));
}

TEST(Answers, PredictionsForOthers) {
  Answer answer;
  std::vector<float> predictions;
  const Answerer answerer(make_classifier());
  answerer.answer(make_rows(), options_of(AnswerFormat::kCsv, "margin"), answer);
  answerer.predict(make_rows(), predictions);
  EXPECT_EQ(answer.predictions, predictions);
  EXPECT_NEAR(predictions[0], 0.92414182, 1e-7);  // half a unit in the last place of a float32 near 1
}

TEST(Answers, FieldsThatDoNotFit) {
  const auto refusal = [](std::string_view text, Objective objective) -> std::string {
    try {
      (void)parse_fields(text, objective);
    } catch (const Error& error) {
      return error.what();
    }
    return "read";
  };
  EXPECT_EQ(refusal("scores", Objective::kSquaredError),
            "[serve.request.output] no output 'scores'; did you mean 'score'?");
  EXPECT_THAT(refusal("", Objective::kSquaredError), HasSubstr("no output ''; there are score, prediction"));
  EXPECT_THAT(refusal("score,", Objective::kSquaredError), HasSubstr("no output ''"));
  EXPECT_THAT(refusal("score,margin,score", Objective::kSquaredError),
              HasSubstr("'score' is selected twice"));
  EXPECT_EQ(refusal("probability", Objective::kSquaredError),
            "[serve.request.output] a model of reg:squarederror has no output 'probability'");
  EXPECT_THAT(refusal("predicted_score", Objective::kBinaryLogistic),
              HasSubstr("has no output 'predicted_score'"));
  AnswerOptions joined = options_of(AnswerFormat::kCsv, "score,margin");
  joined.comma_joined = true;
  EXPECT_THROW(answer(make_model(), joined), Error);
}

TEST(Answers, DeepTreesHaveNoReasons) {
  Model model = make_model();
  // A chain to the right; each inner node stands behind the leaf beside it.
  constexpr int kDepth = 600;
  Tree deep;
  deep.nodes = {{.left = 1, .right = 2, .feature = 0, .cover = 1}};
  for (int level = 1; level <= kDepth; ++level) {
    deep.nodes.push_back({.weight = 1, .cover = 1});
    deep.nodes.push_back({.left = 2 * level + 1, .right = 2 * level + 2, .feature = 0, .cover = 1});
  }
  deep.nodes.back() = {.weight = 1, .cover = 1};
  model.trees.push_back(deep);
  EXPECT_EQ(answer(model, {}).substr(0, 4), "4.5\n");
  EXPECT_THROW(answer(model, options_of(AnswerFormat::kJson, "reasons")), Error);
}

TEST(Accept, PicksWhatIsLikedBest) {
  EXPECT_EQ(parse_accept(""), AnswerFormat::kCsv);
  EXPECT_EQ(parse_accept("*/*"), AnswerFormat::kCsv);
  EXPECT_EQ(parse_accept("*/*", AnswerFormat::kJson), AnswerFormat::kJson);
  EXPECT_EQ(parse_accept("application/json"), AnswerFormat::kJson);
  EXPECT_EQ(parse_accept("Application/JSONLines; charset=utf-8"), AnswerFormat::kJsonLines);
  EXPECT_EQ(parse_accept("application/x-npy"), AnswerFormat::kNpy);
  EXPECT_EQ(parse_accept("text/html, application/*;q=0.5, text/csv;q=0.8"), AnswerFormat::kCsv);
  EXPECT_EQ(parse_accept("text/*"), AnswerFormat::kCsv);
  EXPECT_EQ(parse_accept("text/csv;q=0, application/json;q=0.1"), AnswerFormat::kJson);
  EXPECT_EQ(parse_accept("text/csv;q=0"), std::nullopt);
  EXPECT_EQ(parse_accept("image/png"), std::nullopt);
  EXPECT_EQ(parse_accept("csv, text/libsvm"), std::nullopt);  // of bodies alone
  EXPECT_EQ(parse_accept("text/csv;q=many"), std::nullopt);
  EXPECT_EQ(parse_accept("application/x-recordio-protobuf"), std::nullopt);
}

}  // namespace
}  // namespace coppice::serve
