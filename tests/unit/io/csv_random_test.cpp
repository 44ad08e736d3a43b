// Random tables, written in every way that the format allows, read back by any number of threads and chunks.
#include <csv_read.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "gzip_text.h"
#include "temporary_folder.h"

namespace coppice::io {
namespace {

/// A table and one way to write it.
struct Example {
  std::string text;
  std::vector<std::vector<float>> numbers;      ///< [numeric column][row], NaN is missing
  std::vector<std::vector<std::string>> texts;  ///< [text column][row], empty is missing
  std::vector<float> labels;
};

class ExampleMaker {
 public:
  explicit ExampleMaker(std::uint64_t seed) : random_(seed) {}

  Example make() {
    constexpr std::size_t kNumeric = 3;
    constexpr std::size_t kText = 2;
    Example example;
    example.numbers.resize(kNumeric);
    example.texts.resize(kText);
    std::string& out = example.text;
    if (one_in(2)) out += "\xEF\xBB\xBF";
    end_line(out);
    out += "n0,\"n1\",y,t0,t1,n2";
    const std::size_t n_rows = 1 + random_() % 60;
    for (std::size_t row = 0; row < n_rows; ++row) {
      end_line(out);
      const auto append_number = [&](std::size_t column) {
        const std::string number = one_in(8) ? "" : number_text();
        example.numbers[column].push_back(number.empty() ? std::numeric_limits<float>::quiet_NaN()
                                                         : std::strtof(number.c_str(), nullptr));
        out += dressed(number.empty() && one_in(2) ? "NA" : number);
      };
      append_number(0);
      out += ',';
      append_number(1);
      example.labels.push_back(static_cast<float>(random_() % 2));
      out += fmt::format(",{},", example.labels.back());
      for (auto& texts : example.texts) {
        texts.push_back(one_in(8) ? "" : word());
        out += quoted(texts.back()) + ',';
      }
      append_number(2);
    }
    if (one_in(2)) end_line(out);
    return example;
  }

 private:
  bool one_in(std::uint64_t n) { return random_() % n == 0; }

  void end_line(std::string& out) {
    do {
      out += one_in(2) ? "\n" : "\r\n";
    } while (one_in(4));
  }

  std::string number_text() {
    const double value = std::normal_distribution<double>()(random_);
    switch (random_() % 6) {
      case 0:
        return fmt::format("{:.17g}", value);
      case 1:
        return fmt::format("{:.6g}", value * 1e6);
      case 2:
        return fmt::format("{:+.3e}", value * 1e-20);
      case 3:
        return fmt::format("{}", static_cast<int>(value * 1000));
      case 4:
        return fmt::format("{:.30f}", value);
      default:
        return fmt::format("{:.2f}", value);
    }
  }

  /// Spaces and quotes around a number do not matter.
  std::string dressed(std::string number) {
    if (one_in(6)) number = " " + number + "\t";
    return one_in(6) ? '"' + number + '"' : number;
  }

  std::string word() {
    static constexpr std::string_view kWords[] = {"a",
                                                  "b",
                                                  "a longer text of some kind",
                                                  "with,comma",
                                                  "line\nend",
                                                  "crlf\r\nwithin",
                                                  "\"",
                                                  "say \"\"",
                                                  "cr\rwithin",
                                                  "\xC3\xA9t\xC3\xA9",
                                                  "half\"quote",
                                                  ",",
                                                  "\n",
                                                  "tail ",
                                                  "#",
                                                  "x,\"y\",z\n\"\n"};
    return std::string(kWords[random_() % std::size(kWords)]);
  }

  std::string quoted(const std::string& text) {
    if (text.find_first_of(",\"\r\n") == std::string::npos && !one_in(3)) return text;
    // A quote that does not begin a field needs no doubling, if nothing else asks for quotes.
    if (text.find_first_of(",\r\n") == std::string::npos && !text.starts_with('"') && one_in(2)) return text;
    std::string out = "\"";
    for (const char byte : text) out += byte == '"' ? std::string("\"\"") : std::string(1, byte);
    return out + '"';
  }

