// Eight cells at once, against one after the other: the same cells, the same bits, and no byte read behind
// the text.
#include <csv_number.h>
#include <csv_plain_cells.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>

namespace coppice::io {
namespace {

/// Memory behind which none can be read.
class GuardedText {
 public:
  GuardedText() {
    void* const map = ::mmap(nullptr, 2 * kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || ::mprotect(static_cast<char*>(map) + kBytes, kBytes, PROT_NONE) != 0)
      throw std::bad_alloc();
    end_ = static_cast<char*>(map) + kBytes;
  }
  GuardedText(const GuardedText&) = delete;
  GuardedText& operator=(const GuardedText&) = delete;
  ~GuardedText() { ::munmap(end_ - kBytes, 2 * kBytes); }

  std::string_view put(std::string_view text) {
    std::memcpy(end_ - text.size(), text.data(), text.size());
    return {end_ - text.size(), text.size()};
  }

 private:
  static constexpr std::size_t kBytes = std::size_t{1} << 16;
  char* end_ = nullptr;
};

bool is_end_of_cell(char c) { return c == ',' || c == '\n'; }

/// Reads a text with both, from every cell on where one stops, as runs within a line and at its end; returns
/// how many cells the wide one took.
std::size_t check(std::string_view text) {
  const char* const end = text.data() + text.size();
  std::size_t n_taken = 0, n_runs = 0;
  for (const char* p = text.data(); p < end; ++n_runs) {
    const std::size_t n = 1 + n_runs % kPlainCells;
    const RunEnd run_end = n_runs % 3 == 0 ? RunEnd::kLine : RunEnd::kComma;
    std::array<float, kPlainCells> expected;
    std::array<float, kPlainCells> values;
    const PlainCells one_by_one = read_plain_cells_scalar(p, end, n, run_end, expected.data());
    const PlainCells at_once = plain_cells_avx512()(p, end, n, run_end, values.data());
    EXPECT_EQ(at_once.count, one_by_one.count) << std::string(p, std::min<std::ptrdiff_t>(end - p, 240));
    EXPECT_EQ(at_once.next, one_by_one.next);
    for (std::size_t i = 0; i < std::min(at_once.count, one_by_one.count); ++i) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(values[i]), std::bit_cast<std::uint32_t>(expected[i]))
          << "cell " << i << " of " << std::string(p, std::min<std::ptrdiff_t>(end - p, 240));
    }
    if (testing::Test::HasFailure()) break;
    n_taken += one_by_one.count;
    p = one_by_one.count > 0 ? one_by_one.next : std::find_if(p, end, is_end_of_cell) + 1;
  }
  return n_taken;
}

class PlainCellsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (plain_cells_avx512() == nullptr) GTEST_SKIP() << "this machine has no AVX-512 with VBMI2";
  }

  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  std::string digits(std::uint64_t n) {
    std::string text;
    for (std::uint64_t i = 0; i < n; ++i) text += static_cast<char>('0' + below(10));
    return text;
  }

  /// Up to 25 digits, a point anywhere or nowhere.
  std::string number() {
    std::string text = digits(below(26));
    if (below(4) > 0) text.insert(below(text.size() + 1), 1, '.');
    return fmt::format("{}{}", below(2) == 0 ? "-" : "", text);
  }

  /// A number near the middle of two floats.
  std::string midpoint() {
    const auto low = std::bit_cast<float>(static_cast<std::uint32_t>(0x39000000u + below(0x0C000000u)));
    const double middle = (static_cast<double>(low) + std::nextafter(low, INFINITY)) / 2;
    return fmt::format("{:.18f}", middle).substr(0, 18 + below(2));
  }

  /// Something with a byte that does not belong there.
  std::string broken() {
    constexpr std::string_view kBytes("-+./:eE \t\"\r\n\0\x80\xAE\xFFx09", 19);
    std::string text = number();
    text.insert(below(text.size() + 1), 1, kBytes[below(kBytes.size())]);
    return text;
  }

  std::string cell() {
    switch (below(16)) {
      case 0:
        return "";
      case 1:
        return midpoint();
      case 2:
        return broken();
      case 3:
      case 4:
      case 5:
        return number();
      case 6:
        return fmt::format("{}", below(1000));
      default:
        return fmt::format("{}", normal_(random_));
    }
  }

  std::mt19937_64 random_{1};
  std::normal_distribution<double> normal_;
  GuardedText memory_;
};

