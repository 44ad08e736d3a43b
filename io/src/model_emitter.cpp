#include "model_emitter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <type_traits>

namespace coppice::io {
namespace {

/// Appends the text of a float; the buffer fits every float.
void append_float(std::string& out, float value) {
  // XGBoost reads a number without point and exponent as an integer, and no more than nine digits of a float.
  constexpr float kLongest = 1e7F;
  const auto form = std::abs(value) < kLongest ? std::chars_format::general : std::chars_format::scientific;
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, form).ptr;
  const std::string_view text(buffer.data(), static_cast<std::size_t>(end - buffer.data()));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

class JsonEmitter final : public Emitter {
 public:
  void begin_object() override { open('{'); }
  void end_object() override { out_ += '}'; }
  void begin_array(std::size_t) override { open('['); }
  void end_array() override { out_ += ']'; }
  void key(std::string_view name) override {
    text(name);
    out_ += ':';
  }
  void text(std::string_view value) override {
    separate();
    out_ += nlohmann::json(value).dump();
  }
  void integer(std::int64_t value) override {
    separate();
    append_integer(value);
  }
  void floats(std::span<const float> values) override {
    list(values, [this](float value) { append_float(out_, value); });
  }
  void integers(std::span<const std::int32_t> values) override { integer_list(values); }
  void long_integers(std::span<const std::int64_t> values) override { integer_list(values); }
  void bytes(std::span<const std::uint8_t> values) override { integer_list(values); }

 private:
  /// A comma, unless this is the first value of its container or the value of a key.
  void separate() {
    if (!out_.empty() && std::string_view("{[:").find(out_.back()) == std::string_view::npos) out_ += ',';
  }
  void open(char bracket) {
    separate();
    out_ += bracket;
  }
  void append_integer(std::int64_t value) {
    const fmt::format_int digits(value);
    out_.append(digits.data(), digits.size());
  }
  template <class Values, class Append>
  void list(Values values, Append append) {
    open('[');
    for (const auto value : values) {
      separate();
      append(value);
    }
    out_ += ']';
  }
  template <class Values>
  void integer_list(Values values) {
    list(values, [this](std::int64_t value) { append_integer(value); });
  }
};

/// UBJSON in the dialect of XGBoost's reader: every length is an int64, arrays of numbers are typed.
class UbjsonEmitter final : public Emitter {
 public:
  void begin_object() override { out_ += '{'; }
  void end_object() override { out_ += '}'; }
  void begin_array(std::size_t size) override {
    out_ += "[#";
    append_length(size);
  }
  void end_array() override {}  // an array that begins with its size has no end mark
  void key(std::string_view name) override {
    append_length(name.size());
    out_ += name;
  }
  void text(std::string_view value) override {
    out_ += 'S';
    key(value);
  }
  void integer(std::int64_t value) override {
    out_ += 'L';
    append_big_endian(value);
  }
  void floats(std::span<const float> values) override { typed_array('d', values); }
  void integers(std::span<const std::int32_t> values) override { typed_array('l', values); }
  void long_integers(std::span<const std::int64_t> values) override { typed_array('L', values); }
  void bytes(std::span<const std::uint8_t> values) override { typed_array('U', values); }

 private:
  template <class Value>
  void append_big_endian(Value value) {
    auto bytes = std::bit_cast<std::array<char, sizeof(Value)>>(value);
    if constexpr (std::endian::native == std::endian::little) std::reverse(bytes.begin(), bytes.end());
    out_.append(bytes.data(), bytes.size());
  }
  void append_length(std::size_t length) {
    out_ += 'L';
    append_big_endian(static_cast<std::int64_t>(length));
  }
  template <class Value>
  void typed_array(char type, std::span<const Value> values) {
    out_ += "[$";
    out_ += type;
    out_ += '#';
    append_length(values.size());
    for (const Value value : values) append_big_endian(value);
  }
};

}  // namespace

std::unique_ptr<Emitter> make_emitter(ModelFormat format) {
  if (format == ModelFormat::kUbjson) return std::make_unique<UbjsonEmitter>();
  return std::make_unique<JsonEmitter>();
}

std::string float_text(float value) {
  std::string text;
  append_float(text, value);
  return text;
}

}  // namespace coppice::io