  std::mt19937_64 random_;
};

void expect_same(const CsvTable& table, const Example& example, const std::string& how) {
  const std::size_t n_rows = example.labels.size();
  ASSERT_EQ(table.data.n_rows, n_rows) << how;
  const std::size_t numeric_features[] = {0, 1, 4};
  for (std::size_t column = 0; column < example.numbers.size(); ++column) {
    for (std::size_t row = 0; row < n_rows; ++row) {
      const float expected = example.numbers[column][row];
      const float found = table.data.columns[numeric_features[column]][row];
      ASSERT_TRUE(std::isnan(expected)
                      ? std::isnan(found)
                      : std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(expected))
          << how << ", row " << row << ": " << found << " instead of " << expected;
    }
  }
  for (std::size_t column = 0; column < example.texts.size(); ++column) {
    const std::vector<std::string>& categories = table.data.schema.features[2 + column].categories;
    for (std::size_t row = 0; row < n_rows; ++row) {
      const float code = table.data.columns[2 + column][row];
      const std::string found = std::isnan(code) ? "" : categories.at(static_cast<std::size_t>(code));
      ASSERT_EQ(found, example.texts[column][row]) << how << ", row " << row;
    }
    ASSERT_EQ(table.kept[column], example.texts[column]) << how;
  }
  ASSERT_EQ(std::vector<float>(table.data.labels.begin(), table.data.labels.end()), example.labels) << how;
}

TEST(CsvRandom, TablesReadBackEqual) {
  const TemporaryFolder folder;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    const Example example = ExampleMaker(seed).make();
    CsvOptions options;
    options.label = std::string("y");
    options.keep = {"t0", "t1"};
    options.categorical = {"t0", "t1"};  // a short table may have no text in them
    const std::string plain = folder.write("t.csv", example.text);
    const std::string compressed = folder.write("t.csv.gz", gzip_text(example.text));
    for (const std::size_t chunk_bytes : {1, 2, 7, 64, 257, 1 << 20}) {
      for (const int threads : {1, 2, 3, 7}) {
        options.threads = threads;
        const std::string how = fmt::format("seed {}, chunks of {}, {} threads", seed, chunk_bytes, threads);
        expect_same(read_csv_in_chunks({plain}, nullptr, options, chunk_bytes), example, how);
        expect_same(read_csv_in_chunks({compressed}, nullptr, options, chunk_bytes), example, how + ", gzip");
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(CsvRandom, KindsDoNotDependOnChunksOrThreads) {
  // Text columns that the first look sees, that later chunks find, and that only rare categories fill.
  std::mt19937_64 random(5);
  std::string text = "early,late,wide,n\n";
  for (int row = 0; row < 6000; ++row) {
    text += fmt::format("{},{},w{},{}\n", row % 3 == 0 ? "text" : "1", row > 3000 && row % 2 == 0 ? "x" : "2",
                        random() % 400, random() % 1000);
  }
  const TemporaryFolder folder;
  const std::string path = folder.write("t.csv", text);
  const CsvTable expected = read_csv_in_chunks({path}, nullptr, {}, text.size());
  ASSERT_EQ(expected.data.schema.features[1].kind, FeatureKind::kCategorical);
  ASSERT_EQ(expected.data.schema.features[2].categories.size(), kMaxCategories);
  for (const std::size_t chunk_bytes : {100, 5000}) {
    for (const int threads : {1, 3}) {
      CsvOptions options;
      options.threads = threads;
      const CsvTable table = read_csv_in_chunks({path}, nullptr, options, chunk_bytes);
      ASSERT_EQ(table.data.schema, expected.data.schema);
      for (std::size_t f = 0; f < 4; ++f) {
        ASSERT_TRUE(std::ranges::equal(table.data.columns[f], expected.data.columns[f])) << f;
      }
    }
  }
}

}  // namespace
}  // namespace coppice::io
