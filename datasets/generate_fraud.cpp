// A made-up fraud table of any size: `Time, V1..V28, Amount, Class`, the columns of the ULB credit card set.
//
// Genuine rows are 28 independent, heavy-tailed scores. A fraud belongs to one of six schemes; a scheme moves
// its own eight scores, each by its own amount, scaled by how blatant the fraud is (a hidden number of the
// row), and one fraud in six moves nothing at all. A few genuine rows are odd in the same ways, but milder.
// So a model can learn the schemes, but never separates the classes.
//
// Every number is a hash of (seed, row, purpose) and is made with + - * / alone: the same arguments give
// the same bytes on every machine, whichever part of the table is made first.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace {

constexpr int kScores = 28;
constexpr int kSchemes = 6;
constexpr int kMovedScores = 8;           // by each scheme
constexpr double kHiddenShare = 1.0 / 6;  // of the frauds look genuine
constexpr double kOddShare = 0.002;       // of the genuine rows resemble a scheme
constexpr double kSeconds = 172792;       // two days

struct Options {
  std::uint64_t rows = 284'807;
  double positives_share = 0.00173;
  std::uint64_t seed = 1;
  int digits = 15;  // significant digits of V1..V28, as in the original
  std::string out;  // empty: standard output
};

/// What a random number is for: numbers of different purposes are independent.
enum class Purpose : std::uint64_t { kClass, kScheme, kStrength, kScale, kAmount, kTime, kDesign, kScore };

/// SplitMix64's finaliser.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31U);
}

/// The random numbers of one row (or of the whole table: the row that no table has).
class Draw {
 public:
  Draw(std::uint64_t seed, std::uint64_t row) : key_(mix(mix(seed) ^ row)) {}

  [[nodiscard]] std::uint64_t bits(Purpose purpose, std::uint64_t index = 0) const {
    return mix(key_ ^ mix((static_cast<std::uint64_t>(purpose) << 32U) + index));
  }
  /// In [0, 1).
  [[nodiscard]] double uniform(Purpose purpose, std::uint64_t index = 0) const {
    return static_cast<double>(bits(purpose, index) >> 11U) * 0x1p-53;
  }
  /// Nearly normal: mean 0, variance 1, within +-6. It is the sum of twelve uniform numbers of 16 bits, and
  /// one of 48 bits that fills the gaps between their sums.
  [[nodiscard]] double normal(Purpose purpose, std::uint64_t index = 0) const {
    std::uint64_t sum = 0;
    for (std::uint64_t word = 0; word < 3; ++word) {
      const std::uint64_t parts = bits(purpose, 4 * index + word);
      for (unsigned shift = 0; shift < 64; shift += 16) sum += (parts >> shift) & 0xFFFFU;
    }
    const double fill = static_cast<double>(bits(purpose, 4 * index + 3) >> 16U) * 0x1p-48;
    return (static_cast<double>(sum) + fill + 5.5) * 0x1p-16 - 6;
  }

 private:
  std::uint64_t key_;
};

/// How far each scheme moves each score.
using Design = std::array<std::array<double, kScores>, kSchemes>;

Design make_design(std::uint64_t seed) {
  const Draw draw(seed, ~std::uint64_t{0});
  Design design{};
  for (std::uint64_t scheme = 0; scheme < kSchemes; ++scheme) {
    for (std::uint64_t i = 0; i < kMovedScores; ++i) {
      const std::uint64_t bits = draw.bits(Purpose::kDesign, scheme * kMovedScores + i);
      const double size = 0.6 + 1.4 * static_cast<double>(bits >> 40U) * 0x1p-24;
      design[scheme][bits % kScores] = ((bits >> 32U) & 1U) != 0 ? size : -size;
    }
  }
  return design;
}

struct Row {
  double time = 0;
  std::array<double, kScores> scores{};
  double amount = 0;
  bool is_fraud = false;
};

/// By how much the row follows its scheme; 0 is not at all.
double strength_of(const Draw& draw, bool is_fraud) {
  const double lot = draw.uniform(Purpose::kScheme, 1);
  const double blatancy = draw.uniform(Purpose::kStrength);
  if (is_fraud) return lot < kHiddenShare ? 0 : 1.5 + 2.5 * blatancy;
  return lot < kOddShare ? 0.4 + 1.4 * blatancy : 0;
}

