#include "csv_parser.h"

#include <coppice/detail/threads.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <exception>
#include <limits>
#include <mutex>

#include "csv_number.h"
#include "csv_plain_cells.h"

namespace coppice::io {
namespace {

constexpr float kMissingCell = std::numeric_limits<float>::quiet_NaN();

/// Parses the records of one chunk.
class ChunkParser {
 public:
  ChunkParser(const CsvChunk& chunk, std::size_t chunk_index, const CsvLayout& layout)
      : layout_(layout), chunk_index_(chunk_index), text_end_(chunk.records.data() + chunk.records.size()) {
    const auto n_used = static_cast<std::size_t>(std::ranges::count_if(
        layout.columns, [](const CsvColumn& column) { return column.use != CellUse::kSkip; }));
    // No more rows than lines.
    const auto capacity = static_cast<std::size_t>(std::ranges::count(chunk.records, '\n'));
    parsed_.values = Buffer<float>(n_used * capacity);
    parsed_.columns.resize(layout.columns.size());
    for (const std::string& token : layout.missing_tokens) {
      if (!token.empty()) begins_token_[static_cast<unsigned char>(token[0])] = true;
    }
    // A token such as -999 means that a number may be missing: then every cell is compared.
    const bool number_may_be_missing =
        std::ranges::any_of(layout.missing_tokens, [value = 0.0f](const std::string& token) mutable {
          return parse_number(trim(token), value) == NumberKind::kNumber;
        });
    float* values = parsed_.values.data();
    for (std::size_t i = 0; i < layout.columns.size(); ++i) {
      const CsvColumn& column = layout.columns[i];
      const bool numeric = column.use != CellUse::kSkip && column.use != CellUse::kCategory;
      targets_.push_back({values, column.use, numeric && !column.kept && !number_may_be_missing});
      if (column.use == CellUse::kSkip) continue;
      parsed_.columns[i].values = values;
      values += capacity;
    }
    for (std::size_t i = targets_.size(); i-- > 1;) {
      Target& target = targets_[i - 1];
      if (target.plain_numbers && !must_be_there(target.use)) target.n_plain = targets_[i].n_plain + 1;
    }
  }

  ParsedChunk parse(const char* begin, std::size_t max_rows) {
    const char* record = skip_blank_lines(begin, text_end_);
    while (record < text_end_ && parsed_.n_rows < max_rows) {
      const char* const end = parse_record(record);
      if (end == nullptr) break;
      ++parsed_.n_rows;
      record = skip_blank_lines(end, text_end_);
    }
    return std::move(parsed_);
  }

 private:
  /// Returns where the record ends, after its LF, or nullptr when there is a problem.
  const char* parse_record(const char* record) {
    const char* p = record;
    bool is_mostly_plain = true;
    for (std::size_t i = 0; i < targets_.size(); ++i) {
      while (is_mostly_plain && targets_[i].n_plain > 0) {
        const std::size_t n_wanted = std::min(targets_[i].n_plain, kPlainCells);
        const PlainCells cells = take_plain_cells(i, n_wanted, p);
        i += cells.count;
        p = cells.next;
        if (cells.count == n_wanted) continue;
        is_mostly_plain = cells.count >= kFewCells;
        break;
      }
      if (const char* const next = take_plain_number(i, p)) {
        p = next;
        continue;
      }
      const Cell cell = scan_cell(p, text_end_, scratch_);
      if (!take_cell(i, cell, record, p)) return nullptr;
      p = cell.end + 1;
    }
    return p;
  }

  /// Stores up to n plain cells from that of column i on, as far as they are.
  PlainCells take_plain_cells(std::size_t i, std::size_t n, const char* begin) {
    std::array<float, kPlainCells> numbers;
    const Target* const targets = targets_.data() + i;
    const PlainCells cells = read_plain_cells_(begin, text_end_, n, RunEnd::kComma, numbers.data());
    for (std::size_t k = 0; k < cells.count; ++k) targets[k].values[parsed_.n_rows] = numbers[k];
    return cells;
  }

