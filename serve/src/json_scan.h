// The JSON that requests usually hold, read at the speed of a CSV.
#pragma once

#include <csv_cells.h>
#include <csv_number.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>

namespace coppice::serve {

/// Gives the events of a JSON text, those that nlohmann's parser would give:
///
///     start_object() key(name) end_object() start_array() end_array()
///     null() boolean(value) string(text) number_unsigned(value) number_integer(value)
///     decimal(text, value)       a number with a point or an exponent, and the float that it rounds to
///
/// NaN, which Python writes, is null. What is rare is not read (escapes in strings, deep nesting, numbers
/// beyond float32) and what is wrong is not explained: `run` is then false, and somebody else has to read the
/// text from its beginning.
template <class Events>
class JsonScan {
 public:
  JsonScan(std::string_view text, Events& events)
      : p_(text.data()), end_(text.data() + text.size()), events_(events) {}

  /// Whether the text was JSON and all of it was read.
  [[nodiscard]] bool run() {
    if (!read_value()) return false;
    while (depth_ > 0) {
      if (!read_next()) return false;
    }
    skip_blanks();
    return p_ == end_;
  }

 private:
  static constexpr std::size_t kMostDepth = 16;

  void skip_blanks() {
    while (p_ < end_ && (*p_ == ' ' || *p_ == '\n' || *p_ == '\r' || *p_ == '\t')) ++p_;
  }

  /// The next byte that is no blank; 0 at the end, which no text can go on with.
  [[nodiscard]] char peek() {
    skip_blanks();
    return p_ < end_ ? *p_ : '\0';
  }

  [[nodiscard]] bool take(std::string_view word) {
    if (static_cast<std::size_t>(end_ - p_) < word.size() || std::memcmp(p_, word.data(), word.size()) != 0)
      return false;
    p_ += word.size();
    return true;
  }

  /// Within a list or an object: its end, or a further member.
  [[nodiscard]] bool read_next() {
    const bool is_list = is_list_[depth_ - 1];
    const char next = peek();
    if (next == (is_list ? ']' : '}')) {
      if (is_after_comma_) return false;
      ++p_;
      --depth_;
      is_first_ = false;
      is_list ? events_.end_array() : events_.end_object();
      return true;
    }
    if (!is_first_ && !is_after_comma_) {
      if (next != ',') return false;
      ++p_;
      is_after_comma_ = true;
      return true;
    }
    if (!is_list) {
      std::string_view name;
      if (next != '"' || !read_string(name)) return false;
      events_.key(name);
      if (peek() != ':') return false;
      ++p_;
    }
    is_first_ = is_after_comma_ = false;
    return read_value();
  }

  [[nodiscard]] bool read_value() {
    std::string_view text;
    switch (peek()) {
      case '[':
        return begin(true);
      case '{':
        return begin(false);
      case '"':
        if (!read_string(text)) return false;
        events_.string(text);
        return true;
      case 'n':
        return take("null") && events_.null();
      case 'N':
        return take("NaN") && events_.null();
      case 't':
        return take("true") && events_.boolean(true);
      case 'f':
        return take("false") && events_.boolean(false);
      default:
        return read_number();
    }
  }

  [[nodiscard]] bool begin(bool is_list) {
    if (depth_ == kMostDepth) return false;
    ++p_;
    is_list_[depth_++] = is_list;
    is_first_ = true;
    is_list ? events_.start_array() : events_.start_object();
    return true;
  }

  /// A string without escapes.
  [[nodiscard]] bool read_string(std::string_view& text) {
    const char* const begin = ++p_;
    bool is_ascii = true;
    for (; p_ < end_ && *p_ != '"'; ++p_) {
      const auto byte = static_cast<unsigned char>(*p_);
      if (byte < 0x20 || byte == '\\') return false;
      is_ascii = is_ascii && byte < 0x80;
    }
    if (p_ == end_) return false;
    text = {begin, static_cast<std::size_t>(p_++ - begin)};
    return is_ascii || io::is_utf8(text);
  }

  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  [[nodiscard]] const char* digits_end(const char* p) const {
    while (p < end_ && is_digit(*p)) ++p;
    return p;
  }

  [[nodiscard]] bool read_number() {
    const char* const begin = p_;
    const char* const first = begin + (p_ < end_ && *p_ == '-' ? 1 : 0);
    const char* const whole_end = digits_end(first);
    const bool has_needless_zero = whole_end - first > 1 && *first == '0';
    if (whole_end == first || has_needless_zero) return false;
    const char after = whole_end < end_ ? *whole_end : '\0';
    if (after != '.' && after != 'e' && after != 'E') return take_integer(begin, whole_end);
    float value = 0;
    const char* end = io::parse_plain_number(begin, end_, value);
    const bool is_plain = end != nullptr && end[-1] != '.' && *end != 'e' && *end != 'E';
    if (!is_plain) {
      end = exponent_end(whole_end);
      if (end == nullptr) return false;
      const std::string_view text(begin, static_cast<std::size_t>(end - begin));
      if (io::parse_number(text, value) != io::NumberKind::kNumber) return false;
    }
    p_ = end;
    events_.decimal(std::string_view(begin, static_cast<std::size_t>(end - begin)), value);
    return true;
  }

  /// The end of a number's fraction and exponent, nullptr when they are none.
  [[nodiscard]] const char* exponent_end(const char* p) const {
    if (*p == '.') {
      const char* const fraction = p + 1;
      p = digits_end(fraction);
      if (p == fraction) return nullptr;
    }
    if (p == end_ || (*p != 'e' && *p != 'E')) return p;
    ++p;
    if (p < end_ && (*p == '+' || *p == '-')) ++p;
    const char* const end = digits_end(p);
    return end == p ? nullptr : end;
  }

  [[nodiscard]] bool take_integer(const char* begin, const char* end) {
    p_ = end;
    if (*begin == '-') {
      std::int64_t value = 0;
      if (std::from_chars(begin, end, value).ec != std::errc()) return false;
      events_.number_integer(value);
    } else {
      std::uint64_t value = 0;
      if (std::from_chars(begin, end, value).ec != std::errc()) return false;
      events_.number_unsigned(value);
    }
    return true;
  }

  const char* p_;
  const char* end_;
  Events& events_;
  bool is_list_[kMostDepth] = {};  // the lists and objects that are open
  std::size_t depth_ = 0;
  bool is_first_ = false;        // nothing stands in the innermost one yet
  bool is_after_comma_ = false;  // a member has to come
};

}  // namespace coppice::serve
