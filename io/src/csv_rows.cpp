#include <coppice/error.h>
#include <coppice/io/csv_rows.h>

#include <utility>

#include "csv_parser.h"
#include "parallel.h"

namespace coppice::io {

struct CsvRows::State {
  /// All chunks have been read, so that looking one up changes nothing.
  CsvChunks chunks;
  std::size_t n_chunks = 0;
  std::size_t n_rows = 0;
  int threads;
};

CsvRows::CsvRows(const std::vector<std::string>& paths, bool has_header, int threads)
    : state_(std::make_unique<State>(State{CsvChunks(paths, has_header), 0, 0, thread_count(threads)})) {
  CsvLayout layout;
  for (const std::string& name : names()) layout.columns.push_back({name});
  const ParsedChunks parsed = parse_all(state_->chunks, layout, state_->threads);
  state_->n_chunks = parsed.size();
  for (const ParsedChunk& chunk : parsed) state_->n_rows += chunk.n_rows;
  if (size() == 0) throw Error("io.csv.empty", state_->chunks.name() + ": there is a header, but no row");
}

CsvRows::CsvRows(CsvRows&&) noexcept = default;
CsvRows& CsvRows::operator=(CsvRows&&) noexcept = default;
CsvRows::~CsvRows() = default;

std::size_t CsvRows::size() const noexcept { return state_->n_rows; }
const std::vector<std::string>& CsvRows::names() const noexcept { return state_->chunks.names(); }
std::string_view CsvRows::header() const noexcept { return state_->chunks.header(); }

void CsvRows::visit(const std::function<void(std::size_t row, std::string_view record)>& visitor) const {
  std::size_t row = 0;
  for (std::size_t i = 0; i < state_->n_chunks; ++i) {
    const std::string_view text = state_->chunks.chunk(i)->records;
    const char* const text_end = text.data() + text.size();
    const char* begin = skip_blank_lines(text.data(), text_end);
    while (begin < text_end) {
      const std::string_view rest(begin, static_cast<std::size_t>(text_end - begin));
      const std::string_view record = rest.substr(0, record_end(rest, 0));
      visitor(row++, without_line_end(record));
      begin = skip_blank_lines(begin + record.size(), text_end);
    }
  }
}

std::vector<std::string> CsvRows::column(const std::string& name) const {
  CsvLayout layout;
  for (const std::string& other : names()) layout.columns.push_back({other});
  const std::size_t index = find_column(names(), name, "", state_->chunks.name());
  layout.columns[index].kept = true;
  ParsedChunks parsed = parse_all(state_->chunks, layout, state_->threads);
  std::vector<std::string> texts;
  texts.reserve(size());
  for (ParsedChunk& chunk : parsed) {
    for (const std::string& text : chunk.columns[index].kept) texts.emplace_back(trim(text));
  }
  return texts;
}

}  // namespace coppice::io
