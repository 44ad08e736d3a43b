// Any bytes as the body of a request, in every format: rows that can be scored, or an Error of this module;
// the same ones whatever was read before, and for a CSV wherever its last records are copied.
#include <coppice/error.h>
#include <coppice/serve/answers.h>
#include <coppice/serve/rows.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::serve {
namespace {

constexpr std::size_t kMaxValues = 4096;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

void require(bool condition, const std::string& what) {
  if (condition) return;
  fmt::print(stderr, "{}\n", what);
  std::abort();
}

/// A number, a category, a number; a missing token may be a number.
Schema make_schema(bool has_number_token) {
  return {
      .features = {{.name = "amount"},
                   {.name = "country", .kind = FeatureKind::kCategorical, .categories = {"DE", "3", "\"q\""}},
                   {.name = "2"}},
      .missing_tokens = {has_number_token ? "-1" : "NA"}};
}

/// What came of a body: the bits of its rows, or the error.
struct Outcome {
  std::vector<std::uint32_t> values;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

Outcome read(const RowReader& reader, const BodyType& type, std::string_view body, RowBatch& rows) {
  try {
    reader.read(type, body, rows, kMaxValues);
  } catch (const Error& error) {
    require(error.id().starts_with("serve.request."), error.what());
    return {{}, error.what()};
  }
  require(rows.n_rows() > 0 && rows.values().size() <= kMaxValues, "no rows or too many");
  Outcome outcome;
  for (const float value : rows.values()) {
    require(!std::isinf(value), "an infinite value");
    outcome.values.push_back(std::bit_cast<std::uint32_t>(value));
  }
  for (std::size_t i = 0; i < rows.n_rows(); ++i) {
    const float code = rows.row(i)[1];
    require(std::isnan(code) || (code >= 0 && code <= 3 && code == std::floor(code)),
            "no code of a category");
  }
  return outcome;
}

/// Behind a byte order mark JSON goes to nlohmann's parser at once: both make the same of it. Only the bytes
/// that messages count are others.
void test_json(const RowReader& reader, std::string_view body, const Outcome& expected) {
  RowBatch rows;
  const std::string marked = std::string(kByteOrderMark) + std::string(body);
  const Outcome outcome = read(reader, {BodyFormat::kJson}, marked, rows);
  const bool counts_bytes = expected.error.find("byte ") != std::string::npos;
  require(counts_bytes ? outcome.error.substr(0, 20) == expected.error.substr(0, 20) : outcome == expected,
          fmt::format("two parsers differ: {} and {}", outcome.error, expected.error));
}

void test_body(std::uint8_t choice, std::string_view body) {
  constexpr std::uint8_t kFormats = 5;
  constexpr std::uint8_t kHeaders = 3;
  const BodyType type{static_cast<BodyFormat>(choice % kFormats),
                      static_cast<CsvHeader>(choice / kFormats % kHeaders)};
  const RowReader reader(make_schema(choice >= 128));
  RowBatch rows;
  const Outcome first = read(reader, type, body, rows);
  require(read(reader, type, body, rows) == first, "a second reading differs");
  if (body.starts_with(kByteOrderMark.front())) return;
  if (type.format == BodyFormat::kJson) test_json(reader, body, first);
  if (type.format != BodyFormat::kCsv) return;
  for (const std::size_t n_blank : {1U, 40U, 100U}) {
    const std::string later = std::string(n_blank, '\n') + std::string(body);
    require(read(reader, type, later, rows) == first, "blank lines in front change something");
  }
}

void test_header(std::string_view text) {
  (void)parse_body_type(text);
  (void)parse_accept(text);
  try {
    require(!parse_fields(text, Objective::kBinaryLogistic).empty(), "no fields");
  } catch (const Error& error) {
    require(error.id() == "serve.request.output", error.what());
  }
}

}  // namespace
}  // namespace coppice::serve

/// The first byte chooses format, header and schema.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  constexpr std::uint8_t kHeaderFields = 255;
  data[0] == kHeaderFields ? coppice::serve::test_header(text) : coppice::serve::test_body(data[0], text);
  return 0;
}
