// What a CSV may look like, and what it is read as.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gzip_text.h"
#include "temporary_folder.h"

namespace coppice::io {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::NanSensitiveFloatEq;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

CsvTable read_text(std::string_view text, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv({folder.write("t.csv", text)}, options);
}

CsvTable read_text(std::string_view text, const Schema& schema, const CsvOptions& options = {}) {
  const TemporaryFolder folder;
  return read_csv({folder.write("t.csv", text)}, schema, options);
}

std::vector<float> values_of(const Buffer<float>& buffer) { return {buffer.begin(), buffer.end()}; }

std::vector<float> column(const CsvTable& table, std::size_t feature) {
  return values_of(table.data.columns.at(feature));
}

std::vector<std::string> feature_names(const CsvTable& table) {
  std::vector<std::string> names;
  for (const Feature& feature : table.data.schema.features) names.push_back(feature.name);
  return names;
}

/// Missing cells as -1, to be compared with ==.
std::vector<float> with_missing_as_minus_one(std::vector<float> values) {
  std::ranges::replace_if(
      values, [](float value) { return std::isnan(value); }, -1.0f);
  return values;
}

TEST(CsvRead, TypesColumnsLabelAndWeight) {
  CsvOptions options;
  options.label = "Class";
  options.weight = "w";
  options.ignored = {"id"};
  const CsvTable table = read_text(
      "id,Amount,kind,w,Class\n"
      "a,1.5,red,1,0\n"
      "b,-2,blue,0.5,1\n"
      "c,3e2,red,0,0\n",
      options);
  EXPECT_EQ(table.data.n_rows, 3u);
  EXPECT_THAT(feature_names(table), ElementsAre("Amount", "kind"));
  EXPECT_THAT(column(table, 0), ElementsAre(1.5f, -2.0f, 300.0f));
  EXPECT_THAT(column(table, 1), ElementsAre(0.0f, 1.0f, 0.0f));
  EXPECT_THAT(values_of(table.data.labels), ElementsAre(0.0f, 1.0f, 0.0f));
  EXPECT_THAT(values_of(table.data.weights), ElementsAre(1.0f, 0.5f, 0.0f));
  const Schema& schema = table.data.schema;
  EXPECT_EQ(schema.features[0].kind, FeatureKind::kNumeric);
  EXPECT_EQ(schema.features[1].kind, FeatureKind::kCategorical);
  EXPECT_THAT(schema.features[1].categories, ElementsAre("red", "blue"));
  EXPECT_EQ(schema.label, "Class");
  EXPECT_EQ(schema.weight, "w");
  EXPECT_THAT(schema.ignored, ElementsAre("id"));
  EXPECT_EQ(schema.missing_tokens, options.missing_tokens);
  EXPECT_EQ(table.bytes, 23u + 14u + 16u + 14u);
}

TEST(CsvRead, ColumnsByIndexAndWithoutHeader) {
  CsvOptions options;
  options.has_header = false;
  options.label = "0";
  options.ignored = {"f2"};
  options.categorical = {"3"};
  const CsvTable table = read_text("1,10,x,7\n0,20,y,8\n1,30,z,8\n", options);
  EXPECT_THAT(feature_names(table), ElementsAre("f1", "f3"));
  EXPECT_THAT(values_of(table.data.labels), ElementsAre(1.0f, 0.0f, 1.0f));
  EXPECT_THAT(column(table, 0), ElementsAre(10.0f, 20.0f, 30.0f));
  EXPECT_THAT(table.data.schema.features[1].categories, ElementsAre("8", "7"));
  EXPECT_THAT(column(table, 1), ElementsAre(1.0f, 0.0f, 0.0f));
  EXPECT_FALSE(table.data.schema.has_header);
  EXPECT_EQ(table.data.schema.label, "f0");
}

TEST(CsvRead, LineEndsBlankLinesAndByteOrderMark) {
  const std::string_view same[] = {
      "a,b\n1,2\n3,4\n",                              //
      "a,b\n1,2\n3,4",                                // no line end at the end
      "a,b\r\n1,2\r\n3,4\r\n",                        // CRLF
      "\uFEFFa,b\n1,2\r\n3,4\n",                      // BOM, mixed line ends
      "\n\r\na,b\n\n1,2\n\r\n\n3,4\n\n\r\n",          // blank lines anywhere
      "\uFEFF\r\n\"a\",\"b\"\n1,2\n\"3\",\"4\"\r\n",  // quoted names and numbers
      " a ,\tb\n 1,2 \n\t3 ,\" 4\"",                  // spaces and tabs around names and numbers
  };
  for (const std::string_view text : same) {
    const CsvTable table = read_text(text);
    EXPECT_THAT(feature_names(table), ElementsAre("a", "b")) << text;
    EXPECT_THAT(column(table, 0), ElementsAre(1.0f, 3.0f)) << text;
    EXPECT_THAT(column(table, 1), ElementsAre(2.0f, 4.0f)) << text;
  }
}

TEST(CsvRead, QuotedFieldsKeepCommasLineEndsAndQuotes) {
  CsvOptions options;
  options.keep = {"text", "n", "text"};
  const CsvTable table = read_text(
      "n,text\n"
      "1,\"a,b\"\n"
      "\"2\",\"c\nd\r\ne\"\r\n"
      "3,\"say \"\"no\"\"\"\n"
      "4,5\" pipe\n"  // a quote within an unquoted field is a character
      "5,\"\"\"\"\n"
      "6, lead\n",
      options);
  EXPECT_THAT(table.kept_names, ElementsAre("text", "n"));
  EXPECT_THAT(table.kept[0], ElementsAre("a,b", "c\nd\r\ne", "say \"no\"", "5\" pipe", "\"", " lead"));
  EXPECT_THAT(table.kept[1], ElementsAre("1", "2", "3", "4", "5", "6"));
  EXPECT_THAT(column(table, 0), ElementsAre(1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f));
  EXPECT_THAT(table.data.schema.features[1].categories,
              ElementsAre(" lead", "\"", "5\" pipe", "a,b", "c\nd\r\ne", "say \"no\""));
}

TEST(CsvRead, CarriageReturnElsewhereIsText) {
  CsvOptions options;
  options.keep = {"a"};
  const CsvTable table = read_text("a,b\nx\ry,1\n\r,2\nz\r\r,3\n", options);
  EXPECT_THAT(table.kept[0], ElementsAre("x\ry", "\r", "z\r\r"));
}

TEST(CsvRead, MissingCells) {
  const CsvTable table = read_text("n,c\n1,x\n,\nNA,?\n  ,\" \"\n nan ,null\n\"\",None\n2,y\n");
  EXPECT_THAT(with_missing_as_minus_one(column(table, 0)), ElementsAre(1, -1, -1, -1, -1, -1, 2));
  EXPECT_THAT(with_missing_as_minus_one(column(table, 1)), ElementsAre(0, -1, -1, -1, -1, -1, 1));
  EXPECT_THAT(table.data.schema.features[1].categories, ElementsAre("x", "y"));
}

TEST(CsvRead, MissingTokensCanBeNumbersAndReplaceTheDefaults) {
  CsvOptions options;
  options.missing_tokens = {"-999"};
  const CsvTable table = read_text("n,c\n-999,NA\n-999.0,b\n5,-999\n", options);
  EXPECT_THAT(column(table, 0), ElementsAre(NanSensitiveFloatEq(kNan), -999.0f, 5.0f));
  EXPECT_THAT(table.data.schema.features[1].categories, ElementsAre("NA", "b"));
}

TEST(CsvRead, ColumnWithoutAnyValueIsNumeric) {
  const CsvTable table = read_text("a,b\n1,\n2,NA\n");
  EXPECT_EQ(table.data.schema.features[1].kind, FeatureKind::kNumeric);
  EXPECT_THAT(with_missing_as_minus_one(column(table, 1)), ElementsAre(-1, -1));
}

TEST(CsvRead, Numbers) {
  // The float32 nearest to the text, as strtof gives it; 17 digits tell any double apart.
  const CsvTable table = read_text(
      "n,m\n"
      "+1.5,1\n1e-400,1\n1e-46,1\n1e-45,1\n-0,1\n.5,1\n5.,1\n1E+2,1\n3.4028235e38,1\n"
      "0.10000000149011612,1\n123456789012345678901234567890,1\n16777217,1\n");
  EXPECT_THAT(column(table, 0),
              ElementsAre(1.5f, 0.0f, 0.0f, std::numeric_limits<float>::denorm_min(), 0.0f, 0.5f, 5.0f,
                          100.0f, std::numeric_limits<float>::max(), 0.1f, 1.2345679e29f, 16777216.0f));
  EXPECT_TRUE(std::signbit(table.data.columns[0][4]));
}

TEST(CsvRead, TextsThatLookLikeNumbersAreCategories) {
  for (const char* text : {"0x1A", "1e", "1,5\"", "1_000", "--1", "+-1", "1 2", "1.2.3", "e5", ".", "+", "-",
                           "nan(1)", "1f", "\u00A01"}) {
    const CsvTable table =
        read_text(fmt::format("n,m\n1,1\n\"{}\",1\n", text == std::string("1,5\"") ? "1,5" : text));
    EXPECT_EQ(table.data.schema.features[0].kind, FeatureKind::kCategorical) << text;
  }
}

TEST(CsvRead, InfinityIsATextAmongTexts) {
  CsvOptions options;
  options.missing_tokens = {};
  const CsvTable table = read_text("n,m\ninf,1\nabc,1\nnan,1\n", options);
  EXPECT_THAT(table.data.schema.features[0].categories, ElementsAre("abc", "inf", "nan"));
}

TEST(CsvRead, MostFrequentCategoriesGetCodesAndTiesGoByBytes) {
  std::string text = "c,x\n";
  for (int i = 0; i < 300; ++i) text += fmt::format("k{:03},1\n", 299 - i);
  text += "k280,1\n\xC3\xA9,1\n\xC3\xA9,1\n";
  const CsvTable table = read_text(text);
  const Feature& feature = table.data.schema.features[0];
  ASSERT_EQ(feature.categories.size(), kMaxCategories);
  EXPECT_EQ(feature.categories[0], "k280");  // twice, before the other one that is there twice: 'k' < 0xC3
  EXPECT_EQ(feature.categories[1], "\xC3\xA9");
  EXPECT_EQ(feature.categories[2], "k000");
  EXPECT_EQ(feature.categories[253], "k251");
  const std::vector<float> codes = column(table, 0);
  EXPECT_EQ(codes[299], 2.0f);          // k000
  EXPECT_EQ(codes[299 - 251], 253.0f);  // k251
  EXPECT_EQ(codes[299 - 252], 254.0f);  // k252 is rare: other
  EXPECT_EQ(codes[299 - 280], 0.0f);
}

TEST(CsvRead, ColumnThatTurnsTextLateIsReadAgain) {
  // Beyond the rows that the first look takes, and less than 99 % numbers.
  std::string text = "a,b\n";
  for (int i = 0; i < 3000; ++i) text += fmt::format("{},{}\n", i % 2, i);
  for (int i = 0; i < 100; ++i) text += fmt::format("text,{}\n", i);
  const CsvTable table = read_text(text);
  EXPECT_THAT(table.data.schema.features[0].categories, ElementsAre("0", "1", "text"));
  EXPECT_EQ(table.data.columns[0][0], 0.0f);
  EXPECT_EQ(table.data.columns[0][2999], 1.0f);
  EXPECT_EQ(table.data.columns[0][3099], 2.0f);
  EXPECT_EQ(table.data.columns[1][3099], 99.0f);
}

TEST(CsvRead, FewTextsAmongNumbersAreAllowedWhenDeclaredCategorical) {
  std::string text = "a,b\n";
  for (int i = 0; i < 200; ++i) text += "7,1\n";
  text += "x,1\n";
  CsvOptions options;
  options.categorical = {"a"};
  EXPECT_THAT(read_text(text, options).data.schema.features[0].categories, ElementsAre("7", "x"));
}

TEST(CsvRead, SeveralFilesAreOneTable) {
  const TemporaryFolder folder;
  const std::string first = folder.write("a.csv", "x,c\n1,p\n2,q\n");
  const std::string second = folder.write("b.csv", "x,c\r\n3,q\r\n");
  const std::string only_header = folder.write("c.csv", "x,c\n");
  const std::string compressed = folder.write("d.csv.gz", gzip_text("x,c\n4,r"));
  const CsvTable table = read_csv({first, second, only_header, compressed}, CsvOptions{});
  EXPECT_THAT(column(table, 0), ElementsAre(1.0f, 2.0f, 3.0f, 4.0f));
  EXPECT_THAT(table.data.schema.features[1].categories, ElementsAre("q", "p", "r"));
}

TEST(CsvRead, GzipMembersFollowEachOther) {
  const TemporaryFolder folder;
  // Padding with zero bytes is what tape tools leave.
  const std::string bytes =
      gzip_text("x,y\n1,2\n3") + gzip_text("") + gzip_text(",4\n5,6\n") + std::string(3, '\0');
  const CsvTable table = read_csv({folder.write("t.csv", bytes)}, CsvOptions{});
  EXPECT_THAT(column(table, 0), ElementsAre(1.0f, 3.0f, 5.0f));
  EXPECT_THAT(column(table, 1), ElementsAre(2.0f, 4.0f, 6.0f));
  EXPECT_EQ(table.bytes, 16u);
}

/// Standard input from bytes, until the end of the scope.
class StandardInput {
 public:
  explicit StandardInput(std::string_view bytes) : saved_(::dup(STDIN_FILENO)) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("cannot make a pipe");
    // Short enough for a pipe's buffer.
    if (::write(ends[1], bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("cannot fill the pipe");
    }
    ::close(ends[1]);
    ::dup2(ends[0], STDIN_FILENO);
    ::close(ends[0]);
  }
  ~StandardInput() {
    ::dup2(saved_, STDIN_FILENO);
    ::close(saved_);
  }

