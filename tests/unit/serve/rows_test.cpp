#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/serve/rows.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace coppice::serve {
namespace {

using testing::HasSubstr;

constexpr float kNoValue = std::numeric_limits<float>::quiet_NaN();

/// A number, a category, a number.
Schema make_schema() {
  return {.features = {{.name = "amount"},
                       {.name = "country",
                        .kind = FeatureKind::kCategorical,
                        .categories = {"DE", "3", "a,\"b\""}},
                       {.name = "age"}},
          .missing_tokens = {"NA", "?"}};
}

Schema numeric_schema(std::size_t n) {
  Schema schema;
  for (std::size_t f = 0; f < n; ++f) schema.features.push_back({.name = fmt::format("V{}", f)});
  return schema;
}

/// All values; NaN as -1, which no test uses otherwise.
std::vector<float> read(const Schema& schema, const BodyType& type, std::string_view body) {
  RowBatch rows;
  // A first request leaves what the next must not see.
  RowReader(schema).read({BodyFormat::kLibsvm}, "0:5\n0:7\n", rows);
  RowReader(schema).read(type, body, rows);
  std::vector<float> values(rows.values().begin(), rows.values().end());
  for (float& value : values) value = std::isnan(value) ? -1 : value;
  return values;
}

std::vector<float> read(const BodyType& type, std::string_view body) {
  return read(make_schema(), type, body);
}

/// `id: message`; what the reader says.
std::string refusal(const BodyType& type, std::string_view body, const Schema& schema = make_schema()) {
  try {
    RowBatch rows;
    RowReader(schema).read(type, body, rows);
  } catch (const Error& error) {
    return error.what();
  }
  return "read";
}

using Values = std::vector<float>;

TEST(CsvRows, ByPosition) {
  EXPECT_EQ(read({BodyFormat::kCsv}, "1.5,DE,40\n2,FR,\n"), (Values{1.5F, 0, 40, 2, 3, -1}));
  EXPECT_EQ(read({BodyFormat::kCsv}, "1e-2, 3,4\r\n\r\n5,3,6"), (Values{0.01F, 3, 4, 5, 1, 6}));
  EXPECT_EQ(read({BodyFormat::kCsv}, "\xEF\xBB\xBF\"1.5\",\"a,\"\"b\"\"\",2"), (Values{1.5F, 2, 2}));
}

/// What a cell may be, and mostly is: a number of many digits.
std::string random_cell(std::mt19937_64& random) {
  constexpr std::array<std::string_view, 14> kOdd = {"",
                                                     "nan",
                                                     "null",
                                                     "NA",
                                                     " 7 ",
                                                     "1e5",
                                                     "\"2.5\"",
                                                     "-0",
                                                     "+3",
                                                     "007",
                                                     "5.",
                                                     ".5",
                                                     "0.5000000298023223877",
                                                     "12345678901234567890"};
  if (random() % 8 == 0) return std::string(kOdd[random() % kOdd.size()]);
  return fmt::format("{}", std::normal_distribution<double>()(random));
}

TEST(CsvRows, WideRowsAreTheirCellsReadOneByOne) {
  std::mt19937_64 random(5);
  const RowReader one_column([] {
    Schema schema = numeric_schema(2);
    schema.missing_tokens = {"NA"};
    return schema;
  }());
  for (const std::size_t n_columns : {3U, 8U, 9U, 10U, 17U, 30U, 100U}) {
    Schema schema = numeric_schema(n_columns);
    schema.missing_tokens = {"NA"};
    std::string body;
    std::vector<std::uint32_t> expected;
    RowBatch cell_alone;
    for (std::size_t i = 0; i < 200 * n_columns; ++i) {
      const std::string cell = random_cell(random);
      // A row of two columns, the number in the last: it is never read together with others.
      one_column.read({BodyFormat::kCsv}, "0," + cell, cell_alone);
      expected.push_back(std::bit_cast<std::uint32_t>(cell_alone.values()[1]));
      const bool is_last = i % n_columns == n_columns - 1;
      body += cell;
      body += !is_last ? "," : random() % 2 == 0 ? "\r\n" : "\n";
    }
    RowBatch rows;
    RowReader(schema).read({BodyFormat::kCsv}, body, rows);
    std::vector<std::uint32_t> bits;
    for (const float value : rows.values()) bits.push_back(std::bit_cast<std::uint32_t>(value));
    EXPECT_EQ(bits, expected) << n_columns;
  }
}

TEST(CsvRows, WideRowsInAnyOrderOfTheirColumns) {
  constexpr std::size_t kFeatures = 30, kRows = 150, kUnknown = kFeatures;
  std::mt19937_64 random(6);
  std::vector<std::size_t> columns(kFeatures + 1);  // a feature each, and one that the model does not know
  std::iota(columns.begin(), columns.end(), 0);
  std::ranges::shuffle(columns, random);
  std::string in_order, shuffled;
  for (const std::size_t column : columns)
    shuffled += fmt::format("{}{}", shuffled.empty() ? "" : ",",
                            column == kUnknown ? "id" : fmt::format("V{}", column));
  for (std::size_t i = 0; i < kRows; ++i) {
    std::array<std::string, kFeatures + 1> cells;
    for (std::string& cell : cells) cell = random_cell(random);
    cells[kUnknown] = "x7";
    in_order += fmt::format("{}\n", fmt::join(std::span(cells).first(kFeatures), ","));
    shuffled += '\n';
    for (std::size_t k = 0; k < columns.size(); ++k)
      shuffled += fmt::format("{}{}", k == 0 ? "" : ",", cells[columns[k]]);
  }
  Schema schema = numeric_schema(kFeatures);
  schema.missing_tokens = {"NA"};
  EXPECT_EQ(read(schema, {BodyFormat::kCsv}, shuffled), read(schema, {BodyFormat::kCsv}, in_order));
}

TEST(CsvRows, WideRowsWithACellTooFewOrTooMany) {
  for (const std::size_t n_fields : {1U, 8U, 16U, 29U, 31U, 40U}) {
    std::string row = "1";
    for (std::size_t i = 1; i < n_fields; ++i) row += ",1.5";
    std::string good = "1";
    for (std::size_t i = 1; i < 30; ++i) good += ",-0.25";
    for (const std::string& body :
         {fmt::format("{0}\n{1}\n{0}\n{0}", good, row), fmt::format("{0}\n{1}", good, row)}) {
      EXPECT_THAT(refusal({BodyFormat::kCsv}, body, numeric_schema(30)),
                  HasSubstr(fmt::format("row 2: expected 30 fields, found {}", n_fields)));
    }
  }
}

TEST(CsvRows, MissingIsEmptyOrATokenOrNanOrNull) {
  EXPECT_EQ(
      read({BodyFormat::kCsv}, ",,\nNaN,?,null\n NA ,nan,NULL\n"),
      (Values{-1, -1, -1, -1, -1, -1, -1, 3, -1}));  // `nan` is a text in a categorical feature of this model
}

TEST(CsvRows, ANumberCanBeAMissingToken) {
  Schema schema = numeric_schema(2);
  schema.missing_tokens = {"-999"};
  EXPECT_EQ(read(schema, {BodyFormat::kCsv}, "-999,1\n-999.0,2\n"), (Values{-1, 1, -999, 2}));
  EXPECT_EQ(read(schema, {BodyFormat::kJson}, "[-999, 1]"), (Values{-1, 1}));
  EXPECT_EQ(read(schema, {BodyFormat::kLibsvm}, "0:-999 1:4"), (Values{-1, 4}));
}

TEST(CsvRows, AHeaderIsToldByItsNames) {
  EXPECT_EQ(read({BodyFormat::kCsv}, "age,id,amount,country\n40,x7,1.5,DE\n"), (Values{1.5F, 0, 40}));
  EXPECT_EQ(read({BodyFormat::kCsv, CsvHeader::kPresent}, "age,country,amount\n1,DE,2\n"), (Values{2, 0, 1}));
  // The name of a feature as a category, beside a number, is no header.
  EXPECT_EQ(read({BodyFormat::kCsv}, "1,age,2\n"), (Values{1, 3, 2}));
  EXPECT_EQ(read({BodyFormat::kCsv, CsvHeader::kAbsent}, ",age,\n"), (Values{-1, 3, -1}));
  Schema schema = numeric_schema(2);
  schema.features[0].name = "0";
  schema.features[1].name = "1";
  EXPECT_EQ(read(schema, {BodyFormat::kCsv}, "1,0\n5,6\n"), (Values{1, 0, 5, 6}));
  EXPECT_EQ(read(schema, {BodyFormat::kCsv, CsvHeader::kPresent}, "1,0\n5,6\n"), (Values{6, 5}));
}

TEST(CsvRows, ErrorsSayWhereAndWhat) {
  const BodyType csv{BodyFormat::kCsv};
  EXPECT_EQ(refusal(csv, "1,DE,2\n1,DE,old\n"),
            "[serve.request.value] row 2, feature 'age': \"old\" is not a number");
  EXPECT_THAT(refusal(csv, "1,DE,inf\n"), HasSubstr("row 1, feature 'age': \"inf\" is infinite"));
  EXPECT_THAT(refusal(csv, "1e39,DE,1\n"), HasSubstr("beyond the largest 32-bit float"));
  EXPECT_EQ(
      refusal(csv, "1,DE,2\n0,1,DE,2\n"),
      "[serve.request.columns] row 2: expected 3 fields, found 4: \"0,1,DE,2\"; rows to score have no label");
  EXPECT_THAT(refusal(csv, "1;DE;2\n"), HasSubstr("found 1: \"1;DE;2\"; a comma separates fields"));
  EXPECT_EQ(refusal(csv, "amonut,country,age\n1,DE,2\n"),
            "[serve.request.columns] header: the model's feature 'amount' is absent (there is 'amonut')");
  EXPECT_THAT(refusal(csv, "age,age,country,amount\n"), HasSubstr("'age' stands there twice"));
  EXPECT_THAT(refusal(csv, "1,\"DE,2\n"),
              HasSubstr("[serve.request.syntax] row 1: column 'country': the quote"));
  EXPECT_THAT(refusal(csv, "1,\"DE\"x,2\n"), HasSubstr("text follows the closing quote"));
  EXPECT_THAT(refusal(csv, std::string_view("1,D\0E,2\n", 8)), HasSubstr("[serve.request.syntax]"));
  for (const std::string_view empty : {"", "\n\r\n\n", "amount,country,age\n", "amount,country,age"}) {
    EXPECT_THAT(refusal(csv, empty), HasSubstr("[serve.request.empty]")) << empty;
  }
}

// Wherever the copy of the last records begins, a quoted field may go over that place.
TEST(CsvRows, RecordsOfAnyLengthAtTheEnd) {
  for (std::size_t length = 0; length < 200; ++length) {
    std::string body = "1,DE,2\n";
    body += "3,\"" + std::string(length, 'x') + "\n" + std::string(30, 'y') + "\",4\n5,DE,6";
    EXPECT_EQ(read({BodyFormat::kCsv}, body), (Values{1, 0, 2, 3, 3, 4, 5, 0, 6})) << length;
  }
}

TEST(CsvRows, TooManyValues) {
  RowBatch rows;
  const RowReader reader(make_schema());
  EXPECT_NO_THROW(reader.read({BodyFormat::kCsv}, ",,\n,,\n", rows, 6));
  try {
    reader.read({BodyFormat::kCsv}, ",,\n,,\n,,\n", rows, 8);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(http_status(error.id()), 413);
    EXPECT_THAT(error.what(), HasSubstr("more than 2 rows of 3 features"));
  }
}

// The bits of a table that `predict` reads are those of the same text in a request.
TEST(CsvRows, BitsOfTheTableReader) {
  constexpr std::size_t kFeatures = 7;
  constexpr std::size_t kRows = 400;
  std::mt19937_64 random(1729);
  std::string body;
  for (std::size_t i = 0; i < kRows * kFeatures; ++i) {
    const auto value = std::bit_cast<double>(random());
    const bool fits = std::abs(value) < 3e38;
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    switch (random() % 6) {
      case 0:
        body += fits ? fmt::format("{}", value) : "0.5";
        break;
      case 1:
        body += fmt::format("{:.{}f}", unit * 1e4, random() % 25);
        break;
      case 2:
        body += random() % 2 == 0 ? "" : "NaN";
        break;
      case 3:
        body += fmt::format("{:.17e}", unit);
        break;
      default:
        body += fmt::format("{}", unit * 2 - 1);
    }
    body += i % kFeatures + 1 == kFeatures ? '\n' : ',';
  }
  const std::string path = testing::TempDir() + "rows_test.csv";
  std::ofstream(path) << body;
  Schema schema = numeric_schema(kFeatures);
  schema.missing_tokens = {"NaN"};
  const Dataset table = io::read_csv({path}, schema, {.has_header = false, .threads = 1}).data;
  std::remove(path.c_str());
  RowBatch rows;
  RowReader(schema).read({BodyFormat::kCsv}, body, rows);
  ASSERT_EQ(rows.n_rows(), kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t f = 0; f < kFeatures; ++f) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(rows.row(i)[f]),
                std::bit_cast<std::uint32_t>(table.columns[f][i]));
    }
  }
}

