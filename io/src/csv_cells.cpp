#include "csv_cells.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "csv_number.h"

namespace coppice::io {
namespace {

const char* find_byte(const char* begin, const char* end, char byte) noexcept {
  return static_cast<const char*>(std::memchr(begin, byte, static_cast<std::size_t>(end - begin)));
}

/// Bit 7 of each byte that is zero, exact up to and including the lowest such byte.
constexpr std::uint64_t zero_bytes(std::uint64_t word) noexcept {
  return (word - 0x0101010101010101u) & ~word & 0x8080808080808080u;
}

constexpr std::uint64_t repeat(char byte) noexcept {
  return 0x0101010101010101u * static_cast<unsigned char>(byte);
}

/// The first comma, LF or NUL. The text ends with LF, so there is one.
const char* find_delimiter(const char* p, const char* text_end) noexcept {
  for (; text_end - p >= 8; p += 8) {
    const std::uint64_t word = load_word(p);
    const std::uint64_t hits =
        zero_bytes(word ^ repeat(',')) | zero_bytes(word ^ repeat('\n')) | zero_bytes(word);
    if (hits != 0) return p + std::countr_zero(hits) / 8;
  }
  while (*p != ',' && *p != '\n' && *p != '\0') ++p;
  return p;
}

bool opens_quote(std::string_view text, std::size_t quote) noexcept {
  return quote == 0 || text[quote - 1] == ',' || text[quote - 1] == '\n';
}

/// The quote that closes the field opened at `open`, or npos.
std::size_t closing_quote(std::string_view text, std::size_t open) noexcept {
  for (std::size_t quote = open + 1;; quote += 2) {
    quote = text.find('"', quote);
    if (quote == std::string_view::npos || quote + 1 == text.size() || text[quote + 1] != '"') return quote;
  }
}

Cell scan_quoted(const char* begin, const char* text_end, std::string& scratch) {
  const std::string_view text(begin, static_cast<std::size_t>(text_end - begin));
  const std::size_t close = closing_quote(text, 0);
  if (close == std::string_view::npos) return {text, text_end, CellFault::kUnclosedQuote};
  Cell cell{text.substr(1, close - 1), begin + close + 1, CellFault::kNone};
  if (cell.text.find('"') != std::string_view::npos) {
    scratch.clear();
    for (std::size_t i = 0; i < cell.text.size(); ++i) {
      scratch += cell.text[i];
      if (cell.text[i] == '"') ++i;
    }
    cell.text = scratch;
  }
  if (cell.text.find('\0') != std::string_view::npos) cell.fault = CellFault::kNulByte;
  if (*cell.end == '\r' && cell.end[1] == '\n') ++cell.end;
  if (*cell.end != ',' && *cell.end != '\n') {
    cell.text = text.substr(0, static_cast<std::size_t>(find_delimiter(cell.end, text_end) - begin));
    cell.fault = CellFault::kTextAfterQuote;
  }
  return cell;
}

}  // namespace

Cell scan_cell(const char* begin, const char* text_end, std::string& scratch) {
  if (*begin == '"') return scan_quoted(begin, text_end, scratch);
  const char* end = find_delimiter(begin, text_end);
  if (*end == '\0') {
    while (*end != ',' && *end != '\n') ++end;
    return {{begin, static_cast<std::size_t>(end - begin)}, end, CellFault::kNulByte};
  }
  const bool crlf = *end == '\n' && end > begin && end[-1] == '\r';
  return {{begin, static_cast<std::size_t>(end - begin) - (crlf ? 1 : 0)}, end, CellFault::kNone};
}

const char* skip_blank_lines(const char* begin, const char* text_end) noexcept {
  while (begin < text_end) {
    if (*begin == '\n') {
      begin += 1;
    } else if (*begin == '\r' && begin[1] == '\n') {
      begin += 2;
    } else {
      break;
    }
  }
  return begin;
}

std::size_t record_end(std::string_view text, std::size_t from) noexcept {
  if (from >= text.size()) return std::string_view::npos;
  std::size_t at = 0;
  while (at < from) {
    const char* quote = find_byte(text.data() + at, text.data() + from, '"');
    if (quote == nullptr) break;
    at = static_cast<std::size_t>(quote - text.data());
    if (opens_quote(text, at)) at = closing_quote(text, at);
    if (at == std::string_view::npos) return at;
    ++at;
  }
  for (at = std::max(at, from); at < text.size(); ++at) {
    if (text[at] == '\n') return at + 1;
    if (text[at] == '"' && opens_quote(text, at)) {
      at = closing_quote(text, at);
      if (at == std::string_view::npos) return at;
    }
  }
  return std::string_view::npos;
}

std::string_view without_line_end(std::string_view record) noexcept {
  record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

std::string_view trim(std::string_view text) noexcept {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::size_t utf8_sequence(const char* begin, const char* end) noexcept {
  const auto byte = [&](std::ptrdiff_t i) { return static_cast<unsigned char>(begin[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || end - begin < static_cast<std::ptrdiff_t>(length)) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(static_cast<std::ptrdiff_t>(i)) & 0xC0) != 0x80) return 0;
  }
  // Overlong forms, surrogates, and what lies beyond U+10FFFF.
  const bool invalid = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xED && byte(1) >= 0xA0) ||
                       (lead == 0xF0 && byte(1) < 0x90) || (lead == 0xF4 && byte(1) >= 0x90);
  return invalid ? 0 : length;
}

bool is_utf8(std::string_view text) noexcept {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const std::size_t length = utf8_sequence(p, end);
    if (length == 0) return false;
    p += length;
  }
  return true;
}

std::string shown(std::string_view text) {
  constexpr std::ptrdiff_t kMost = 40;
  std::string out = "\"";
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  while (p < end) {
    const std::size_t length = utf8_sequence(p, end);
    if (p + std::max<std::size_t>(length, 1) - text.data() > kMost) break;
    if (*p == '\n') {
      out += "\\n";
    } else if (*p == '\t') {
      out += "\\t";
    } else if (*p == '\r') {
      out += "\\r";
    } else if (*p == '"' || *p == '\\') {
      out += {'\\', *p};
    } else if (length == 0 || static_cast<unsigned char>(*p) < 0x20 || *p == 0x7F) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(*p));
    } else {
      out.append(p, length);
    }
    p += std::max<std::size_t>(length, 1);
  }
  out += p < end ? "...\"" : "\"";
  return out;
}

}  // namespace coppice::io
