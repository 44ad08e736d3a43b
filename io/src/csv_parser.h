// One chunk of a CSV to numbers.
#pragma once

#include <coppice/buffer.h>

#include <cstddef>
#include <deque>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "csv_categories.h"
#include "csv_chunks.h"
#include "csv_layout.h"

namespace coppice::io {

/// A cell worth remembering: the begin of its record, and its text.
struct CsvFinding {
  CsvPosition record;
  std::string text;
};

/// One column of one chunk.
struct ParsedColumn {
  /// Within ParsedChunk::values, one for each row: numbers, or for a categorical column the numbers of the
  /// texts in `texts`; NaN is missing.
  float* values = nullptr;
  TextTable texts;
  std::optional<CsvFinding> first_text;  ///< first cell of a numeric column that is no number
  std::optional<CsvFinding> first_infinite;
  std::vector<std::string> kept;  ///< texts of all rows, for a column that is kept
};

/// One chunk, parsed.
struct ParsedChunk {
  std::size_t n_rows = 0;
  std::vector<ParsedColumn> columns;  ///< one for each column of the file
  Buffer<float> values;
  /// The first that makes the table unreadable; nothing after it was parsed.
  std::optional<CsvProblem> problem;
};

/// The reason to refuse a text that parse_number calls infinite, for a message: `"inf" is infinite`.
[[nodiscard]] std::string why_infinite(std::string_view text);

/// Parses the records of a chunk by the uses of the layout's columns, up to `max_rows`. Columns that are not
/// used are only checked for being there. Never throws for what stands in the text. Cost: one pass; a numeric
/// cell without quotes is parsed where it stands, and its end is where the number ends.
[[nodiscard]] ParsedChunk parse_chunk(const CsvChunk& chunk, std::size_t chunk_index, const CsvLayout& layout,
                                      std::size_t max_rows = std::numeric_limits<std::size_t>::max());

using ParsedChunks = std::deque<ParsedChunk>;

/// Parses all chunks on several threads. Throws the first problem of the table in reading order, whichever
/// thread met it, as io.csv.* Error; also what reading on throws.
[[nodiscard]] ParsedChunks parse_all(CsvChunks& chunks, const CsvLayout& layout, int threads);

}  // namespace coppice::io