TEST(LibsvmRows, IndicesFromOneOrZero) {
  EXPECT_EQ(read({BodyFormat::kLibsvm}, "1 1:1.5 2:3\n0 3:nan\n3:4 # 1:9\n"),
            (Values{1.5F, 1, -1, -1, -1, -1, -1, -1, 4}));
  EXPECT_EQ(read({BodyFormat::kLibsvm}, "0:1.5 2:3\r\n1\t1:7\n"), (Values{1.5F, -1, 3, -1, 3, -1}));
  EXPECT_EQ(read({BodyFormat::kLibsvm}, "1\n"), (Values{-1, -1, -1}));
}

TEST(LibsvmRows, Errors) {
  const BodyType libsvm{BodyFormat::kLibsvm};
  EXPECT_EQ(refusal(libsvm, "1 1:2\n1 2:x\n"),
            "[serve.request.value] body:2: the value in \"2:x\" is not a number");
  EXPECT_EQ(refusal(libsvm, "1 qid:3 1:2\n"),
            "[serve.request.syntax] body:1: \"qid:3\" is not index:value, as 3:0.25");
  EXPECT_EQ(refusal(libsvm, "1,2,3\n"),
            "[serve.request.value] body:1: the label in \"1,2,3\" is not a number");
  EXPECT_THAT(refusal(libsvm, "0:1 3:1\n"), HasSubstr("row 1: index 3 is beyond the model's 3 features"));
  EXPECT_THAT(refusal(libsvm, "4294967295:1 0:1\n"), HasSubstr("index 4294967295 is beyond"));
  EXPECT_THAT(refusal(libsvm, "4294967296:1\n"), HasSubstr("[serve.request.syntax]"));
}

