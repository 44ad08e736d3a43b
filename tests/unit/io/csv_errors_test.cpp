// Every bad input that read_csv refuses, with the exact message.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include "gzip_text.h"
#include "temporary_folder.h"

namespace coppice::io {
namespace {

struct File {
  std::string name;
  std::string bytes;
};

/// What reading the files says, without the folder's path; empty if they are read.
std::string error_of(const std::vector<File>& files, const CsvOptions& options,
                     const Schema* schema = nullptr) {
  const TemporaryFolder folder;
  std::vector<std::string> paths;
  paths.reserve(files.size());
  for (const File& file : files) paths.push_back(folder.write(file.name, file.bytes));
  try {
    (void)(schema == nullptr ? read_csv(paths, options) : read_csv(paths, *schema, options));
  } catch (const Error& error) {
    return folder.without_folder(error.what());
  }
  return {};
}

std::string error_of(std::string_view text, const CsvOptions& options = {}) {
  return error_of({{"t.csv", std::string(text)}}, options);
}

std::string error_of(std::string_view text, const Schema& schema, const CsvOptions& options = {}) {
  return error_of({{"t.csv", std::string(text)}}, options, &schema);
}

CsvOptions with_label(std::string name, bool binary = true) {
  CsvOptions options;
  options.label = std::move(name);
  options.binary_label = binary;
  return options;
}

CsvOptions with_weight(std::string name) {
  CsvOptions options;
  options.weight = std::move(name);
  return options;
}

TEST(CsvErrors, FieldCount) {
  EXPECT_EQ(error_of("a,b\n1,2\n\n3\n"), "[io.csv.field_count] t.csv:4: expected 2 fields, found 1: \"3\"");
  EXPECT_EQ(error_of("a,b\r\n1,2,\"x,y\"\r\n"),
            "[io.csv.field_count] t.csv:2: expected 2 fields, found 3: \"1,2,\\\"x,y\\\"\"");
  // Lines count from the file's first, also those within quotes.
  EXPECT_EQ(error_of("a,b\n\"1\n\n\",2\n5,6,7\n"),
            "[io.csv.field_count] t.csv:5: expected 2 fields, found 3: \"5,6,7\"");
  EXPECT_EQ(error_of("a,b\n" + std::string(60, '7') + "\n"),
            "[io.csv.field_count] t.csv:2: expected 2 fields, found 1: \"" + std::string(40, '7') + "...\"");
}

TEST(CsvErrors, TextInANumericColumn) {
  Schema schema;
  schema.features = {{"amount", FeatureKind::kNumeric, {}}};
  schema.missing_tokens = {"NA"};
  EXPECT_EQ(error_of("amount\n1\nNA\n0x1A\n", schema),
            "[io.csv.not_a_number] t.csv:4: column 'amount' is numeric, but \"0x1A\" is not a number");
  EXPECT_EQ(error_of("amount\nnan\n", schema),
            "[io.csv.not_a_number] t.csv:2: column 'amount' is numeric, but \"nan\" is not a number");
  EXPECT_EQ(
      error_of("amount\n1\x01\xFF\t\n", schema),
      "[io.csv.not_a_number] t.csv:2: column 'amount' is numeric, but \"1\\x01\\xff\\t\" is not a number");
  EXPECT_EQ(error_of("amount\n1e39\n", schema),
            "[io.csv.infinite] t.csv:2: column 'amount': \"1e39\" is beyond the largest 32-bit float, "
            "3.4028235e38; "
            "leave the cell empty if it is missing");
}

TEST(CsvErrors, FewTextsInANumericColumn) {
  std::string text = "n,m\n";
  for (int i = 0; i < 198; ++i) text += "1,2\n";
  // 198 of 199 are numbers, then 198 of 200, which is still 99 %, then less.
  const std::string message =
      "[io.csv.not_a_number] t.csv:200: column 'n': \"1,5\" is not a number, but 198 of the column's {} "
      "values are; "
      "correct it, make it a missing token, or declare the column categorical or ignored";
  EXPECT_EQ(error_of(text + "\"1,5\",2\n"), fmt::format(fmt::runtime(message), 199));
  EXPECT_EQ(error_of(text + "\"1,5\",2\nNA,2\nxyz,2\n"), fmt::format(fmt::runtime(message), 200));
  EXPECT_EQ(error_of(text + "\"1,5\",2\nxyz,2\nxyz,2\n"), "");
  // Fewer than 100 numbers say little.
  std::string small = "n,m\n";
  for (int i = 0; i < 99; ++i) small += "1,2\n";
  EXPECT_EQ(error_of(small + "x,2\n"), "");
  EXPECT_EQ(error_of(small + "1,2\nx,2\n").substr(0, 33), "[io.csv.not_a_number] t.csv:102: ");
}

TEST(CsvErrors, Labels) {
  EXPECT_EQ(error_of("x,y\n1,0\n2,\n", with_label("y")),
            "[io.csv.label] t.csv:3: label column 'y' is empty; every row needs one");
  EXPECT_EQ(error_of("x,y\n1,NA\n", with_label("y")),
            "[io.csv.label] t.csv:2: label column 'y' is missing: \"NA\"; every row needs one");
  EXPECT_EQ(error_of("x,y\n1,yes\n", with_label("y")),
            "[io.csv.label] t.csv:2: label column 'y': \"yes\" is not a number; the label must be 0 or 1");
  EXPECT_EQ(error_of("x,y\n1,yes\n", with_label("y", false)),
            "[io.csv.label] t.csv:2: label column 'y': \"yes\" is not a number");
  EXPECT_EQ(error_of("x,y\n1,0\n1,2\n", with_label("y")),
            "[io.csv.label] t.csv:3: label column 'y': \"2\" is neither 0 nor 1");
  EXPECT_EQ(error_of("x,y\n1,0\n1,2\n", with_label("y", false)), "");
  EXPECT_EQ(error_of("x,y\n1,-inf\n", with_label("y", false)),
            "[io.csv.infinite] t.csv:2: label column 'y': \"-inf\" is infinite");
}

TEST(CsvErrors, Weights) {
  EXPECT_EQ(error_of("x,w\n1,\n", with_weight("w")),
            "[io.csv.weight] t.csv:2: weight column 'w' is empty; every row needs one");
  EXPECT_EQ(error_of("x,w\n1,-0.5\n", with_weight("w")),
            "[io.csv.weight] t.csv:2: weight column 'w': \"-0.5\" is negative");
  EXPECT_EQ(error_of("x,w\n1,one\n", with_weight("w")),
            "[io.csv.weight] t.csv:2: weight column 'w': \"one\" is not a number");
  EXPECT_EQ(error_of("x,w\n1,Infinity\n", with_weight("w")),
            "[io.csv.infinite] t.csv:2: weight column 'w': \"Infinity\" is infinite");
}

TEST(CsvErrors, InfiniteValues) {
  for (const char* text : {"inf", "Infinity", "-INF", "+inf"}) {
    EXPECT_EQ(error_of(fmt::format("x,y\n1,2\n{},3\n", text)),
              fmt::format(
                  "[io.csv.infinite] t.csv:3: column 'x': \"{}\" is infinite; leave the cell empty if it is "
                  "missing",
                  text));
  }
  for (const char* text : {"1e39", "-3.4028236e38", "1e400"}) {
    EXPECT_EQ(error_of(fmt::format("x,y\n1,2\n{},3\n", text)),
              fmt::format("[io.csv.infinite] t.csv:3: column 'x': \"{}\" is beyond the largest 32-bit float, "
                          "3.4028235e38; leave the cell empty if it is missing",
                          text));
  }
}

TEST(CsvErrors, Quotes) {
  EXPECT_EQ(error_of("a,b\n1,2\n3,\"open\n4,5\n6,7\n"),
            "[io.csv.quote] t.csv:3: column 'b': the quote that opens here is never closed: "
            "\"\\\"open\\n4,5\\n6,7\\n\"");
  // The record begins in line 2, the quote that is never closed opens in line 3.
  EXPECT_EQ(error_of("a,b\n\"1\n\",\"2"),
            "[io.csv.quote] t.csv:3: column 'b': the quote that opens here is never closed: \"\\\"2\\n\"");
  EXPECT_EQ(
      error_of("a,b\n\"x\"y,2\n"),
      "[io.csv.quote] t.csv:2: column 'a': text follows the closing quote: \"\\\"x\\\"y\"; a quote within a "
      "quoted field is written twice");
  EXPECT_EQ(
      error_of("a,\"b\n1,2\n"),
      "[io.csv.quote] t.csv:1: column 'f1': the quote that opens here is never closed: \"\\\"b\\n1,2\\n\"");
}

TEST(CsvErrors, NulBytes) {
  using namespace std::string_literals;
  EXPECT_EQ(
      error_of("a,b\n1,2\n3,4\0005\n"s),
      "[io.csv.nul] t.csv:3: column 'b': the field has a NUL byte: \"4\\x005\"; is the file UTF-8 text?");
  EXPECT_EQ(error_of("a,b\n\"\0\",2\n"s),
            "[io.csv.nul] t.csv:2: column 'a': the field has a NUL byte: \"\\x00\"; is the file UTF-8 text?");
  // UTF-16, as spreadsheets like to write it.
  EXPECT_EQ(
      error_of("a\0,\0b\0\n\0"s),
      "[io.csv.nul] t.csv:1: column 'f0': the field has a NUL byte: \"a\\x00\"; is the file UTF-8 text?");
}

TEST(CsvErrors, OtherEncodings) {
  EXPECT_EQ(error_of("a,b\n1,x\n2,S\xE3o\n"),
            "[io.csv.encoding] t.csv:3: column 'b': \"S\\xe3o\" is not UTF-8; convert the file to UTF-8");
  EXPECT_EQ(
      error_of("a,b\xFF\n1,x\n"),
      "[io.csv.encoding] t.csv:1: the name of column 1 is not UTF-8: \"b\\xff\"; convert the file to UTF-8");
}

TEST(CsvErrors, EmptyFiles) {
  EXPECT_EQ(error_of(""), "[io.csv.empty] t.csv: the file is empty");
  EXPECT_EQ(error_of("\xEF\xBB\xBF\n\r\n"), "[io.csv.empty] t.csv: the file is empty");
  EXPECT_EQ(error_of("a,b\n\n"), "[io.csv.empty] t.csv: there is a header, but no row");
  EXPECT_EQ(error_of({{"t.csv", "a\n1\n"}, {"u.csv", ""}}, {}), "[io.csv.empty] u.csv: the file is empty");
}

TEST(CsvErrors, ColumnNames) {
  EXPECT_EQ(
      error_of("a,b,a\n1,2,3\n"),
      "[io.csv.column_duplicate] t.csv:1: columns 0 and 2 (counted from 0) are both named 'a'; rename one of "
      "them, or read the table without a header if this row is data");
  EXPECT_EQ(error_of("Time,Amount,Class\n1,2,0\n", with_label("Clas")),
            "[io.csv.column_unknown] t.csv: no column 'Clas' for the label; did you mean 'Class'?");
  EXPECT_EQ(error_of("Time,V1,V2,V3,V4,V5,V6,V7,V8,Amount,Classes,Class\n1,2,3,4,5,6,7,8,9,10,11,0\n",
                     with_label("CLASS")),
            "[io.csv.column_unknown] t.csv: no column 'CLASS' for the label; did you mean 'Class'?");
  EXPECT_EQ(error_of("Time,Amount,Class\n1,2,0\n", with_label("zzzzzzzz")),
            "[io.csv.column_unknown] t.csv: no column 'zzzzzzzz' for the label; the columns are Time, "
            "Amount, Class");
  EXPECT_EQ(error_of("Time,Amount,Class\n1,2,0\n", with_label("3")),
            "[io.csv.column_unknown] t.csv: no column 3 for the label; there are 3, counted from 0");
  CsvOptions ignored = with_label("Class");
  ignored.ignored = {"2"};
  EXPECT_EQ(error_of("Time,Amount,Class\n1,2,0\n", ignored),
            "[io.csv.column_role] t.csv: column 'Class' cannot be the label and something else as well");
  CsvOptions categorical = with_label("Class");
  categorical.categorical = {"Class"};
  EXPECT_EQ(error_of("Time,Amount,Class\n1,2,0\n", categorical),
            "[io.csv.column_role] t.csv: column 'Class' cannot be label or weight and categorical");
}

TEST(CsvErrors, FilesWithOtherColumns) {
  const File first{"a.csv", "x,y\n1,2\n"};
  const std::string differ = "[io.csv.columns_differ] b.csv:1: the columns are not those of a.csv: ";
  const std::string advice = "; all files need the same columns in the same order";
  EXPECT_EQ(error_of({first, {"b.csv", "x,z\n1,2\n"}}, {}),
            differ + "column 1 is 'z' instead of 'y'" + advice);
  EXPECT_EQ(error_of({first, {"b.csv", "x\n1\n"}}, {}), differ + "column 'y' is missing" + advice);
  EXPECT_EQ(error_of({first, {"b.csv", "x,y,z\n1,2,3\n"}}, {}), differ + "column 'z' is extra" + advice);
  // Lines count from the begin of each file.
  EXPECT_EQ(error_of({first, {"b.csv", "x,y\n1,2\n3\n"}}, {}),
            "[io.csv.field_count] b.csv:3: expected 2 fields, found 1: \"3\"");
  CsvOptions no_header;
  no_header.has_header = false;
  EXPECT_EQ(error_of({{"a.csv", "1,2\n"}, {"b.csv", "1,2,3\n"}}, no_header),
            "[io.csv.field_count] b.csv:1: expected 2 fields, found 3: \"1,2,3\"");
}

TEST(CsvErrors, ColumnsThatTheSchemaNeeds) {
  Schema schema;
  schema.features = {{"amount", FeatureKind::kNumeric, {}}, {"kind", FeatureKind::kCategorical, {"a"}}};
  schema.label = "y";
  EXPECT_EQ(
      error_of("kind,amuont\na,1\n", schema),
      "[io.csv.column_missing] t.csv: the model's feature 'amount' has no column; did you mean 'amuont'?");
  EXPECT_EQ(
      error_of("kind,amount\na,1\n", schema, with_label("kind")),
      "[io.csv.column_role] t.csv: column 'kind' is a feature of the model, so it cannot be label or weight");
  CsvOptions no_header;
  no_header.has_header = false;
  EXPECT_EQ(error_of("1,a,1\n", schema, no_header),
            "[io.csv.column_count] t.csv: the model has 2 features, the table without header has 3 columns "
            "for them; "
            "give the same columns in the same order, or a header");
}

TEST(CsvErrors, Gzip) {
  std::string text = "x,y\n";
  for (int i = 0; i < 1000; ++i) text += fmt::format("{},{}\n", i * i, i);
  const std::string whole = gzip_text(text);
  ASSERT_EQ(error_of({{"t.csv.gz", whole}}, {}), "");
  const std::string cut = error_of({{"t.csv.gz", whole.substr(0, whole.size() / 2)}}, {});
  EXPECT_EQ(cut.substr(0, 68), "[io.gzip.truncated] t.csv.gz: the compressed data ends early, after ");
  EXPECT_EQ(cut.substr(cut.find(" bytes")),
            " bytes of text; the file is not complete, copy or download it again");
  // Also where only the checksum is missing, and where the second member is.
  EXPECT_EQ(error_of({{"t.csv.gz", whole.substr(0, whole.size() - 1)}}, {}).substr(0, 19),
            "[io.gzip.truncated]");
  EXPECT_EQ(error_of({{"t.csv.gz", whole + whole.substr(0, 5)}}, {}).substr(0, 19), "[io.gzip.truncated]");
  std::string damaged = whole;
  damaged[damaged.size() - 5] ^= 1;  // in the checksum
  EXPECT_EQ(error_of({{"t.csv.gz", damaged}}, {}),
            "[io.gzip.corrupt] t.csv.gz: the compressed data is damaged: incorrect data check");
}

TEST(CsvErrors, Files) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& path) {
    try {
      (void)read_csv({path}, CsvOptions{});
    } catch (const Error& error) {
      return folder.without_folder(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message(folder.path("none.csv")),
            "[io.file.read] none.csv: cannot read the file: No such file or directory");
  std::filesystem::create_directory(folder.path("folder"));
  EXPECT_EQ(message(folder.path("folder")), "[io.file.read] folder: cannot read the file: Is a directory");
  if (::geteuid() != 0) {  // root reads everything
    const std::string secret = folder.write("secret.csv", "a\n1\n");
    std::filesystem::permissions(secret, std::filesystem::perms::none);
    EXPECT_EQ(message(secret), "[io.file.read] secret.csv: cannot read the file: Permission denied");
  }
  EXPECT_THROW((void)read_csv({}, CsvOptions{}), Error);
}

TEST(CsvErrors, TheFirstProblemWinsForAnyNumberOfThreads) {
  std::string text = "a,b\n";
  for (int i = 0; i < 400000; ++i) text += i == 300000 ? "1\n" : i > 300000 ? "1,2,3\n" : "1,2\n";
  for (const int threads : {1, 2, 7}) {
    CsvOptions options;
    options.threads = threads;
    EXPECT_EQ(error_of(text, options),
              "[io.csv.field_count] t.csv:300002: expected 2 fields, found 1: \"1\"");
  }
}

}  // namespace
}  // namespace coppice::io