  /// Stores the number of a cell that holds nothing else and returns where the next begins; nullptr
  /// otherwise.
  const char* take_plain_number(std::size_t i, const char* begin) {
    const Target& target = targets_[i];
    float value = 0;
    const char* end = target.plain_numbers ? parse_plain_number(begin, text_end_, value) : nullptr;
    if (end == nullptr) return nullptr;
    const bool last = i + 1 == targets_.size();
    if (last && *end == '\r') ++end;
    if (*end != (last ? '\n' : ',') || !fits(target.use, value)) return nullptr;
    target.values[parsed_.n_rows] = value;
    return end + 1;
  }

  bool take_cell(std::size_t i, const Cell& cell, const char* record, const char* begin) {
    const CsvColumn& column = layout_.columns[i];
    if (cell.fault != CellFault::kNone) {
      parsed_.problem = problem_of_cell(cell, position(record), begin, column.name);
      return false;
    }
    const bool last = i + 1 == layout_.columns.size();
    if (*cell.end != (last ? '\n' : ',')) return refuse_field_count(i, cell, record);
    if (column.kept) parsed_.columns[i].kept.emplace_back(cell.text);
    if (column.use == CellUse::kSkip) return true;
    const std::optional<float> value = value_of(i, cell.text, record);
    if (value) parsed_.columns[i].values[parsed_.n_rows] = *value;
    return value.has_value();
  }

  /// The value to store, or nothing after a problem.
  std::optional<float> value_of(std::size_t i, std::string_view text, const char* record) {
    const CsvColumn& column = layout_.columns[i];
    ParsedColumn& parsed = parsed_.columns[i];
    const std::string_view trimmed = trim(text);
    const bool missing = is_missing(trimmed);
    if (must_be_there(column.use)) {
      return target_value(column, trimmed, missing, record);
    }
    if (missing) return kMissingCell;
    if (column.use == CellUse::kCategory) {
      return static_cast<float>(parsed.texts.add(text, position(record)));
    }
    float value = kMissingCell;
    const NumberKind kind = parse_number(trimmed, value);
    if (kind == NumberKind::kText && column.kind_known) {
      return refuse(record, "io.csv.not_a_number",
                    fmt::format("column '{}' is numeric, but {} is not a number", column.name, shown(text)));
    }
    if (kind == NumberKind::kText && !parsed.first_text) {
      parsed.first_text = {position(record), std::string(text)};
    }
    if (kind == NumberKind::kInfinite && !parsed.first_infinite) {
      parsed.first_infinite = {position(record), std::string(text)};
    }
    return value;
  }

  [[nodiscard]] bool is_missing(std::string_view trimmed) const {
    if (trimmed.empty()) return true;
    return begins_token_[static_cast<unsigned char>(trimmed[0])] &&
           std::ranges::find(layout_.missing_tokens, trimmed) != layout_.missing_tokens.end();
  }

  /// The value of a label or weight, which every row must have.
  std::optional<float> target_value(const CsvColumn& column, std::string_view text, bool missing,
                                    const char* record) {
    const bool label = column.use == CellUse::kLabel;
    const std::string_view id = label ? "io.csv.label" : "io.csv.weight";
    const std::string name = fmt::format("{} column '{}'", label ? "label" : "weight", column.name);
    if (missing) {
      return refuse(record, id,
                    text.empty() ? fmt::format("{} is empty; every row needs one", name)
                                 : fmt::format("{} is missing: {}; every row needs one", name, shown(text)));
    }
    float value = 0;
    switch (parse_number(text, value)) {
      case NumberKind::kText:
        return refuse(record, id,
                      fmt::format("{}: {} is not a number{}", name, shown(text),
                                  layout_.binary_label && label ? "; the label must be 0 or 1" : ""));
      case NumberKind::kInfinite:
        return refuse(record, "io.csv.infinite", fmt::format("{}: {}", name, why_infinite(text)));
      case NumberKind::kNumber:
        break;
    }
    if (fits(column.use, value)) return value;
    return refuse(record, id,
                  label ? fmt::format("{}: {} is neither 0 nor 1", name, shown(text))
                        : fmt::format("{}: {} is negative", name, shown(text)));
  }

