// text/csv: io's cells and numbers, straight into row-major floats.
#include <coppice/error.h>
#include <csv_cells.h>
#include <csv_number.h>
#include <csv_plain_cells.h>
#include <csv_problem.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "readers.h"

namespace coppice::serve {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kReadAhead = io::kPlainCellsReadAhead;  // from each cell on
static_assert(RowBatch::kRoomBehind + 1 >= io::kPlainCells, "cells are read straight into a row");

class CsvReader {
 public:
  CsvReader(const FeatureTable& features, CsvHeader header, RowBatch& rows)
      : features_(features), header_(header), rows_(rows), memory_(rows.memory) {}

  /// Records are read where they stand, but for the last ones: from a copy that ends as the reader of cells
  /// needs it, with a line end, and has room to read ahead.
  void read(std::string_view body) {
    if (body.starts_with(kByteOrderMark)) body.remove_prefix(kByteOrderMark.size());
    const char* const body_end = body.data() + body.size();
    const char* rest = body.data();
    if (body.size() > kReadAhead) {
      // Not rfind, which looks at one byte at a time.
      const void* const line_end = ::memrchr(body.data(), '\n', body.size() - kReadAhead);
      if (line_end != nullptr) rest = read_records(rest, static_cast<const char*>(line_end) + 1, body_end);
    }
    memory_.text.assign(rest, body_end);
    if (!memory_.text.ends_with('\n')) memory_.text += '\n';
    const std::size_t size = memory_.text.size();
    memory_.text.append(kReadAhead, '\0');
    const char* const begin = memory_.text.data();
    is_last_ = true;
    read_records(begin, begin + size, begin + memory_.text.size());
  }

 private:
  /// Reads the records of a text that ends with a line end. Returns where it stopped: at its end, or at a
  /// record with a quoted field that goes on behind it.
  const char* read_records(const char* begin, const char* end, const char* readable_end) {
    text_end_ = end;
    readable_end_ = readable_end;
    const char* record = io::skip_blank_lines(begin, end);
    while (record < end) {
      const char* const next = memory_.targets.empty() ? begin_table(record) : read_record(record);
      if (next == nullptr) return record;
      record = io::skip_blank_lines(next, end);
    }
    return end;
  }

  /// Returns where the next record begins, nullptr when this one goes on behind the text.
  const char* read_record(const char* record) {
    float* const values = rows_.add_row().data();
    const std::size_t n_columns = memory_.targets.size();
    const char* p = record;
    bool is_mostly_plain = true;
    for (std::size_t i = 0; i < n_columns; ++i) {
      while (is_mostly_plain && memory_.targets[i].n_plain > 0) {
        const std::size_t n_wanted = std::min(memory_.targets[i].n_plain, io::kPlainCells);
        const io::PlainCells cells = read_plain_cells(i, n_wanted, p, values);
        i += cells.count;
        p = cells.next;
        if (i == n_columns) return p;
        if (cells.count == n_wanted) continue;
        is_mostly_plain = cells.count >= io::kFewCells;
        break;
      }
      p = read_cell(i, p, record, values);
      if (p == nullptr) {
        rows_.drop_row();
        return nullptr;
      }
    }
    return p;
  }

  /// Reads up to n plain cells from that of column i on, as far as they are.
  io::PlainCells read_plain_cells(std::size_t i, std::size_t n, const char* p, float* values) {
    const auto run_end = i + n == memory_.targets.size() ? io::RunEnd::kLine : io::RunEnd::kComma;
    if (memory_.is_in_order) return read_plain_cells_(p, readable_end_, n, run_end, values + i);
    std::array<float, io::kPlainCells> numbers;
    const io::PlainCells cells = read_plain_cells_(p, readable_end_, n, run_end, numbers.data());
    for (std::size_t k = 0; k < cells.count; ++k) values[memory_.targets[i + k].feature] = numbers[k];
    return cells;
  }

  /// Reads the cell at p, of column i. Returns where the next one begins, nullptr when it goes on behind the
  /// text.
  const char* read_cell(std::size_t i, const char* p, const char* record, float* values) {
    const RowBatch::Target target = memory_.targets[i];
    const bool is_last = i + 1 == memory_.targets.size();
    if (target.is_plain) {
      float value = 0;
      const char* end = io::parse_plain_number(p, readable_end_, value);
      if (end != nullptr && is_last && *end == '\r') ++end;
      if (end != nullptr && *end == (is_last ? '\n' : ',')) {
        values[target.feature] = value;
        return end + 1;
      }
    }
    const io::Cell cell = cell_at(p, record, i);
    if (cell.end == nullptr) return nullptr;
    if (*cell.end != (is_last ? '\n' : ',')) refuse_field_count(record);
    if (target.feature != RowBatch::Target::kNone) {
      values[target.feature] = features_.read(target.feature, cell.text, rows_.n_rows() - 1);
    }
    return cell.end + 1;
  }

