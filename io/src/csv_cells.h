// Fields of a CSV record: where they end, and what number stands in them.
#pragma once

#include <coppice/io/csv.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace coppice::io {

enum class CellFault : std::uint8_t { kNone, kNulByte, kUnclosedQuote, kTextAfterQuote };

/// One field. `text` is unquoted; it points into the record, or into the scratch string when a doubled quote
/// had to be undone. `end` is the comma or LF that ends the field (meaningless after a fault).
struct Cell {
  std::string_view text;
  const char* end = nullptr;
  CellFault fault = CellFault::kNone;
};

/// Reads the field that begins at `begin`. The text must end with LF at `text_end - 1`.
[[nodiscard]] Cell scan_cell(const char* begin, const char* text_end, std::string& scratch);

/// Where the next record begins: `begin`, or after the blank lines there. `text_end` when nothing follows.
[[nodiscard]] const char* skip_blank_lines(const char* begin, const char* text_end) noexcept;

/// Index after the LF that ends a record, the first such LF at or after `from`; npos when there is none.
/// `text` begins with a record. A quote opens a quoted field only where a field begins, so hopping from quote
/// to quote decides exactly which line ends lie within fields.
[[nodiscard]] std::size_t record_end(std::string_view text, std::size_t from) noexcept;

/// A record that ends with LF, without LF or CRLF.
[[nodiscard]] std::string_view without_line_end(std::string_view record) noexcept;

/// Without spaces and tabs at either end.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

/// Length in bytes of the UTF-8 sequence at `begin`; 0 when it is not valid.
[[nodiscard]] std::size_t utf8_sequence(const char* begin, const char* end) noexcept;
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// A text for error messages: in quotes, at most 40 bytes of it, what cannot be printed as \n, \t, \xNN.
[[nodiscard]] std::string shown(std::string_view text);

}  // namespace coppice::io