TEST_F(PlainCellsTest, MillionsOfCellsAsTheTwinReadsThem) {
  constexpr std::size_t kTables = 2000;
  constexpr std::size_t kCells = 1000;
  std::size_t n_taken = 0;
  for (std::size_t i = 0; i < kTables && !HasFailure(); ++i) {
    std::string text;
    for (std::size_t k = 0; k < kCells; ++k) text += cell() + (below(20) == 0 ? '\n' : ',');
    n_taken += check(memory_.put(text));
  }
  EXPECT_GT(n_taken, kTables * kCells * 3 / 4);  // or little was compared
}

TEST_F(PlainCellsTest, EveryPlaceOfThePointAndEveryLength) {
  for (std::size_t n_digits = 0; n_digits <= 25; ++n_digits) {
    for (std::size_t point = 0; point <= n_digits + 1; ++point) {  // n_digits + 1: none
      std::string text;
      for (std::size_t k = 0; k < 32; ++k) {
        std::string number = digits(n_digits);
        if (point <= n_digits) number.insert(point, 1, '.');
        text += fmt::format("{}{},", k % 2 == 0 ? "-" : "", number);
      }
      check(memory_.put(text + std::string(256, ',')));
    }
  }
}

TEST_F(PlainCellsTest, EveryByteAtEveryPlace) {
  for (std::size_t place = 0; place < 20; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = "-0.12345678901234567,";
      text[place] = static_cast<char>(byte);
      check(memory_.put(fmt::format("1.5,{}2,{}{:,>256}", text, text, "")));
    }
  }
}

TEST_F(PlainCellsTest, NothingBehindTheTextIsRead) {
  std::string text;
  for (std::size_t n = 0; n < 400; ++n) {
    while (text.size() < n) text += cell() + ',';
    check(memory_.put(std::string_view(text).substr(text.size() - n)));
  }
}

TEST(PlainCells, AnEmptyOneIsMissingAndOthersEndTheRun) {
  std::array<float, kPlainCells> values{};
  const std::string text = "1.5,,-2,x,3" + std::string(300, ',');
  for (ReadPlainCells* const read : {&read_plain_cells_scalar, &plain_cells_reader()}) {
    const PlainCells cells =
        read(text.data(), text.data() + text.size(), kPlainCells, RunEnd::kComma, values.data());
    EXPECT_EQ(cells.count, 3u);
    EXPECT_EQ(cells.next - text.data(), 8);
    EXPECT_EQ(values[0], 1.5f);
    EXPECT_TRUE(std::isnan(values[1]));
    EXPECT_EQ(values[2], -2.0f);
  }
}

TEST(PlainCells, TheLastOneOfALineEndsWithIt) {
  std::array<float, kPlainCells> values{};
  const std::string text = "1.5,2,-3,\n4,5" + std::string(300, ',');
  const auto count = [&](ReadPlainCells* read, std::size_t n, RunEnd run_end) {
    return read(text.data(), text.data() + text.size(), n, run_end, values.data()).count;
  };
  for (ReadPlainCells* const read : {&read_plain_cells_scalar, &plain_cells_reader()}) {
    EXPECT_EQ(count(read, 4, RunEnd::kLine), 4u);
    EXPECT_TRUE(std::isnan(values[3]));
    EXPECT_EQ(count(read, 3, RunEnd::kLine), 2u);   // another cell follows
    EXPECT_EQ(count(read, 5, RunEnd::kLine), 3u);   // the line ends before
    EXPECT_EQ(count(read, 4, RunEnd::kComma), 3u);  // the line ends here
  }
}

}  // namespace
}  // namespace coppice::io