TEST(JsonRows, Shapes) {
  const Values two{1.5F, 0, 40, 2, 1, -1};
  for (
      const std::string_view body : {
          R"({"instances": [[1.5, "DE", 40], [2, 3, null]]})",
          R"([[1.5, "DE", 40], [2, "3", "NA"]])",
          R"([{"age": 40, "country": "DE", "amount": 1.5}, {"amount": 2, "country": 3.0, "age": null}])",
          R"({"instances": [{"features": [1.5, "DE", 40]}, {"id": {"a": [1]}, "amount": 2, "country": 3, "age": null}]})",
          R"({"parameters": {"x": [[]]}, "instances": [[1.5, "DE", 40], {"features": [2, 3, "nan"]}]})",
          R"([[1.5, "DE", 40], [2, 3, NaN]])",
      }) {
    EXPECT_EQ(read({BodyFormat::kJson}, body), two) << body;
  }
  EXPECT_EQ(read({BodyFormat::kJson}, R"([true, "NaN", "2.5"])"), (Values{1, 3, 2.5F}));
  EXPECT_EQ(read({BodyFormat::kJson}, R"({"amount": 1, "country": null, "age": 2})"), (Values{1, -1, 2}));
  EXPECT_EQ(read({BodyFormat::kJson}, R"({"features": [1, null, 2]})"), (Values{1, -1, 2}));
  // NaN within a text stays as it is, also where another is replaced.
  Schema schema = make_schema();
  schema.features[1].categories = {"a\"NaN"};
  EXPECT_EQ(read(schema, {BodyFormat::kJson}, R"([NaN, "a\"NaN", 2])"), (Values{-1, 0, 2}));
}