  static bool must_be_there(CellUse use) noexcept {
    return use == CellUse::kLabel || use == CellUse::kWeight;
  }

  /// False for a number that a label or a weight must not be.
  bool fits(CellUse use, float value) const noexcept {
    if (use == CellUse::kLabel) return !layout_.binary_label || value == 0 || value == 1;
    return use != CellUse::kWeight || value >= 0;
  }

  bool refuse_field_count(std::size_t i, Cell cell, const char* record) {
    std::size_t n_found = i + 1;
    while (*cell.end == ',') {
      const char* const begin = cell.end + 1;
      cell = scan_cell(begin, text_end_, scratch_);
      if (cell.fault != CellFault::kNone) {
        parsed_.problem = problem_of_cell(cell, position(record), begin, fmt::format("f{}", n_found));
        return false;
      }
      ++n_found;
    }
    const std::string_view text = without_line_end({record, static_cast<std::size_t>(cell.end + 1 - record)});
    refuse(record, "io.csv.field_count",
           fmt::format("expected {} fields, found {}: {}", layout_.columns.size(), n_found, shown(text)));
    return false;
  }

  std::nullopt_t refuse(const char* record, std::string_view id, std::string message) {
    parsed_.problem = {position(record), std::string(id), std::move(message)};
    return std::nullopt;
  }

  [[nodiscard]] CsvPosition position(const char* record) const noexcept { return {chunk_index_, record}; }

  /// What parse_record needs of a column at every cell.
  struct Target {
    float* values;
    CellUse use;
    bool plain_numbers;       ///< may be stored by take_plain_number
    std::size_t n_plain = 0;  ///< columns for take_plain_cells from this one on, without the last one
  };

  ReadPlainCells& read_plain_cells_ = plain_cells_reader();
  const CsvLayout& layout_;
  std::vector<Target> targets_;           // one for each column
  std::array<bool, 256> begins_token_{};  // by first byte of a text: may it be a missing token
  std::size_t chunk_index_;
  const char* text_end_;
  ParsedChunk parsed_;
  std::string scratch_;
};

}  // namespace

std::string why_infinite(std::string_view text) {
  const bool spelled_out = text.find_first_of("0123456789") == std::string_view::npos;
  return fmt::format("{} {}", shown(text),
                     spelled_out ? "is infinite" : "is beyond the largest 32-bit float, 3.4028235e38");
}

ParsedChunk parse_chunk(const CsvChunk& chunk, std::size_t chunk_index, const CsvLayout& layout,
                        std::size_t max_rows) {
  return ChunkParser(chunk, chunk_index, layout).parse(chunk.records.data(), max_rows);
}

ParsedChunks parse_all(CsvChunks& chunks, const CsvLayout& layout, int threads) {
  ParsedChunks parsed;
  std::mutex mutex;
  bool stopped = false;
  std::exception_ptr reading_failed;  // after the chunks in `parsed`
  detail::run_on_threads(threads, [&] {
    while (true) {
      const CsvChunk* chunk = nullptr;
      ParsedChunk* result = nullptr;
      std::size_t index = 0;
      {
        // Finding where a chunk ends, and inflating one, happens while other threads parse.
        const std::lock_guard lock(mutex);
        if (stopped) return;
        index = parsed.size();
        try {
          chunk = chunks.chunk(index);
        } catch (...) {
          reading_failed = std::current_exception();
        }
        if (chunk == nullptr) {
          stopped = true;
          return;
        }
        result = &parsed.emplace_back();
      }
      *result = parse_chunk(*chunk, index, layout);
      chunks.release(*chunk);
      if (result->problem) {
        const std::lock_guard lock(mutex);
        stopped = true;
      }
    }
  });
  for (const ParsedChunk& chunk : parsed) {
    if (chunk.problem) chunks.raise(*chunk.problem);
  }
  if (reading_failed) std::rethrow_exception(reading_failed);
  return parsed;
}

}  // namespace coppice::io
