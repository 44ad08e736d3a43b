// Raw records, and writing CSV.
#include <coppice/error.h>
#include <coppice/io/csv.h>
#include <coppice/io/csv_rows.h>
#include <coppice/io/csv_writer.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "csv_chunks.h"
#include "gzip_text.h"
#include "temporary_folder.h"
#include "text_source.h"

namespace coppice::io {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> column_of(const CsvRows& rows, const std::string& name) {
  std::vector<std::string> texts;
  rows.visit_columns({name}, [&](std::size_t row, std::span<const std::string_view> fields) {
    EXPECT_EQ(row, texts.size());
    texts.emplace_back(fields[0]);
  });
  return texts;
}

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
  EXPECT_THAT(column_of(rows, "x"), ElementsAre("1", "2", "3"));
  EXPECT_THAT(column_of(rows, "1"), ElementsAre("a\n\"b", "c", "d"));
  EXPECT_THROW(column_of(rows, "z"), Error);
}

TEST(CsvRows, ColumnsComeTogetherInTheOrderAskedFor) {
  const TemporaryFolder folder;
  const CsvRows rows({folder.write("a.csv", "x,y,z\n1, 2 ,\"3\"\n4,,6\n")});
  std::vector<std::string> seen;
  rows.visit_columns({"z", "y", "z"}, [&](std::size_t row, std::span<const std::string_view> fields) {
    seen.push_back(std::to_string(row));
    seen.insert(seen.end(), fields.begin(), fields.end());
  });
  EXPECT_THAT(seen, ElementsAre("0", "3", "2", "3", "1", "6", "", "6"));
}

/// A table of more text than a visit parses at a time: rows `N,pad`, a blank line after each thousand.
std::string long_table(int n_rows) {
  std::string text = "n,pad\n";
  for (int i = 0; i < n_rows; ++i) {
    text += std::to_string(i) + "," + std::string(90, 'p') + "\n";
    if (i % 1000 == 999) text += "\n";
  }
  return text;
}

TEST(CsvRows, LongFilesAreVisitedInOrderAndRowsKeepTheirLines) {
  constexpr int kRows = 150'000;  // 14 chunks of a megabyte; one thread takes 8 at a time
  const TemporaryFolder folder;
  const std::string text = long_table(kRows);
  for (const std::string& path : {folder.write("a.csv", text), folder.write("a.csv.gz", gzip_text(text))}) {
    const CsvRows rows({path}, true, 1);
    ASSERT_EQ(rows.size(), kRows);
    const std::vector<std::string> numbers = column_of(rows, "n");
    const std::vector<std::string> records = records_of(rows);
    ASSERT_EQ(numbers.size(), kRows);
    ASSERT_EQ(records.size(), kRows);
    for (int i = 0; i < kRows; ++i) {
      const auto row = static_cast<std::size_t>(i);
      ASSERT_EQ(numbers[row], std::to_string(i));
      ASSERT_TRUE(records[row].starts_with(std::to_string(i) + ",p")) << records[row];
    }
    EXPECT_EQ(rows.place(0), path + ":2");
    EXPECT_EQ(rows.place(149'999), path + ":150150");  // header and 149 blank lines before it
  }
}

TEST(CsvChunks, DiscardedChunksHoldNoText) {
  const TemporaryFolder folder;
  CsvChunks chunks({folder.write("a.csv.gz", gzip_text(long_table(150'000)))}, true);
  const std::weak_ptr<Buffer<char>> first = chunks.chunk(0)->slab;
  ASSERT_FALSE(first.expired());
  std::size_t n_read = 0;
  while (const CsvChunk* const chunk = chunks.chunk(n_read)) {
    chunks.discard(n_read);
    EXPECT_EQ(chunk->slab, nullptr);
    EXPECT_TRUE(chunk->records.empty());
    ++n_read;
  }
  EXPECT_GT(n_read, 2u);
  EXPECT_TRUE(first.expired());
}

TEST(CsvChunks, StandardInputThatIsAFileIsMapped) {
  const TemporaryFolder folder;
  const int file = ::open(folder.write("a.csv", "a,b\n1,2\n").c_str(), O_RDONLY);
  const int before = ::dup(STDIN_FILENO);
  ASSERT_EQ(::dup2(file, STDIN_FILENO), STDIN_FILENO);
  EXPECT_TRUE(TextSource("-").mapped());
  char byte = 0;
  ASSERT_EQ(::read(STDIN_FILENO, &byte, 1), 1);
  TextSource rest("-");  // somebody has read from it
  EXPECT_FALSE(rest.mapped());
  std::string text(20, ' ');
  text.resize(rest.read(text.data(), text.size()));
  EXPECT_EQ(text, ",b\n1,2\n");
  ::dup2(before, STDIN_FILENO);
  ::close(before);
  ::close(file);
}

TEST(CsvRows, ProblemsFarIntoAFileHaveTheirLine) {
  const TemporaryFolder folder;
  const std::string text = long_table(150'000) + "x\n";
  for (const std::string& path : {folder.write("a.csv", text), folder.write("a.csv.gz", gzip_text(text))}) {
    try {
      const CsvRows rows({path}, true, 1);
      FAIL();
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr(path + ":150152: expected 2 fields, found 1"));
    }
  }
}

TEST(CsvRows, AFileThatChangedBetweenVisitsIsRefused) {
  const TemporaryFolder folder;
  const std::string path = folder.write("a.csv", "x\n1\n2\n");
  const CsvRows rows({path});
  for (const char* text : {"x\n1\n2\n3\n", "x\n1\n"}) {
    folder.write("a.csv", text);
    const auto refusal = ::testing::Property(&Error::id, "io.csv.changed");
    EXPECT_THAT([&] { records_of(rows); }, ::testing::Throws<Error>(refusal));
    EXPECT_THAT([&] { column_of(rows, "x"); }, ::testing::Throws<Error>(refusal));
  }
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
