// application/x-npy: NumPy's array file, versions 1 to 3 (numpy.lib.format).
#include <coppice/error.h>
#include <csv_cells.h>
#include <csv_parser.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "readers.h"

namespace coppice::serve {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::string_view kTypes = "bool, int8 to int64, uint8 to uint64, float32, float64";

[[noreturn]] void fail(std::string_view message) {
  throw Error("serve.request.syntax", fmt::format("npy: {}", message));
}

/// What the header says.
struct NpyHeader {
  std::string_view type;  ///< as `<f8`
  bool is_fortran = false;
  std::vector<std::uint64_t> shape;
};

/// Reads the header's text: {'descr': '<f8', 'fortran_order': False, 'shape': (500, 30), }.
class NpyHeaderReader {
 public:
  explicit NpyHeaderReader(std::string_view text) : text_(text), rest_(text) {}

  NpyHeader read() {
    NpyHeader header;
    expect('{');
    int n_keys = 0;
    while (!take('}')) {
      const std::string_view key = quoted();
      expect(':');
      ++n_keys;
      if (key == "descr") {
        header.type = quoted();
      } else if (key == "fortran_order") {
        header.is_fortran = flag();
      } else if (key == "shape") {
        header.shape = shape();
      } else {
        refuse();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    if (n_keys != 3 || header.type.empty()) refuse();
    return header;
  }

 private:
  void skip_blanks() { rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(" \n"))); }
  bool take(char c) {
    skip_blanks();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse();
  }
  std::string_view quoted() {
    const char quote = take('\'') ? '\'' : '"';
    if (quote == '"') expect('"');
    const std::string_view text = rest_.substr(0, rest_.find(quote));
    rest_.remove_prefix(text.size());
    expect(quote);
    return text;
  }
  bool flag() {
    skip_blanks();
    const bool value = rest_.starts_with("True");
    if (!value && !rest_.starts_with("False")) refuse();
    rest_.remove_prefix(value ? 4 : 5);
    return value;
  }
  std::vector<std::uint64_t> shape() {
    std::vector<std::uint64_t> sizes;
    expect('(');
    while (!take(')')) {
      skip_blanks();
      std::uint64_t size = 0;
      const auto [end, failed] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (failed != std::errc()) refuse();
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      sizes.push_back(size);
      if (!take(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }
  [[noreturn]] void refuse() const {
    fail(fmt::format("the header is none of an array: {}", io::shown(text_)));
  }

  std::string_view text_;
  std::string_view rest_;
};

/// Cuts magic, version and header off the front of a body.
NpyHeader take_header(std::string_view& body) {
  constexpr std::size_t kVersionEnd = 8;
  if (!body.starts_with(kMagic) || body.size() < kVersionEnd) fail("the body does not begin as an npy file");
  const int major = static_cast<unsigned char>(body[kMagic.size()]);
  if (major < 1 || major > 3) fail(fmt::format("version {} is none of 1, 2 and 3", major));
  const std::size_t size_bytes = major == 1 ? 2 : 4;
  body.remove_prefix(kVersionEnd);
  if (body.size() < size_bytes) fail("the body ends in the header");
  std::size_t size = 0;
  for (std::size_t i = 0; i < size_bytes; ++i)
    size |= std::size_t{static_cast<unsigned char>(body[i])} << 8 * i;
  body.remove_prefix(size_bytes);
  if (body.size() < size) fail("the body ends in the header");
  const NpyHeader header = NpyHeaderReader(body.substr(0, size)).read();
  body.remove_prefix(size);
  return header;
}

/// The array's values, row by row, whatever their order in the file.
struct NpyTable {
  std::string_view bytes;
  std::size_t n_rows = 0;
  std::size_t n_columns = 0;
  bool is_fortran = false;
  bool is_swapped = false;  ///< the bytes of a value

  template <class Value>
  [[nodiscard]] Value at(std::size_t row, std::size_t column) const noexcept {
    const std::size_t index = is_fortran ? column * n_rows + row : row * n_columns + column;
    std::array<char, sizeof(Value)> value;
    std::memcpy(value.data(), bytes.data() + index * sizeof(Value), sizeof(Value));
    if (is_swapped) std::ranges::reverse(value);
    return std::bit_cast<Value>(value);
  }
};

/// One value for one feature.
template <class Value>
float value_of(const FeatureTable& features, std::size_t f, std::size_t row, Value value) {
  if constexpr (std::is_floating_point_v<Value>) {
    if (std::isnan(value)) return std::numeric_limits<float>::quiet_NaN();
    if (std::isinf(static_cast<float>(value))) {
      const std::string text = fmt::to_string(value);
      throw features.value_error(f, row,
                                 fmt::format("{}; send NaN if it is missing", io::why_infinite(text)));
    }
  }
  return features.takes_plain_numbers(f) ? static_cast<float>(value)
                                         : features.read(f, fmt::to_string(value), row);
}

template <class Value>
void append(const FeatureTable& features, const NpyTable& table, RowBatch& rows) {
  if (table.bytes.size() / sizeof(Value) / table.n_columns != table.n_rows ||
      table.bytes.size() != table.n_rows * table.n_columns * sizeof(Value)) {
    fail(fmt::format("{} bytes are not the {} x {} values of {} bytes that the header names",
                     table.bytes.size(), table.n_rows, table.n_columns, sizeof(Value)));
  }
  for (std::size_t i = 0; i < table.n_rows; ++i) {
    const std::span<float> row = rows.add_row();
    for (std::size_t f = 0; f < row.size(); ++f) row[f] = value_of(features, f, i, table.at<Value>(i, f));
  }
}

/// A type's code without the byte order, and who reads it.
struct ValueType {
  std::string_view code;
  void (*append)(const FeatureTable&, const NpyTable&, RowBatch&);
};

constexpr std::array kValueTypes{
    ValueType{"f4", append<float>},         ValueType{"f8", append<double>},
    ValueType{"b1", append<std::uint8_t>},  ValueType{"i1", append<std::int8_t>},
    ValueType{"i2", append<std::int16_t>},  ValueType{"i4", append<std::int32_t>},
    ValueType{"i8", append<std::int64_t>},  ValueType{"u1", append<std::uint8_t>},
    ValueType{"u2", append<std::uint16_t>}, ValueType{"u4", append<std::uint32_t>},
    ValueType{"u8", append<std::uint64_t>}};

}  // namespace

void read_npy_rows(const FeatureTable& features, std::string_view body, RowBatch& rows) {
  const NpyHeader header = take_header(body);
  const auto type = std::ranges::find(kValueTypes, header.type.substr(1), &ValueType::code);
  const char order = header.type.front();
  if (type == kValueTypes.end() || std::string_view("<>|=").find(order) == std::string_view::npos) {
    fail(fmt::format("the type {} is none of {}", io::shown(header.type), kTypes));
  }
  if (header.shape.empty() || header.shape.size() > 2) {
    fail(fmt::format("an array of {} dimensions; expected [rows, features] or [features]",
                     header.shape.size()));
  }
  if (header.shape.back() != features.size()) {
    throw Error(
        "serve.request.columns",
        fmt::format("npy: expected {} columns, found {}{}", features.size(), header.shape.back(),
                    header.shape.back() == features.size() + 1 ? "; rows to score have no label" : ""));
  }
  constexpr char kForeignOrder = std::endian::native == std::endian::little ? '>' : '<';
  const NpyTable table{.bytes = body,
                       .n_rows = header.shape.size() == 1 ? 1 : header.shape.front(),
                       .n_columns = features.size(),
                       .is_fortran = header.is_fortran,
                       .is_swapped = order == kForeignOrder};
  type->append(features, table, rows);
}

}  // namespace coppice::serve
