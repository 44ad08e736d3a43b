#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/io/csv_rows.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "csv_parser.h"

namespace coppice::io {
namespace {

bool can_be_read_twice(const std::vector<std::string>& paths) {
  return std::ranges::all_of(paths, [](const std::string& path) {
    std::error_code ignored;  // opening the file tells what is wrong with it
    return path != "-" && std::filesystem::is_regular_file(path, ignored);
  });
}

/// Once over the chunks of a table, which are given back behind it unless they are held for the next time.
class Pass {
 public:
  Pass(CsvChunks& chunks, bool is_held) : chunks_(chunks), is_held_(is_held) {}

  CsvChunks& chunks() { return chunks_; }

  const CsvChunk* chunk(std::size_t index) { return chunks_.chunk(index); }

  void done_with(std::size_t index) {
    if (is_held_) {
      chunks_.release(*chunks_.chunk(index));
    } else {
      chunks_.discard(index);
    }
  }

 private:
  CsvChunks& chunks_;
  bool is_held_;
};

/// Parses some chunks at a time on several threads and calls `visitor(chunk)` for each in order. Throws the
/// first problem of the table in reading order.
void parse_in_order(Pass& pass, const CsvLayout& layout, int threads,
                    const std::function<void(const ParsedChunk&)>& visitor) {
  constexpr std::size_t kChunksPerThread = 8;  // parsing them takes much longer than starting a thread
  const std::size_t batch = static_cast<std::size_t>(threads) * kChunksPerThread;
  for (std::size_t begin = 0; pass.chunk(begin) != nullptr; begin += batch) {
    std::size_t end = begin + 1;
    while (end < begin + batch && pass.chunk(end) != nullptr) ++end;
    std::vector<ParsedChunk> parsed(end - begin);
    detail::parallel_for(threads, parsed.size(), [&](std::size_t i) {
      const std::size_t index = begin + i;
      parsed[i] = parse_chunk(*pass.chunk(index), index, layout);
    });
    for (std::size_t i = 0; i < parsed.size(); ++i) {
      if (parsed[i].problem) pass.chunks().raise(*parsed[i].problem);
      visitor(parsed[i]);
      pass.done_with(begin + i);
    }
  }
}

/// Calls `visitor(record)` with every record of a chunk, with line end, until it returns false.
bool visit_records(const CsvChunk& chunk, const std::function<bool(std::string_view)>& visitor) {
  const char* const text_end = chunk.records.data() + chunk.records.size();
  const char* begin = skip_blank_lines(chunk.records.data(), text_end);
  while (begin < text_end) {
    const std::string_view rest(begin, static_cast<std::size_t>(text_end - begin));
    const std::string_view record = rest.substr(0, record_end(rest, 0));
    if (!visitor(record)) return false;
    begin = skip_blank_lines(begin + record.size(), text_end);
  }
  return true;
}

}  // namespace

struct CsvRows::State {
  std::vector<std::string> paths;
  bool has_header;
  int threads;
  std::vector<std::string> names;
  std::string header;
  std::optional<CsvChunks> held;  ///< when there is something that cannot be read twice
  std::size_t n_rows = 0;

  /// Calls `work` with a pass from the first chunk on.
  void pass(const std::function<void(Pass&)>& work) {
    std::optional<CsvChunks> fresh;
    if (!held) fresh.emplace(paths, has_header);
    Pass pass(held ? *held : *fresh, held.has_value());
    work(pass);
  }

  [[nodiscard]] CsvLayout layout() const {
    CsvLayout result;
    for (const std::string& name : names) result.columns.push_back({name});
    return result;
  }

  void check_rows(bool is_good) const {
    if (is_good) return;
    throw Error("io.csv.changed",
                paths.front() + ": the table has other rows than a moment ago; wait until it is written");
  }
};

CsvRows::CsvRows(const std::vector<std::string>& paths, bool has_header, int threads)
    : state_(std::make_unique<State>(State{paths, has_header, detail::thread_count(threads), {}, {}, {}})) {
  if (!can_be_read_twice(paths)) state_->held.emplace(paths, has_header);
  state_->pass([&](Pass& pass) {
    state_->names = pass.chunks().names();
    state_->header = pass.chunks().header();
    parse_in_order(pass, state_->layout(), state_->threads,
                   [&](const ParsedChunk& chunk) { state_->n_rows += chunk.n_rows; });
    if (size() == 0) throw Error("io.csv.empty", pass.chunks().name() + ": there is a header, but no row");
  });
}

CsvRows::CsvRows(CsvRows&&) noexcept = default;
CsvRows& CsvRows::operator=(CsvRows&&) noexcept = default;
CsvRows::~CsvRows() = default;

std::size_t CsvRows::size() const noexcept { return state_->n_rows; }
const std::vector<std::string>& CsvRows::names() const noexcept { return state_->names; }
std::string_view CsvRows::header() const noexcept { return state_->header; }

void CsvRows::visit(const std::function<void(std::size_t row, std::string_view record)>& visitor) const {
  std::size_t row = 0;
  state_->pass([&](Pass& pass) {
    for (std::size_t i = 0; const CsvChunk* const chunk = pass.chunk(i); ++i) {
      visit_records(*chunk, [&](std::string_view record) {
        state_->check_rows(row < size());
        visitor(row++, without_line_end(record));
        return true;
      });
      pass.done_with(i);
    }
  });
  state_->check_rows(row == size());
}

void CsvRows::visit_columns(
    const std::vector<std::string>& columns,
    const std::function<void(std::size_t row, std::span<const std::string_view> texts)>& visitor) const {
  CsvLayout layout = state_->layout();
  std::vector<std::size_t> indices;
  for (const std::string& column : columns) {
    indices.push_back(column_index(column));
    layout.columns[indices.back()].kept = true;
  }
  std::vector<std::string_view> texts(columns.size());
  std::size_t row = 0;
  state_->pass([&](Pass& pass) {
    parse_in_order(pass, layout, state_->threads, [&](const ParsedChunk& chunk) {
      state_->check_rows(row + chunk.n_rows <= size());
      for (std::size_t i = 0; i < chunk.n_rows; ++i) {
        std::ranges::transform(indices, texts.begin(),
                               [&](std::size_t index) { return trim(chunk.columns[index].kept[i]); });
        visitor(row++, texts);
      }
    });
  });
  state_->check_rows(row == size());
}

std::size_t CsvRows::column_index(const std::string& name) const {
  return find_column(names(), name, "", state_->paths.front());
}

std::string CsvRows::place(std::size_t row) const {
  std::string place;
  std::size_t i = 0;
  state_->pass([&](Pass& pass) {
    for (std::size_t index = 0; const CsvChunk* const chunk = pass.chunk(index); ++index) {
      const bool goes_on = visit_records(*chunk, [&](std::string_view record) {
        if (i++ != row) return true;
        place = pass.chunks().place({index, record.data()});
        return false;
      });
      if (!goes_on) return;
      pass.done_with(index);
    }
  });
  return place;
}

}  // namespace coppice::io
