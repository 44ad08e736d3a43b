#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "sample_model.h"

namespace coppice::io {
namespace {

using testing::HasSubstr;

constexpr std::array kFormats = {ModelFormat::kJson, ModelFormat::kUbjson};

/// A stump as XGBoost writes it, with what it may leave out left out.
std::string xgboost_stump() {
  return R"({"version":[3,2,0],"learner":{
    "attributes":{},"feature_names":["a","b"],"feature_types":["float","int"],
    "gradient_booster":{"name":"gbtree","model":{
      "gbtree_model_param":{"num_trees":"1","num_parallel_tree":"1"},"tree_info":[0],
      "trees":[{"id":0,"tree_param":{"num_nodes":"3","num_deleted":"0","num_feature":"2","size_leaf_vector":"1"},
        "left_children":[1,-1,-1],"right_children":[2,-1,-1],"parents":[2147483647,0,0],
        "split_indices":[1,0,0],"split_conditions":[0.5,1E-1,-2E-1],"default_left":[1,0,0],
        "base_weights":[0.0,1.0,-2.0],"loss_changes":[3.5,0.0,0.0],"sum_hessian":[9.0,4.0,5.0]}]}},
    "learner_model_param":{"base_score":"[2.5E-1]","num_class":"0","num_feature":"2","num_target":"1"},
    "objective":{"name":"reg:squarederror","reg_loss_param":{"scale_pos_weight":"1"}}}})";
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error(fmt::format("'{}' is not in the text", from));
  return text.replace(at, from.size(), to);
}