Row make_row(const Options& options, const Design& design, std::uint64_t index, bool is_fraud) {
  const Draw draw(options.seed, index);
  Row row;
  row.is_fraud = is_fraud;
  const double place = static_cast<double>(index) + draw.uniform(Purpose::kTime);
  row.time = std::floor(kSeconds * place / static_cast<double>(options.rows));
  const auto& moves = design[draw.bits(Purpose::kScheme) % kSchemes];
  const double strength = strength_of(draw, is_fraud);
  // Some rows are wild in all scores: the tails are heavier than normal ones, and no single score tells.
  const double wildness = draw.normal(Purpose::kScale);
  const double scale = 0.7 + 0.3 * wildness * wildness;
  for (std::uint64_t v = 0; v < kScores; ++v) {
    row.scores[v] = scale * draw.normal(Purpose::kScore, v) + strength * moves[v];
  }
  const double size = 1 + std::abs(draw.normal(Purpose::kAmount)) + 0.2 * strength;
  row.amount = std::floor(500 * size * size * size * size) / 100;
  return row;
}

/// Picks exactly `wanted` of the rows that are left, one row after the other, all choices alike.
class Picker {
 public:
  Picker(std::uint64_t rows, std::uint64_t wanted) : left_(rows), wanted_(wanted) {}
  bool pick(std::uint64_t bits) {
    const bool picked = bits % left_ < wanted_;
    --left_;
    if (picked) --wanted_;
    return picked;
  }

 private:
  std::uint64_t left_, wanted_;
};

bool write_table(const Options& options, std::FILE* file) {
  constexpr std::size_t kFlushBytes = 1 << 20;
  const Design design = make_design(options.seed);
  const auto n_frauds =
      static_cast<std::uint64_t>(std::llround(static_cast<double>(options.rows) * options.positives_share));
  Picker picker(options.rows, n_frauds);
  std::string text = "Time";
  for (int v = 1; v <= kScores; ++v) fmt::format_to(std::back_inserter(text), ",V{}", v);
  text += ",Amount,Class\n";
  for (std::uint64_t i = 0; i < options.rows; ++i) {
    const Row row = make_row(options, design, i, picker.pick(Draw(options.seed, i).bits(Purpose::kClass)));
    const auto out = std::back_inserter(text);
    fmt::format_to(out, "{:.0f}", row.time);
    for (const double score : row.scores) fmt::format_to(out, ",{:.{}g}", score, options.digits);
    fmt::format_to(out, ",{:.2f},{}\n", row.amount, row.is_fraud ? 1 : 0);
    if (text.size() < kFlushBytes && i + 1 < options.rows) continue;
    if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) return false;
    text.clear();
  }
  return std::fflush(file) == 0;
}

constexpr std::string_view kUsage =
    "Makes a fraud table: Time, V1..V28, Amount, Class. The same options give the same bytes.\n"
    "  --rows N             rows (284807)\n"
    "  --positives-share S  share of rows with Class 1, 0 to 1 (0.00173)\n"
    "  --balanced           the same as --positives-share 0.5\n"
    "  --seed N             seed (1)\n"
    "  --digits N           significant digits of V1..V28, 1 to 17 (15)\n"
    "  --out FILE           file to write (standard output)\n";

template <class Number>
bool read(std::string_view text, Number lowest, Number highest, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() && number >= lowest && number <= highest;
}

bool set_option(std::string_view name, std::string_view value, Options& options) {
  constexpr std::uint64_t kMost = std::uint64_t{1} << 40U;
  if (name == "--rows") return read<std::uint64_t>(value, 1, kMost, options.rows);
  if (name == "--positives-share") return read<double>(value, 0, 1, options.positives_share);
  if (name == "--seed") return read<std::uint64_t>(value, 0, ~std::uint64_t{0}, options.seed);
  if (name == "--digits") return read<int>(value, 1, 17, options.digits);
  if (name == "--out") return !(options.out = value).empty();
  return false;
}

/// Nothing when the words make no sense.
std::optional<Options> read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--balanced") {
      options.positives_share = 0.5;
    } else if (++i == argc || !set_option(name, argv[i], options)) {
      return std::nullopt;
    }
  }
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    fmt::print("{}", kUsage);
    return 0;
  }
  const std::optional<Options> options = read_options(argc, argv);
  if (!options) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  const auto close = [](std::FILE* file) { return file == stdout ? 0 : std::fclose(file); };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(
      options->out.empty() ? stdout : std::fopen(options->out.c_str(), "wb"), close);
  if (!file || !write_table(*options, file.get())) {
    std::perror(options->out.empty() ? "standard output" : options->out.c_str());
    return 1;
  }
  return 0;
}