TEST(JsonRows, Lines) {
  EXPECT_EQ(
      read({BodyFormat::kJsonLines}, "[1, \"DE\", 2]\r\n\n{\"age\": 1, \"amount\": 2, \"country\": \"FR\"}"),
      (Values{1, 0, 2, 2, 3, 1}));
  EXPECT_THAT(refusal({BodyFormat::kJsonLines}, "[1, null, 2]\n[[1, null, 2]]\n"),
              HasSubstr("[serve.request."));
  EXPECT_THAT(refusal({BodyFormat::kJsonLines}, "[1, null, 2]\n[1, nul, 2]\n"),
              HasSubstr("[serve.request.syntax] line 2, byte "));
}

/// What a body is read as, or the error.
std::string outcome(const BodyType& type, const std::string& body) {
  try {
    return fmt::format("{}", fmt::join(read(type, body), " "));
  } catch (const Error& error) {
    return error.id();
  }
}

TEST(JsonRows, TheQuickParserAgreesWithTheThoroughOne) {
  // Behind a byte order mark the quick one does not read.
  for (const std::string body :
       {R"([0.5, "DE", 2])",
        R"([-0, null, -0.0])",
        R"([1e2, "DE", 1E-2])",
        R"([1.5e+1, 3.0, 12345678901234567])",
        R"([18446744073709551615, null, -9223372036854775808])",
        R"([18446744073709551616, null, 1])",
        R"([0.1234567890123456789, null, 1e-400])",
        R"([1e39, null, 1])",
        R"([1e400, null, 1])",
        R"([NaN, null, NaN])",
        R"([-NaN, null, 1])",
        R"([Infinity, null, 1])",
        R"([true, null, false])",
        R"([01, null, 1])",
        R"([1., null, 1])",
        R"([.5, null, 1])",
        R"([-, null, 1])",
        R"([+1, null, 1])",
        R"([1e, null, 1])",
        R"([1e+, null, 1])",
        R"([1.e1, null, 1])",
        R"([1.5x, null, 1])",
        R"([0x1, null, 1])",
        R"([1 2, null, 1])",
        R"([1,, null, 1])",
        R"([, 1, null, 1])",
        R"([1, null, 1,])",
        R"([1, null, 1)",
        R"([1, null, 1]])",
        R"([1, null, 1}])",
        R"([1, "\u0044E", 1])",
        "[1, \"\xFF\", 1]",
        "[1, \"\t\", 1]",
        "[1, \"\xC3\xA9\", 1]",
        R"([1, "DE)",
        R"([[], []])",
        "[]",
        "{}",
        R"([[1, null, 2], [NaN, "DE", 1.25]])",
        R"({"age": 1.5, "country": "DE", "amount": 2, "more": {"a": [1, {"b": []}, "c"], "d": 1e5}})",
        R"({"age": 1 "country": "DE", "amount": 2})",
        R"({"age": 1, , "country": "DE", "amount": 2})",
        R"({"age": 1, "country": "DE", "amount": 2,})",
        R"({"age", 1})",
        R"({"age" 1})",
        R"({age: 1})",
        R"({1: 1})",
        R"({"instances": [[1, null, 2], {"features": [1, null, 2]}]})",
        R"({"instances": [], "x": 1e400})"}) {
    EXPECT_EQ(outcome({BodyFormat::kJson}, body), outcome({BodyFormat::kJson}, "\xEF\xBB\xBF" + body))
        << body;
  }
}