/// The message that reading gives, empty when it succeeds.
std::string message_of(std::string_view bytes) {
  try {
    (void)read_model(bytes, "model.json");
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

/// The stump with one place changed: what reading says of it.
std::string message_of_stump(std::string_view from, std::string_view to) {
  return message_of(replaced(xgboost_stump(), from, to));
}

TEST(FormatOfPath, GoesByTheEnding) {
  EXPECT_EQ(format_of_path("model.ubj"), ModelFormat::kUbjson);
  EXPECT_EQ(format_of_path("model.json"), ModelFormat::kJson);
  EXPECT_EQ(format_of_path("model"), ModelFormat::kJson);
}

TEST(WriteModel, ComesBackTheSame) {
  const Model model = make_sample_model();
  for (const ModelFormat format : kFormats) {
    const std::string bytes = write_model(model, format);
    const Model read = read_model(bytes, "model");
    EXPECT_EQ(first_difference(model, read), "");
    EXPECT_EQ(model, read);
    EXPECT_EQ(write_model(read, format), bytes);
  }
}

TEST(WriteModel, KeepsNaNInTheSummary) {
  Model model = make_sample_model();
  model.summary.sampling_thresholds[3] = std::numeric_limits<float>::quiet_NaN();
  model.summary.curves[0].values[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(first_difference(model, read_model(write_model(model, ModelFormat::kJson), "model")), "");
}

TEST(WriteModel, WritesATreeAsXGBoostReadsIt) {
  Model model = make_sample_model();
  model.trees[0].nodes.resize(3);
  model.trees[0].nodes[1] = {.weight = 2, .cover = 4};
  model.trees[0].nodes[2] = {.weight = -1.5e-7F, .cover = 16777216};
  EXPECT_THAT(
      write_model(model, ModelFormat::kJson),
      HasSubstr(
          R"({"base_weights":[0.5,2.0,-1.5e-07],"categories":[],"categories_nodes":[],)"
          R"("categories_segments":[],"categories_sizes":[],"default_left":[0,0,0],"id":0,)"
          R"("left_children":[1,-1,-1],"loss_changes":[3.0,0.0,0.0],"parents":[2147483647,0,0],)"
          R"("right_children":[2,-1,-1],"split_conditions":[-0.1,2.0,-1.5e-07],"split_indices":[0,0,0],)"
          R"("split_type":[0,0,0],"sum_hessian":[10.0,4.0,1.6777216e+07],)"
          R"("tree_param":{"num_deleted":"0","num_feature":"4","num_nodes":"3","size_leaf_vector":"1"}})"));
}

TEST(WriteModel, NamesFeaturesSoThatXGBoostTakesThem) {
  EXPECT_THAT(write_model(make_sample_model(), ModelFormat::kJson),
              HasSubstr(R"("feature_names":["plain","a_b__c_1","land \"_u00e9\" ___","a_b__c"])"));
}

TEST(WriteModel, TellsXGBoostTheBestRoundOnlyWhenItIsTheLast) {
  Model model = make_sample_model();
  EXPECT_THAT(write_model(model, ModelFormat::kJson),
              HasSubstr(R"("best_iteration":"2","best_score":"0.75")"));
  model.summary.best_round = 1;
  EXPECT_THAT(write_model(model, ModelFormat::kJson), testing::Not(HasSubstr("best_iteration")));
}

TEST(WriteModel, KeepsEveryFloat) {
  std::mt19937 bits(1729);
  Model model;
  model.schema.features = {{.name = "a"}};
  Tree leaf;
  leaf.nodes.resize(1);
  for (int i = 0; i < 5'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(bits()));
    if (!std::isfinite(value)) continue;
    leaf.nodes[0].weight = value;
    model.trees.push_back(leaf);
    model.summary.sampling_thresholds.push_back(value);
  }
  model.summary.sampling_thresholds.push_back(0);
  for (const ModelFormat format : kFormats) {
    EXPECT_EQ(first_difference(model, read_model(write_model(model, format), "model")), "");
  }
}

TEST(SaveModel, WritesTheFormatOfTheEnding) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "coppice_model_file_test";
  std::filesystem::create_directories(folder);
  const Model model = make_sample_model();
  for (const char* name : {"model.json", "model.ubj"}) {
    const std::string path = folder / name;
    save_model(model, path);
    EXPECT_EQ(read_file(path), write_model(model, format_of_path(path)));
    EXPECT_EQ(load_model(path), model);
  }
  EXPECT_THROW((void)load_model(folder / "missing.json"), Error);
  std::filesystem::remove_all(folder);
}

TEST(ReadModel, TakesXGBoostsModel) {
  const Model model = read_model(xgboost_stump(), "model.json");
  EXPECT_EQ(model.objective, Objective::kSquaredError);
  EXPECT_EQ(model.parameters.objective, Objective::kSquaredError);
  EXPECT_EQ(model.base_score, 0.25F);
  ASSERT_EQ(model.schema.features.size(), 2U);
  EXPECT_EQ(model.schema.features[1], (Feature{.name = "b"}));
  EXPECT_EQ(model.cuts.n_features(), 0U);
  ASSERT_EQ(model.trees.size(), 1U);
  const Tree::Node root = {
      .left = 1, .right = 2, .feature = 1, .threshold = 0.5F, .gain = 3.5F, .cover = 9, .default_left = true};
  EXPECT_EQ(model.trees[0].nodes[0], root);
  EXPECT_EQ(model.trees[0].nodes[1], (Tree::Node{.weight = 0.1F, .cover = 4}));
  EXPECT_EQ(model.trees[0].nodes[2], (Tree::Node{.weight = -0.2F, .cover = 5}));
}

TEST(ReadModel, TakesOlderAndNewerForms) {
  const Model model = read_model(xgboost_stump(), "model.json");
  const auto same_after = [&](std::string_view from, std::string_view to) {
    return first_difference(model, read_model(replaced(xgboost_stump(), from, to), "model.json"));
  };
  EXPECT_EQ(same_after("\"[2.5E-1]\"", "\"2.5E-1\""), "") << "scalar base score up to 3.0";
  EXPECT_EQ(same_after("[1,0,0]", "[true,false,false]"), "") << "flags as booleans before 1.6";
  EXPECT_EQ(same_after("\"size_leaf_vector\":\"1\"", "\"size_leaf_vector\":\"0\""), "") << "up to 1.7";
  EXPECT_EQ(same_after("\"version\":[3,2,0],", ""), "") << "the version decides nothing";
  EXPECT_EQ(
      same_after(R"("tree_info":[0],)", R"("tree_info":[0],"cats":{"enc":[]},"iteration_indptr":[0,1],)"),
      "");
}

TEST(ReadModel, NumbersUnnamedFeatures) {
  const Model model = read_model(replaced(xgboost_stump(), R"(["a","b"])", "[]"), "model.json");
  EXPECT_EQ(model.schema.features[1].name, "f1");
  EXPECT_FALSE(model.schema.has_header);
}

TEST(ReadModel, TakesCategoricalSplits) {
  const std::string text = replaced(
      replaced(replaced(xgboost_stump(), "[0.5,1E-1,-2E-1]", "[NaN,1E-1,-2E-1]"), "\"int\"", "\"c\""),
      "\"base_weights\"",
      R"("split_type":[1,0,0],"categories":[2,0,3],"categories_nodes":[0],"categories_segments":[1],)"
      R"("categories_sizes":[2],"base_weights")");
  const Model model = read_model(text, "model.json");
  EXPECT_EQ(model.schema.features[1].kind, FeatureKind::kCategorical);
  EXPECT_EQ(model.schema.features[1].categories, (std::vector<std::string>{"0", "1", "2", "3"}));
  EXPECT_EQ(model.trees[0].categories, (std::vector<std::int32_t>{0, 3}));
  EXPECT_EQ(model.trees[0].nodes[0].categories_size, 2U);
  EXPECT_EQ(model.trees[0].nodes[0].threshold, 0) << "XGBoost's is meaningless there, NaN in version 2";

  EXPECT_EQ(read_model(replaced(text, "\"a\"", R"("\\\"NaN")"), "model.json").schema.features[0].name,
            "\\\"NaN")
      << "only NaN outside of texts is a number";

  EXPECT_THAT(message_of(replaced(text, "\"categories\":[2,0,3]", "\"categories\":[2,0,300]")),
              HasSubstr("io.model.unsupported"));
  EXPECT_THAT(message_of(replaced(text, "\"categories\":[2,0,3]", "\"categories\":[2,3,3]")),
              HasSubstr("tree 0, node 0: its categories do not ascend"));
  EXPECT_THAT(message_of(replaced(text, "\"categories_sizes\":[2]", "\"categories_sizes\":[3]")),
              HasSubstr("tree 0, node 0: its set of categories is outside the tree's 3"));
  EXPECT_THAT(message_of(replaced(text, "\"categories_nodes\":[0]", "\"categories_nodes\":[1]")),
              HasSubstr("tree 0, node 0: a categorical split without a set of categories"));
  EXPECT_THAT(message_of(replaced(text, "\"categories_nodes\":[0]", "\"categories_nodes\":[0,0]")),
              HasSubstr("differ in length"));
}

TEST(ReadModel, TreatsCodesThatAreSplitAsNumbersAsNumbers) {
  const Model model = read_model(replaced(xgboost_stump(), "\"int\"", "\"c\""), "model.json");
  EXPECT_EQ(model.schema.features[1].kind, FeatureKind::kNumeric);
}

/// Node 4 is the root's left child, its children stand before it, node 2 is deleted.
TEST(ReadModel, RenumbersTrees) {
  std::string text = xgboost_stump();
  text = replaced(text, R"("num_nodes":"3","num_deleted":"0")", R"("num_nodes":"6","num_deleted":"1")");
  text = replaced(text, "[1,-1,-1]", "[4,-1,-1,-1,5,-1]");
  text = replaced(text, "[2,-1,-1]", "[3,-1,-1,-1,1,-1]");
  text = replaced(text, "[2147483647,0,0]", "[2147483647,4,0,0,0,4]");
  text = replaced(text, "[1,0,0]",
                  "[1,0,2147483647,0,0,0]");  // split_indices; the deleted node has XGBoost's mark
  text = replaced(text, "[0.5,1E-1,-2E-1]", "[0.5,11.0,0.0,13.0,0.25,15.0]");
  text = replaced(text, "[1,0,0]", "[1,0,0,0,0,0]");
  text = replaced(text, "[0.0,1.0,-2.0]", "[0.0,1.0,2.0,3.0,4.0,5.0]");
  text = replaced(text, "[3.5,0.0,0.0]", "[3.5,0.0,0.0,0.0,1.5,0.0]");
  text = replaced(text, "[9.0,4.0,5.0]", "[9.0,1.0,0.0,4.0,5.0,4.0]");
  const Tree tree = read_model(text, "model.json").trees[0];
  ASSERT_EQ(tree.nodes.size(), 5U);
  EXPECT_EQ(tree.nodes[0].left, 1);
  EXPECT_EQ(tree.nodes[1].threshold, 0.25F);
  EXPECT_EQ(tree.nodes[1].left, 3);
  EXPECT_EQ(tree.nodes[1].right, 4);
  EXPECT_EQ(tree.nodes[2].weight, 13);
  EXPECT_EQ(tree.nodes[3].weight, 15);
  EXPECT_EQ(tree.nodes[4].weight, 11);
}

TEST(ReadModel, SaysWhatIsWrongWithATree) {
  EXPECT_EQ(message_of_stump("[1,-1,-1]", "[99,-1,-1]"),
            "[io.model.tree] model.json: tree 0, node 0: left child 99 is out of range (3 nodes)");
  EXPECT_EQ(
      message_of_stump("[2,-1,-1]", "[1,-1,-1]"),
      "[io.model.tree] model.json: tree 0, node 0: right child 1 has another parent or is its own ancestor");
  EXPECT_EQ(
      message_of_stump("[1,-1,-1]", "[0,-1,-1]"),
      "[io.model.tree] model.json: tree 0, node 0: left child 0 has another parent or is its own ancestor");
  EXPECT_EQ(message_of_stump("[2,-1,-1]", "[-1,-1,-1]"),
            "[io.model.tree] model.json: tree 0, node 0: right child -1 is out of range (3 nodes)");
  EXPECT_EQ(message_of_stump("[1,0,0],\"split_cond", "[2,0,0],\"split_cond"),
            "[io.model.tree] model.json: tree 0, node 0: feature 2 is out of range (2 features)");
  EXPECT_EQ(message_of_stump("[0.5,1E-1", "[NaN,1E-1"),
            "[io.model.tree] model.json: tree 0, node 0: the threshold is not finite");
  EXPECT_EQ(message_of_stump("1E-1", "NaN"),
            "[io.model.tree] model.json: tree 0, node 1: the leaf weight is not finite");
  EXPECT_EQ(message_of_stump("[9.0,4.0,5.0]", "[9.0,4.0]"),
            "[io.model.tree] model.json: tree 0: sum_hessian has 2 entries for 3 nodes");
  EXPECT_EQ(message_of_stump("[9.0,4.0,5.0]", "[9.0,\"x\",5.0]"),
            "[io.model.field] model.json: tree 0.sum_hessian[1]: expected a number");
  EXPECT_EQ(message_of_stump("[1,0,0],\n        \"base", "[2,0,0],\n        \"base"),
            "[io.model.field] model.json: tree 0.default_left[0]: expected an integer in [0, 1], found 2");
}

TEST(ReadModel, SaysWhatIsWrongWithTheRest) {
  EXPECT_EQ(message_of("{}"), "[io.model.field] model.json: 'learner' is missing");
  EXPECT_EQ(message_of("[]"), "[io.model.field] model.json: expected an object");
  EXPECT_EQ(message_of_stump("\"objective\"", "\"objectives\""),
            "[io.model.field] model.json: learner: 'objective' is missing");
  EXPECT_EQ(
      message_of_stump("\"num_trees\":\"1\"", "\"num_trees\":\"2\""),
      "[io.model.field] model.json: learner.gradient_booster.model.trees: 1 trees, but num_trees says 2");
  EXPECT_EQ(message_of_stump("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"3\",\"num_target\""),
            "[io.model.field] model.json: learner.feature_names: 2 entries for 3 features");
  EXPECT_EQ(
      message_of_stump("\"num_feature\":\"2\",\"num_target\"", "\"num_feature\":\"1e9\",\"num_target\""),
      "[io.model.field] model.json: learner.learner_model_param.num_feature: expected an integer in "
      "[0, 2147483647], found 1e9");
  EXPECT_EQ(message_of_stump("[2.5E-1]", "[1,2]"),
            "[io.model.field] model.json: learner.learner_model_param.base_score: expected one number, found "
            "'[1,2]'");
  EXPECT_EQ(
      message_of(replaced(replaced(xgboost_stump(), "reg:squarederror", "binary:logistic"), "2.5E-1", "1.5")),
      "[io.model.field] model.json: learner.learner_model_param.base_score: expected a probability between 0 "
      "and "
      "1, found 1.5");

  const std::string unnamed =
      replaced(xgboost_stump(), R"("feature_names":["a","b"],"feature_types":["float","int"],)", "");
  EXPECT_EQ(message_of(replaced(unnamed, R"("num_feature":"2","num_target")",
                                R"("num_feature":"2000000000","num_target")")),
            "[io.model.field] model.json: learner: 2000000000 features without names; there can be 65536");
}

TEST(ReadModel, RefusesOtherKindsOfModel) {
  const auto refused = [](std::string_view from, std::string_view to, std::string_view why) {
    EXPECT_THAT(message_of_stump(from, to),
                testing::AllOf(testing::StartsWith("[io.model.unsupported] model.json: "),
                               HasSubstr(std::string(why))));
  };
  refused(R"("gbtree")", R"("dart")", "booster gbtree, not 'dart'");
  refused(R"("gbtree")", R"("gblinear")", "booster gbtree, not 'gblinear'");
  refused(R"("name":"gbtree")", R"("name":"gbtree","weight_drop":[0.5])", "DART");
  refused(R"("tree_info")", R"("weight_drop":[0.5],"tree_info")", "DART");
  refused(R"("num_class":"0")", R"("num_class":"3")", "one output");
  refused(R"("num_target":"1")", R"("num_target":"2")", "one output");
  refused(R"("tree_info":[0])", R"("tree_info":[1])", "one output");
  refused(R"("size_leaf_vector":"1")", R"("size_leaf_vector":"3")", "leaves hold vectors");
  refused("reg:squarederror", "count:poisson", "not for 'count:poisson'");
}

TEST(ReadModel, SaysWhatAFileIsThatIsNoModel) {
  const auto starts = [](std::string_view text) {
    return "[io.model.syntax] model.json: " + std::string(text);
  };
  EXPECT_EQ(message_of(""), starts("the file is empty"));
  EXPECT_EQ(message_of("\x1f\x8b..."), starts("a gzip file; unpack it first"));
  EXPECT_THAT(message_of("binf...."), HasSubstr("XGBoost's old binary format"));
  EXPECT_THAT(message_of("\x80\x04..."), HasSubstr("a Python pickle"));
  EXPECT_EQ(message_of("{\"learner\": tree}"), starts("byte 15: no valid JSON, near '\"learner\": tre'"));
  EXPECT_EQ(message_of("{\"learner\":{"),
            starts("the JSON text ends too early, after 12 bytes; is the file complete?"));
  EXPECT_EQ(message_of(R"({"learner":1,"learner":2})"),
            starts("the key 'learner' appears twice in one object"));
  EXPECT_EQ(message_of(std::string(100'000, '[')), starts("nested deeper than 32 levels"));
}

std::string big_endian(std::int64_t value) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift);
  return bytes;
}

TEST(ReadModel, BoundsWhatUbjsonAsksFor) {
  const std::string object = "{L" + big_endian(1) + "a";
  const std::int64_t many = std::int64_t{1} << 60;
  EXPECT_THAT(message_of(object + "[$Z#L" + big_endian(many)), HasSubstr("more values than bytes"));
  EXPECT_THAT(message_of(object + "[$T#L" + big_endian(many)), HasSubstr("more values than bytes"));
  EXPECT_THAT(message_of(object + "[$d#L" + big_endian(many)), HasSubstr("ends too early"));
  EXPECT_THAT(message_of(object + "[$d#L" + big_endian(-1)), HasSubstr("io.model.syntax"));
  EXPECT_THAT(message_of(object + "SL" + big_endian(many)), HasSubstr("ends too early"));
  EXPECT_THAT(message_of(object + "SL" + big_endian(-5)), HasSubstr("io.model"));
  EXPECT_THAT(message_of(object + std::string(100'000, '[')), HasSubstr("nested deeper"));
}

/// Our own file with one place changed.
std::string message_of_sample(std::string_view from, std::string_view to) {
  return message_of(replaced(write_model(make_sample_model(), ModelFormat::kJson), from, to));
}

TEST(ReadModel, RefusesAnUnknownMajorVersion) {
  EXPECT_THAT(
      message_of_sample(R"(\"format\":[1,1])", R"(\"format\":[2,0])"),
      testing::StartsWith("[io.model.version] model.json: attribute coppice.format: written in format 2.0"));
  EXPECT_EQ(message_of_sample(R"(\"format\":[1,1])", R"(\"format\":[1,7])"), "")
      << "a minor version only adds";
}

TEST(ReadModel, TakesTheUsualThresholdWhereNoneIsStored) {
  Model model = make_sample_model();
  model.threshold = Model::kDefaultThreshold;
  const std::string bytes = write_model(model, ModelFormat::kJson);
  EXPECT_THAT(bytes, testing::Not(HasSubstr(R"(\"threshold)")));
  EXPECT_EQ(read_model(bytes, "model.json").threshold, 0.5);
}

TEST(ReadModel, ChecksTheThreshold) {
  const std::string stored = R"(\"threshold\":0.3333333333333333)";
  for (const char* const bad : {"1.1", "-0.1", "null"}) {
    EXPECT_EQ(message_of_sample(stored, R"(\"threshold\":)" + std::string(bad)),
              "[io.model.field] model.json: attribute coppice.threshold: expected a probability from 0 to 1");
  }
}

TEST(ReadModel, ChecksTheScoreReference) {
  const auto message = [](std::string_view from, std::string_view to) { return message_of_sample(from, to); };
  const std::string complaint =
      "[io.model.field] model.json: attribute coppice.score_reference: expected finite, ascending cuts and "
      "one "
      "count more";
  EXPECT_EQ(message(R"(\"counts\":[1,2,7])", R"(\"counts\":[1,2])"), complaint);
  EXPECT_EQ(message("[1e-07,0.1]", "[0.1,0.1]"), complaint);
  EXPECT_EQ(message("[1e-07,0.1]", "[1e-07,null]"), complaint);
}

TEST(ReadModel, ChecksThatOurPartFitsTheTrees) {
  const auto mismatch = [](std::string_view from, std::string_view to, std::string_view why) {
    EXPECT_EQ(message_of_sample(from, to), "[io.model.mismatch] model.json: " + std::string(why));
  };
  mismatch(R"("split_conditions":[-0.1)", R"("split_conditions":[-0.11)",
           "tree 0, node 0: the threshold -0.11 is none of the cuts of feature plain");
  mismatch(R"(\"best_round\":2)", R"(\"best_round\":3)", "the best round is 3, but there are 3 trees");
  mismatch(R"([0.125,)", "[0.125,1.0,", "5 sampling thresholds for 3 trees; at most one more makes sense");
  mismatch(R"(\"bin_counts\":[[1,)", R"(\"bin_counts\":[[)", "the bin counts do not fit the cuts");
  mismatch(R"(\"cuts\":[[-0.1,0.3])", R"(\"cuts\":[[0.3,-0.1])",
           "the cuts of feature plain are not finite, ascending and fewer than 255");
  mismatch(R"(\"categories\":[\"A\",)", R"(\"categories\":[)",
           "cuts of feature land \"\\u00e9\" ß\n have 6 codes, but the schema has 5");
  mismatch(R"(\"cuts\":[[-0.1,0.3],)", R"(\"cuts\":[5,)",
           "cuts and schema disagree on whether feature plain is "
           "categorical");
  mismatch(R"("split_type":[1,1,1)", R"("split_type":[1,0,1)",
           "tree 1, node 1: a numeric split of the categorical feature land \"\\u00e9\" ß\n");
  mismatch(R"("categories":[0,2,5,)", R"("categories":[0,2,7,)",
           "tree 1, node 0: category code 7, but feature land \"\\u00e9\" ß\n has 6 codes");
  EXPECT_THAT(message_of_sample(R"({\"hex\":\"ff\"})", R"({\"hex\":\"fx\"})"),
              HasSubstr("expected pairs of hex digits"));
}

TEST(ReadModel, ChecksTheParameters) {
  EXPECT_THAT(message_of_sample(R"(\"max_depth\":\"6\")", R"(\"max_depth\":\"-6\")"),
              testing::StartsWith("[io.model.field] model.json: attribute coppice.parameters.max_depth: "));
  EXPECT_EQ(message_of_sample(R"(\"max_depth\":\"6\")", R"(\"later\":\"6\")"), "")
      << "of a later minor version";
}

/// Reads bytes that may be anything: an error of ours, or a model that can be used.
void read_anything(std::string_view bytes, std::size_t position) {
  try {
    const Model model = read_model(bytes, "model");
    const std::vector<float> row(model.schema.features.size(), 0.5F);
    (void)predict_margin(model, row);
    (void)dump_text(model);
    EXPECT_EQ(first_difference(model, read_model(write_model(model, ModelFormat::kUbjson), "model")), "")
        << "changed byte " << position;
  } catch (const Error& error) {
    EXPECT_THAT(error.id(), testing::StartsWith("io.model.")) << "changed byte " << position;
  }
}

TEST(ReadModel, RefusesATruncatedFile) {
  for (const ModelFormat format : kFormats) {
    const std::string bytes = write_model(make_sample_model(), format);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_THAT(message_of(std::string_view(bytes).substr(0, size)),
                  testing::StartsWith("[io.model.syntax]"));
    }
  }
}

TEST(ReadModel, SurvivesAnyChangedByte) {
  std::mt19937 random(7);
  for (const ModelFormat format : kFormats) {
    const std::string bytes = write_model(make_sample_model(), format);
    for (std::size_t position = 0; position < bytes.size(); ++position) {
      std::string changed = bytes;
      changed[position] = static_cast<char>(position % 2 == 0 ? random() : '0' + random() % 10);
      read_anything(changed, position);
    }
  }
}

}  // namespace
}  // namespace coppice::io
