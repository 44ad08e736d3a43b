// CSV files cut into runs of whole records.
#pragma once

#include <coppice/buffer.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "csv_problem.h"
#include "text_source.h"

namespace coppice::io {

inline constexpr std::size_t kChunkBytes = std::size_t{1} << 20;

/// Whole records of one file, one after the other; the last one ends with LF, also where the file's does not.
struct CsvChunk {
  std::string_view whole;              ///< the bytes as they stand in the file: for counting lines
  std::string_view records;            ///< the same without header and blank lines before them
  std::size_t file = 0;                ///< index into the paths
  std::shared_ptr<Buffer<char>> slab;  ///< holds the text, unless it is part of a mapped file
  std::optional<std::size_t> n_lines;  ///< of `whole`, once the text was discarded
};

/// The files of one table in order, read on demand. All text stays valid as long as this object: mapped files
/// as mappings, streams in slabs of many chunks.
class CsvChunks {
 public:
  /// Opens the first file and reads its header, or counts the fields of its first record.
  /// Errors: io.file.read, io.gzip.*, io.csv.empty and the errors of a header.
  CsvChunks(std::vector<std::string> paths, bool has_header, std::size_t chunk_bytes = kChunkBytes);

  /// Names of the columns; `f<column>` where there is no header, or an empty name.
  [[nodiscard]] const std::vector<std::string>& names() const noexcept { return names_; }
  /// The header record of the first file as it stands there, without line end; empty without header.
  [[nodiscard]] std::string_view header() const noexcept { return header_; }
  /// The first file, for messages about the whole table.
  [[nodiscard]] std::string name() const;

  /// A chunk by index, or nullptr after the last. Reads on when the index was not reached before; calls must
  /// not overlap, but what they returned stays valid. Errors: as the constructor's, and
  /// io.csv.columns_differ.
  [[nodiscard]] const CsvChunk* chunk(std::size_t index);

  /// Gives the memory of a mapped chunk that is parsed back to the system; who looks at its text again reads
  /// it from the file again. Without this a table is in memory twice: as text and as numbers.
  void release(const CsvChunk& chunk) const noexcept;

  /// Gives the memory of a chunk back for good: nobody may look at its text again, but later problems still
  /// have the right line.
  void discard(std::size_t index);

  /// Bytes of text handed out so far.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// `file:line` of a place in a chunk whose text is there.
  [[nodiscard]] std::string place(CsvPosition where) const;

  /// Throws a problem as an Error that names its file and line.
  [[noreturn]] void raise(const CsvProblem& problem) const;

 private:
  void open_next_file();
  /// Before the text is cut: only at the begin of the text or after a comma or line end does a quote open a
  /// field.
  void skip_byte_order_mark();
  void read_header();
  [[nodiscard]] std::vector<std::string> column_names(const std::vector<std::string>& fields,
                                                      CsvPosition header) const;
  void check_same_columns(const std::vector<std::string>& names, CsvPosition header) const;
  [[nodiscard]] bool read_chunk();
  void add_chunk(std::string_view whole, std::string_view records);
  /// Makes room in the slab for `size` bytes from carry_begin_ on, and a line end. Slabs grow with the
  /// stream: what is long goes into huge pages, what is short takes no more than it needs.
  void reserve(std::size_t size);
  [[nodiscard]] std::optional<std::string_view> next_text();
  [[nodiscard]] std::optional<std::string_view> next_mapped();
  [[nodiscard]] std::optional<std::string_view> next_streamed();

  std::vector<std::string> paths_;
  bool has_header_;
  std::size_t chunk_bytes_;
  std::vector<std::string> names_;
  std::string header_;

  std::deque<CsvChunk> chunks_;
  std::vector<TextSource> mapped_sources_;  // finished files whose text is still referred to
  std::optional<TextSource> source_;        // the file being read
  std::size_t n_opened_ = 0;
  std::string_view rest_;  // of a mapped source
  // Of a stream: where text is read to, and what was read of the record that the last chunk did not hold
  // whole. Empty while text is mapped.
  std::shared_ptr<Buffer<char>> slab_;
  std::size_t carry_begin_ = 0;
  std::size_t carry_end_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace coppice::io