TEST(JsonRows, Errors) {
  const BodyType json{BodyFormat::kJson};
  EXPECT_EQ(refusal(json, R"([[1, "DE", 2], [1, "DE", "old"]])"),
            "[serve.request.value] row 2, feature 'age': \"old\" is not a number");
  EXPECT_EQ(refusal(json, R"([[1, "DE"]])"), "[serve.request.columns] row 1: expected 3 values, found 2");
  EXPECT_EQ(refusal(json, R"([[1, "DE", 2, 3]])"),
            "[serve.request.columns] row 1: expected 3 values, found more; rows to score have no label");
  EXPECT_EQ(
      refusal(json, R"({"instances": [{"amount": 1, "country": "DE", "Age": 2}]})"),
      "[serve.request.columns] row 1: the model's feature 'age' is absent (there is 'Age'); give null if its "
      "value is missing");
  EXPECT_THAT(refusal(json, R"({"amount": 1, "country": "DE", "age": 1, "amount": 2})"), HasSubstr("twice"));
  EXPECT_THAT(refusal(json, R"([[1, "DE", {}]])"), HasSubstr("row 1, feature 'age': an object is no value"));
  EXPECT_THAT(refusal(json, R"([[1, ["DE"], 2]])"),
              HasSubstr("row 1, feature 'country': a list is no value"));
  EXPECT_THAT(refusal(json, R"([[1, true, 2]])"), HasSubstr("feature 'country': a boolean is no value"));
  EXPECT_THAT(refusal(json, R"({"instances": 3})"), HasSubstr("a number where rows are expected"));
  EXPECT_THAT(refusal(json, R"({"instances": [[1, null, 2]], "age": 3})"),
              HasSubstr("both instances and features"));
  EXPECT_THAT(refusal(json, R"({"age": 3, "instances": [[1, null, 2]]})"),
              HasSubstr("both instances and features"));
  EXPECT_THAT(refusal(json, R"({"features": [1, null, 2], "age": 3})"), HasSubstr("by name and as a list"));
  EXPECT_THAT(refusal(json, "7"), HasSubstr("a number where rows are expected"));
  EXPECT_THAT(refusal(json, "[1e400, null, 2]"), HasSubstr("[serve.request.value] byte 6: "));
  EXPECT_THAT(refusal(json, "[1e39, null, 2]"), HasSubstr("beyond the largest 32-bit float"));
  EXPECT_EQ(refusal(json, "[1, null"), "[serve.request.syntax] the JSON text ends in the middle");
  EXPECT_EQ(refusal(json, "[1, nan, 2]"), "[serve.request.syntax] byte 6: no JSON from here on: \"an, 2]\"");
  EXPECT_THAT(refusal(json, "[NaN, Infinity, 2]"), HasSubstr("no JSON from here on: \"Infinity"));
  EXPECT_THAT(refusal(json, "[1,null,2] x"), HasSubstr("[serve.request.syntax]"));
  for (const std::string_view empty : {"[]", R"({"instances": []})"}) {
    EXPECT_THAT(refusal(json, empty), HasSubstr("[serve.request.empty]")) << empty;
  }
  EXPECT_THAT(refusal(json, std::string(100'000, '[')), HasSubstr("[serve.request."));
}

/// The bytes of an npy file.
template <class Value>
std::string npy(std::string_view type, std::string_view shape, const std::vector<Value>& values,
                std::string_view order = "False") {
  const std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", type, order, shape);
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  bytes += header;
  const std::size_t begin = bytes.size();
  bytes.resize(begin + values.size() * sizeof(Value));
  if (!values.empty()) std::memcpy(bytes.data() + begin, values.data(), values.size() * sizeof(Value));
  return bytes;
}

TEST(NpyRows, TypesAndOrders) {
  const BodyType type{BodyFormat::kNpy};
  const Values expected{1, 1, 2, 4, 3, -1};
  EXPECT_EQ(read(type, npy<double>("<f8", "(2, 3)", {1, 3, 2, 4, 5, std::nan("")})), expected);
  EXPECT_EQ(read(type, npy<float>("<f4", "(2, 3)", {1, 3, 2, 4, 5, kNoValue})), expected);
  EXPECT_EQ(read(type, npy<float>("<f4", "(2, 3)", {1, 4, 3, 5, 2, kNoValue}, "True")), expected);
  EXPECT_EQ(read(type, npy<std::int64_t>("<i8", "(3,)", {1, 3, -5})), (Values{1, 1, -5}));
  EXPECT_EQ(read(type, npy<std::uint8_t>("|u1", "(1,3)", {1, 3, 255})), (Values{1, 1, 255}));
  EXPECT_EQ(read(type, npy<std::int16_t>(">i2", "(1,3)", {0x0100, 0x0300, 0x0001})), (Values{1, 1, 256}));
}

TEST(NpyRows, DoublesAreRoundedOnce) {
  const double value = 0.1234567890123456789;
  EXPECT_EQ(read(numeric_schema(1), {BodyFormat::kNpy}, npy<double>("<f8", "(1, 1)", {value})),
            Values{static_cast<float>(value)});
}

TEST(NpyRows, Hostile) {
  const BodyType type{BodyFormat::kNpy};
  const std::string good = npy<float>("<f4", "(2, 3)", {1, 3, 2, 4, 5, 6});
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_THAT(refusal(type, good.substr(0, size)), HasSubstr("[serve.request.syntax] npy: ")) << size;
  }
  EXPECT_THAT(refusal(type, good + "x"), HasSubstr("25 bytes are not the 2 x 3 values of 4 bytes"));
  for (const std::string_view shape :
       {"(18446744073709551615, 3)", "(6148914691236517206, 3)", "(99999999999999999999, 3)", "(-1, 3)",
        "(2, 3, 1)", "()", "2, 3", "(2 3)"}) {
    EXPECT_THAT(refusal(type, npy<float>("<f4", shape, {1, 3, 2, 4, 5, 6})),
                HasSubstr("[serve.request.syntax]"))
        << shape;
  }
  for (const std::string_view bad : {"<f2", "<c8", "|O", "f4", "", "<", "<U3"}) {
    EXPECT_THAT(refusal(type, npy<float>(bad, "(2, 3)", {1, 3, 2, 4, 5, 6})),
                HasSubstr("[serve.request.syntax]"))
        << bad;
  }
  EXPECT_THAT(
      refusal(type, npy<float>("<f4", "(2, 4)", {1, 3, 2, 4, 5, 6, 7, 8})),
      HasSubstr("[serve.request.columns] npy: expected 3 columns, found 4; rows to score have no label"));
  EXPECT_THAT(refusal(type, npy<float>("<f4", "(0, 3)", {})), HasSubstr("[serve.request.empty]"));
  EXPECT_THAT(refusal(type, npy<double>("<f8", "(1, 3)", {1, 3, 1e39})),
              HasSubstr("row 1, feature 'age': \"1e+39\" is beyond the largest 32-bit float"));
}

TEST(RowReaders, AModelWithoutFeatures) { EXPECT_THROW(RowReader(Schema{}), Error); }

}  // namespace
}  // namespace coppice::serve