 private:
  int saved_;
};

TEST(CsvRead, StandardInputPlainAndGzip) {
  for (const std::string& bytes : {std::string("x,y\n1,2\n3,4"), gzip_text("x,y\n1,2\n3,4")}) {
    const StandardInput input(bytes);
    const CsvTable table = read_csv({"-"}, CsvOptions{});
    EXPECT_THAT(column(table, 1), ElementsAre(2.0f, 4.0f));
  }
}

TEST(CsvRead, ShippedCreditCardTable) {
  CsvOptions options;
  options.label = "Class";
  options.binary_label = true;
  const CsvTable table = read_csv({COPPICE_SOURCE_DIR "/datasets/creditcard_subset.csv.gz"}, options);
  EXPECT_EQ(table.data.n_rows, 54086u);
  EXPECT_EQ(table.data.n_features() + 1, 31u);
  EXPECT_EQ(std::ranges::count(table.data.labels, 1.0f), 473);
  for (const Feature& feature : table.data.schema.features) EXPECT_EQ(feature.kind, FeatureKind::kNumeric);
  EXPECT_EQ(table.data.columns[1][0], -1.3598071336738f);
}

Schema example_schema() {
  Schema schema;
  schema.features = {{"amount", FeatureKind::kNumeric, {}},
                     {"kind", FeatureKind::kCategorical, {"red", "blue"}}};
  schema.label = "y";
  schema.ignored = {"id"};
  schema.missing_tokens = {"NA"};
  return schema;
}

TEST(CsvReadBySchema, MatchesByNameAndListsExtraColumns) {
  const CsvTable table = read_text(
      "new,kind,id,amount,y\n"
      "1,blue,7,2.5,1\n"
      "x,green,8,NA,0\n"
      "3,NA,9,4,1\n"
      "3,red,9,4,1\n",
      example_schema());
  EXPECT_THAT(feature_names(table), ElementsAre("amount", "kind"));
  EXPECT_THAT(with_missing_as_minus_one(column(table, 0)), ElementsAre(2.5f, -1.0f, 4.0f, 4.0f));
  EXPECT_THAT(with_missing_as_minus_one(column(table, 1)), ElementsAre(1.0f, 2.0f, -1.0f, 0.0f));
  EXPECT_THAT(table.extra_columns, ElementsAre("new"));
  EXPECT_THAT(values_of(table.data.labels), IsEmpty());
  EXPECT_EQ(table.data.schema.label, "");
}

TEST(CsvReadBySchema, TakesLabelAndWeightFromTheOptions) {
  CsvOptions options;
  options.label = "y";
  options.weight = "w";
  options.keep = {"id"};
  const CsvTable table = read_text("id,amount,kind,y,w\na,1,red,1,3\n", example_schema(), options);
  EXPECT_THAT(values_of(table.data.labels), ElementsAre(1.0f));
  EXPECT_THAT(values_of(table.data.weights), ElementsAre(3.0f));
  EXPECT_THAT(table.extra_columns, IsEmpty());
  EXPECT_THAT(table.kept[0], ElementsAre("a"));
}

Schema headerless_schema() {
  Schema schema;
  schema.features = {{"f1", FeatureKind::kNumeric, {}}, {"f3", FeatureKind::kNumeric, {}}};
  schema.label = "f0";
  schema.ignored = {"f2"};
  schema.has_header = false;
  return schema;
}

TEST(CsvReadBySchema, WithoutHeaderMatchesByPosition) {
  CsvOptions options;
  options.has_header = false;
  // All columns of the training table, label unused.
  const CsvTable all = read_text("1,10,x,20\n", headerless_schema(), options);
  EXPECT_THAT(column(all, 0), ElementsAre(10.0f));
  EXPECT_THAT(column(all, 1), ElementsAre(20.0f));
  EXPECT_THAT(values_of(all.data.labels), IsEmpty());
  // The features alone.
  EXPECT_THAT(column(read_text("10,20\n", headerless_schema(), options), 1), ElementsAre(20.0f));
  // All columns, with the label.
  options.label = "0";
  EXPECT_THAT(values_of(read_text("1,10,x,20\n", headerless_schema(), options).data.labels),
              ElementsAre(1.0f));
  // Without what the options set apart, the features remain; also for a schema with names.
  options.label = "2";
  const CsvTable labelled = read_text("10,red,1\n", example_schema(), options);
  EXPECT_THAT(column(labelled, 0), ElementsAre(10.0f));
  EXPECT_THAT(column(labelled, 1), ElementsAre(0.0f));
  EXPECT_THAT(values_of(labelled.data.labels), ElementsAre(1.0f));
}

}  // namespace
}  // namespace coppice::io
