// Models that XGBoost trained give the same bits here (fixtures made by make_fixtures.py).
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <coppice/model.h>
#include <gtest/gtest.h>

#include <bit>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace coppice {
namespace {

std::string fixture_path(std::string_view name, std::string_view extension) {
  return std::string(COPPICE_SOURCE_DIR) + "/tests/golden/fixtures/" + std::string(name) +
         std::string(extension);
}

float number(std::string_view cell) {
  float value = std::numeric_limits<float>::quiet_NaN();
  if (!cell.empty()) std::from_chars(cell.data(), cell.data() + cell.size(), value);
  return value;
}

/// The rows of a fixture's table: features, margin, prediction.
std::vector<std::vector<float>> read_rows(std::string_view name) {
  const std::string text = io::read_file(fixture_path(name, ".csv"));
  std::vector<std::vector<float>> rows;
  for (std::size_t begin = text.find('\n') + 1; begin < text.size();) {
    const std::size_t line_end = text.find('\n', begin);
    std::vector<float>& row = rows.emplace_back();
    while (begin <= line_end) {
      const std::size_t end = std::min(text.find(',', begin), line_end);
      row.push_back(number(std::string_view(text).substr(begin, end - begin)));
      begin = end + 1;
    }
  }
  return rows;
}

class Fixture : public testing::TestWithParam<const char*> {};

TEST_P(Fixture, PredictsTheBitsOfXGBoost) {
  const Model model = io::load_model(fixture_path(GetParam(), ".json"));
  const auto rows = read_rows(GetParam());
  ASSERT_EQ(rows.size(), 60U);
  const std::size_t n_features = model.schema.features.size();
  for (const std::vector<float>& row : rows) {
    ASSERT_EQ(row.size(), n_features + 2);
    float value = predict_margin(model, std::span(row).first(n_features));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(row[n_features]));
    margins_to_predictions(model.objective, {&value, 1});
    EXPECT_EQ(std::bit_cast<std::uint32_t>(value), std::bit_cast<std::uint32_t>(row[n_features + 1]));
  }
}

TEST_P(Fixture, IsTheSameModelInBothFormats) {
  const Model from_json = io::load_model(fixture_path(GetParam(), ".json"));
  EXPECT_EQ(first_difference(from_json, io::load_model(fixture_path(GetParam(), ".ubj"))), "");
}

TEST_P(Fixture, IsTheSameModelAfterItIsSaved) {
  const Model model = io::load_model(fixture_path(GetParam(), ".json"));
  for (const auto format : {io::ModelFormat::kJson, io::ModelFormat::kUbjson}) {
    EXPECT_EQ(first_difference(model, io::read_model(io::write_model(model, format), "saved")), "");
  }
}

INSTANTIATE_TEST_SUITE_P(XGBoost, Fixture,
                         testing::Values("logistic_missing", "squared_error", "mixed_depths", "lossguide",
                                         "pruned", "forest", "categorical_codes", "categorical_names"),
                         [](const auto& fixture) { return std::string(fixture.param); });

TEST(ImportedSchema, TakesNamesAndCategoriesFromTheFile) {
  const Model model = io::load_model(fixture_path("categorical_names", ".json"));
  ASSERT_EQ(model.schema.features.size(), 3U);
  const Feature& country = model.schema.features[0];
  EXPECT_EQ(country.name, "country");
  EXPECT_EQ(country.kind, FeatureKind::kCategorical);
  EXPECT_EQ(country.categories, (std::vector<std::string>{"de", "fr", "it", "nl", "pl", "uk"}));
  EXPECT_EQ(model.schema.features[1].kind, FeatureKind::kNumeric);
  EXPECT_EQ(model.schema.features[2].categories,
            (std::vector<std::string>{"7", "11", "4400", "5812", "6011"}));
}

TEST(ImportedSchema, NamesCodesByTheirNumber) {
  const Model model = io::load_model(fixture_path("categorical_codes", ".json"));
  const Feature& few = model.schema.features[0];
  EXPECT_EQ(few.kind, FeatureKind::kCategorical);
  EXPECT_EQ(few.categories, (std::vector<std::string>{"0", "1"}));  // no split names code 2: it is *other*
}

TEST(ImportedSchema, NumbersFeaturesThatHaveNoNames) {
  const Model model = io::load_model(fixture_path("squared_error", ".json"));
  EXPECT_EQ(model.objective, Objective::kSquaredError);
  EXPECT_FALSE(model.schema.has_header);
  EXPECT_EQ(model.schema.features[3].name, "f3");
}

TEST(ImportedTree, DropsDeletedNodes) {
  const Model model = io::load_model(fixture_path("pruned", ".json"));
  for (const Tree& tree : model.trees) {
    EXPECT_EQ(tree.nodes.size(), static_cast<std::size_t>(2 * tree.n_leaves() - 1));
  }
}

}  // namespace
}  // namespace coppice
