// Raw records, and writing CSV.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/csv_writer.h>
#include <gmock/gmock.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gzip_text.h"
#include "temporary_folder.h"

namespace coppice::io {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> records_of(const CsvRows& rows) {
  std::vector<std::string> records;
  rows.visit([&](std::size_t row, std::string_view record) {
    EXPECT_EQ(row, records.size());
    records.emplace_back(record);
  });
  return records;
}

TEST(CsvRows, RecordsAreVerbatimAndCanBeVisitedAgain) {
  const TemporaryFolder folder;
  const std::string first = folder.write("a.csv", "\xEF\xBB\xBF\"x\", y\r\n1,\"a\n\"\"b\"\r\n\n 2 ,c\n");
  const std::string second = folder.write("b.csv.gz", gzip_text("x,y\n3,\"d\""));
  const CsvRows rows({first, second});
  EXPECT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows.header(), "\"x\", y");
  EXPECT_THAT(rows.names(), ElementsAre("x", "y"));
  for (int visit = 0; visit < 2; ++visit) {
    EXPECT_THAT(records_of(rows), ElementsAre("1,\"a\n\"\"b\"", " 2 ,c", "3,\"d\""));
  }
  EXPECT_THAT(rows.column("x"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(rows.column("1"), ElementsAre("a\n\"b", "c", "d"));
  EXPECT_THROW((void)rows.column("z"), Error);
}

TEST(CsvRows, WithoutHeader) {
  const TemporaryFolder folder;
  const CsvRows rows({folder.write("a.csv", "1,2\n3,4\n")}, false);
  EXPECT_EQ(rows.header(), "");
  EXPECT_THAT(rows.names(), ElementsAre("f0", "f1"));
  EXPECT_THAT(records_of(rows), ElementsAre("1,2", "3,4"));
}

TEST(CsvRows, RefusesWhatCannotBeCopied) {
  const TemporaryFolder folder;
  const auto message = [&](std::string_view text) {
    try {
      const CsvRows rows({folder.write("a.csv", text)});
    } catch (const Error& error) {
      return folder.without_folder(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(message("x,y\n1,2\n3\n"), "[io.csv.field_count] a.csv:3: expected 2 fields, found 1: \"3\"");
  EXPECT_EQ(message("x,y\n"), "[io.csv.empty] a.csv: there is a header, but no row");
}

TEST(CsvWriter, QuotesWhatNeedsIt) {
  const auto field = [](std::string_view text) {
    std::string out;
    append_csv_field(out, text);
    return out;
  };
  EXPECT_EQ(field("plain text"), "plain text");
  EXPECT_EQ(field(""), "");
  EXPECT_EQ(field("a,b"), "\"a,b\"");
  EXPECT_EQ(field("say \"no\""), "\"say \"\"no\"\"\"");
  EXPECT_EQ(field("two\nlines"), "\"two\nlines\"");
  EXPECT_EQ(field("cr\r"), "\"cr\r\"");
}

TEST(CsvWriter, WritesRowsThatReadBack) {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.csv");
  CsvWriter writer(path);
  writer.field("a,b");
  writer.field("n");
  writer.field("x");
  writer.end_row();
  writer.field("");
  writer.field(0.1f);
  writer.field(0.1);
  writer.end_row();
  writer.field(std::size_t{18446744073709551615u});
  writer.field(-7);
  writer.field(std::numeric_limits<float>::quiet_NaN());
  writer.end_row();
  writer.record("\"v\",1,2");
  EXPECT_THROW((void)read_file(path), Error);  // nothing there before commit
  writer.commit();
  EXPECT_EQ(read_file(path), "\"a,b\",n,x\n,0.1,0.1\n18446744073709551615,-7,\n\"v\",1,2\n");
}

TEST(CsvWriter, RowOfOneEmptyFieldIsNoBlankLine) {
  const TemporaryFolder folder;
  const std::string path = folder.path("out.csv");
  CsvWriter writer(path);
  for (const char* text : {"x", "", "1"}) {
    writer.field(text);
    writer.end_row();
  }
  writer.commit();
  EXPECT_EQ(read_file(path), "x\n\"\"\n1\n");
  EXPECT_EQ(read_csv({path}, CsvOptions{}).data.n_rows, 2u);
}

TEST(CsvWriter, StandardOutput) {
  ::testing::internal::CaptureStdout();
  CsvWriter writer("-");
  writer.field("x");
  writer.end_row();
  writer.commit();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "x\n");
}

TEST(CsvWriter, LeavesNothingWithoutCommit) {
  const TemporaryFolder folder;
  {
    CsvWriter writer(folder.path("out.csv"));
    writer.record("1");
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path("")));
}

}  // namespace
}  // namespace coppice::io