  /// The cell at p. Without an end when it goes on behind the text, which another text has. Errors: other
  /// faults.
  io::Cell cell_at(const char* p, const char* record, std::size_t column) {
    io::Cell cell = io::scan_cell(p, text_end_, memory_.unquoted);
    if (cell.fault == io::CellFault::kNone) return cell;
    if (cell.fault == io::CellFault::kUnclosedQuote && !is_last_) {
      cell.end = nullptr;
      return cell;
    }
    const io::CsvProblem problem = io::problem_of_cell(cell, {0, record}, p, column_name(column));
    throw Error("serve.request.syntax", fmt::format("{}: {}", place(), problem.message));
  }

  /// Reads the header, if there is one. Returns where the rows begin, nullptr as read_record does.
  const char* begin_table(const char* record) {
    const bool is_row = header_ == CsvHeader::kAbsent;
    std::vector<std::string> names;
    const char* p = record;
    bool names_feature = false;
    while (!is_row) {
      const io::Cell cell = cell_at(p, record, names.size());
      if (cell.end == nullptr) return nullptr;
      const std::string_view text = io::trim(cell.text);
      float number = 0;
      if (header_ == CsvHeader::kByContent && io::parse_number(text, number) != io::NumberKind::kText) {
        names_feature = false;
        break;
      }
      names_feature = names_feature || features_.find(text).has_value();
      names.emplace_back(text);
      p = cell.end + 1;
      if (*cell.end == '\n') break;
    }
    if (header_ == CsvHeader::kPresent || names_feature) {
      set_targets_by_name(names);
    } else {
      p = record;
      for (std::size_t f = 0; f < features_.size(); ++f) {
        memory_.targets.push_back({static_cast<std::uint32_t>(f), features_.takes_plain_numbers(f)});
      }
    }
    std::size_t n_plain = 0;
    memory_.is_in_order = true;
    for (std::size_t i = memory_.targets.size(); i-- > 0;) {
      RowBatch::Target& target = memory_.targets[i];
      n_plain = target.is_plain ? n_plain + 1 : 0;
      target.n_plain = n_plain;
      memory_.is_in_order = memory_.is_in_order && target.feature == i;
    }
    return p;
  }

  void set_targets_by_name(const std::vector<std::string>& names) {
    memory_.targets.resize(names.size());
    std::vector<bool> is_there(features_.size());
    for (std::size_t i = 0; i < names.size(); ++i) {
      const auto f = features_.find(names[i]);
      if (!f) continue;
      if (is_there[*f]) {
        throw Error("serve.request.columns",
                    fmt::format("header: the feature '{}' stands there twice", names[i]));
      }
      is_there[*f] = true;
      memory_.targets[i] = {static_cast<std::uint32_t>(*f), features_.takes_plain_numbers(*f)};
    }
    const auto absent = std::ranges::find(is_there, false);
    if (absent == is_there.end()) return;
    throw features_.absent_error("header", static_cast<std::size_t>(absent - is_there.begin()), names, "");
  }

  [[noreturn]] void refuse_field_count(const char* record) {
    std::size_t n_fields = 0;
    io::Cell cell;
    for (const char* p = record; p == record || *cell.end == ','; p = cell.end + 1) {
      cell = cell_at(p, record, n_fields);
      if (cell.end == nullptr) break;  // the record goes on: it has at least these
      ++n_fields;
    }
    const std::string_view text(record, static_cast<std::size_t>(text_end_ - record));
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t expected = memory_.targets.size();
    std::string_view advice;
    if (n_fields == expected + 1) advice = "; rows to score have no label";
    if (n_fields == 1 && line.find_first_of(";\t") != std::string_view::npos)
      advice = "; a comma separates fields";
    throw Error("serve.request.columns", fmt::format("{}: expected {} fields, found {}: {}{}", place(),
                                                     expected, n_fields, io::shown(line), advice));
  }

  /// Of a column, for messages.
  [[nodiscard]] std::string column_name(std::size_t column) const {
    if (column >= memory_.targets.size()) return fmt::to_string(column);
    const std::uint32_t feature = memory_.targets[column].feature;
    return feature == RowBatch::Target::kNone ? fmt::to_string(column) : features_.name(feature);
  }

  [[nodiscard]] std::string place() const {
    return memory_.targets.empty() ? "first row" : fmt::format("row {}", rows_.n_rows());
  }

  const FeatureTable& features_;
  CsvHeader header_;
  RowBatch& rows_;
  RowBatch::Memory& memory_;
  io::ReadPlainCells& read_plain_cells_ = io::plain_cells_reader();
  bool is_last_ = false;
  const char* text_end_ = nullptr;      // behind a line end
  const char* readable_end_ = nullptr;  // behind text_end_
};

}  // namespace

void read_csv_rows(const FeatureTable& features, CsvHeader header, std::string_view body, RowBatch& rows) {
  rows.memory.targets.clear();
  CsvReader(features, header, rows).read(body);
}

}  // namespace coppice::serve
