// Decimal text to float32, against the C library.
#include <csv_number.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <random>
#include <string>

namespace coppice::io {
namespace {

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

/// Both paths must give strtof's bits, which glibc rounds correctly. True if the fast path took the text.
bool check(const std::string& text) {
  const float expected = std::strtof(text.c_str(), nullptr);
  float general = 0;
  EXPECT_EQ(parse_number(text, general), NumberKind::kNumber) << text;
  EXPECT_EQ(bits(general), bits(expected)) << text;
  const std::string padded = text + std::string(64, ',');
  float fast = 0;
  const char* end = parse_plain_number(padded.data(), padded.data() + padded.size(), fast);
  if (end == nullptr) return false;
  EXPECT_EQ(end - padded.data(), static_cast<std::ptrdiff_t>(text.size())) << text;
  EXPECT_EQ(bits(fast), bits(expected)) << text;
  return true;
}

TEST(CsvNumber, RandomDoublesWithSeventeenDigits) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal;
  int n_fast = 0;
  for (int i = 0; i < 100000; ++i) n_fast += check(fmt::format("{:.17g}", normal(random) * 100)) ? 1 : 0;
  EXPECT_GT(n_fast, 99000);  // or the fast path is none
}

TEST(CsvNumber, AllLengths) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    std::string text = random() % 2 == 0 ? "-" : "";
    const auto n_whole = random() % 13;
    const auto n_decimals = random() % 13;
    for (std::uint64_t k = 0; k < n_whole; ++k) text += static_cast<char>('0' + random() % 10);
    if (n_decimals > 0) text += '.';
    for (std::uint64_t k = 0; k < n_decimals; ++k) text += static_cast<char>('0' + random() % 10);
    if (n_whole + n_decimals > 0) check(text);
  }
}

TEST(CsvNumber, TextsAtAndBesideTheMidpointOfTwoFloats) {
  // Where the product in double precision cannot tell to which float a number rounds.
  std::mt19937_64 random(3);
  int n_refused = 0;
  for (int i = 0; i < 100000; ++i) {
    const auto pattern = static_cast<std::uint32_t>(random() % 0x0C000000u) + 0x39000000u;  // 1.2e-4 to 8e3
    const auto low = std::bit_cast<float>(pattern);
    const double middle = (static_cast<double>(low) + std::nextafter(low, INFINITY)) / 2;
    std::string text = fmt::format("{:.18f}", middle).substr(0, 19);
    text.back() = static_cast<char>('0' + random() % 10);
    n_refused += check(text) ? 0 : 1;
  }
  EXPECT_GT(n_refused, 100);
  for (const char* text : {"16777217", "16777219", "33554434", "33554438", "0.5000000298023223877"})
    check(text);
}

TEST(CsvNumber, Kinds) {
  float value = 7;
  for (const char* text : {"", "+", "-", ".", "1x", "x1", "0x10", "nan", "-nan", "NaN", "1e", "1e+", "+-1",
                           "++1", "1 ", " 1", "infinit", "i"}) {
    EXPECT_EQ(parse_number(text, value), NumberKind::kText) << text;
  }
  for (const char* text : {"inf", "-INF", "+Infinity", "1e39", "-1e400", "3.40282357e38"}) {
    EXPECT_EQ(parse_number(text, value), NumberKind::kInfinite) << text;
  }
  EXPECT_EQ(value, 7.0f);
  for (const char* text : {"1e-400", "-1e-46", "0e999999999999", "1.e5", ".5e1", "+1.5", "3.40282356e38"}) {
    EXPECT_EQ(parse_number(text, value), NumberKind::kNumber) << text;
    EXPECT_EQ(bits(value), bits(std::strtof(text, nullptr))) << text;
  }
}

TEST(CsvNumber, TheFastPathLeavesAloneWhatItDoesNotKnow) {
  float value = 0;
  for (const std::string text : {"", "-", ".", "+1", "x", "12345678901234567890", "0.12345678901234567890"}) {
    const std::string padded = text + std::string(64, ',');
    EXPECT_EQ(parse_plain_number(padded.data(), padded.data() + padded.size(), value), nullptr) << text;
  }
  // Near the end of the text it would read beyond it.
  const std::string_view near_end = "1.5\n";
  EXPECT_EQ(parse_plain_number(near_end.data(), near_end.data() + near_end.size(), value), nullptr);
}

}  // namespace
}  // namespace coppice::io
