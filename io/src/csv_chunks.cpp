#include "csv_chunks.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>

#include "csv_cells.h"

namespace coppice::io {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

std::string display_name(const std::string& path) { return path == "-" ? "standard input" : path; }

std::size_t count_lines(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count(text, '\n'));
}

}  // namespace

CsvChunks::CsvChunks(std::vector<std::string> paths, bool has_header, std::size_t chunk_bytes)
    : paths_(std::move(paths)), has_header_(has_header), chunk_bytes_(chunk_bytes) {
  if (paths_.empty()) throw Error("io.file.read", "no file was given");
  open_next_file();
}

std::string CsvChunks::name() const { return display_name(paths_.front()); }

const CsvChunk* CsvChunks::chunk(std::size_t index) {
  while (index >= chunks_.size()) {
    if (!read_chunk()) return nullptr;
  }
  return &chunks_[index];
}

std::string CsvChunks::place(CsvPosition where) const {
  const CsvChunk& last = chunks_[where.chunk];
  std::size_t line = 1;
  for (std::size_t i = 0; i < where.chunk; ++i) {
    if (chunks_[i].file == last.file) line += chunks_[i].n_lines.value_or(count_lines(chunks_[i].whole));
  }
  line += count_lines({last.whole.data(), static_cast<std::size_t>(where.at - last.whole.data())});
  return fmt::format("{}:{}", display_name(paths_[last.file]), line);
}

void CsvChunks::raise(const CsvProblem& problem) const {
  throw Error(problem.id, fmt::format("{}: {}", place(problem.where), problem.message));
}

void CsvChunks::release(const CsvChunk& chunk) const noexcept {
  if (chunk.slab == nullptr) TextSource::release(chunk.whole);
}

void CsvChunks::discard(std::size_t index) {
  CsvChunk& chunk = chunks_[index];
  chunk.n_lines = count_lines(chunk.whole);
  release(chunk);
  if (chunk.slab == nullptr) return;
  chunk.whole = chunk.records = {};
  chunk.slab.reset();
}

void CsvChunks::add_chunk(std::string_view whole, std::string_view records) {
  chunks_.push_back({whole, records, n_opened_ - 1, slab_, {}});
}

bool CsvChunks::read_chunk() {
  if (const auto text = next_text()) {
    add_chunk(*text, *text);
    return true;
  }
  if (n_opened_ == paths_.size()) return false;
  open_next_file();
  return true;
}

void CsvChunks::open_next_file() {
  const std::string& path = paths_[n_opened_++];
  source_.emplace(path);
  skip_byte_order_mark();
  while (const auto text = next_text()) {
    const char* const end = text->data() + text->size();
    const char* const begin = skip_blank_lines(text->data(), end);
    add_chunk(*text, {begin, static_cast<std::size_t>(end - begin)});
    if (begin == end) continue;
    read_header();
    return;
  }
  throw Error("io.csv.empty", display_name(path) + ": the file is empty");
}

void CsvChunks::skip_byte_order_mark() {
  if (const auto mapped = source_->mapped()) {
    rest_ = *mapped;
    if (!rest_.starts_with(kByteOrderMark)) return;
    rest_.remove_prefix(kByteOrderMark.size());
  } else {
    reserve(kByteOrderMark.size());
    const std::string_view mark{slab_->data() + carry_begin_,
                                source_->read(slab_->data() + carry_begin_, kByteOrderMark.size())};
    carry_end_ += mark.size();
    if (mark != kByteOrderMark) return;
    carry_begin_ = carry_end_;
  }
  bytes_ += kByteOrderMark.size();
}

void CsvChunks::read_header() {
  CsvChunk& chunk = chunks_.back();
  const CsvPosition record{chunks_.size() - 1, chunk.records.data()};
  const char* const text_end = record.at + chunk.records.size();
  std::vector<std::string> fields;
  std::string scratch;
  const char* end = record.at;
  while (true) {
    const Cell cell = scan_cell(end, text_end, scratch);
    if (cell.fault != CellFault::kNone) {
      raise(problem_of_cell(cell, record, end, fmt::format("f{}", fields.size())));
    }
    fields.emplace_back(cell.text);
    end = cell.end;
    if (*end == '\n') break;
    ++end;
  }
  const bool first_file = names_.empty();
  const std::vector<std::string> names = column_names(fields, record);
  if (has_header_) {
    if (first_file) header_ = without_line_end({record.at, static_cast<std::size_t>(end + 1 - record.at)});
    chunk.records.remove_prefix(static_cast<std::size_t>(end + 1 - record.at));
    if (!first_file) check_same_columns(names, record);
  }
  if (first_file) names_ = names;
}

std::vector<std::string> CsvChunks::column_names(const std::vector<std::string>& fields,
                                                 CsvPosition header) const {
  std::vector<std::string> names(fields.size());
  std::unordered_map<std::string_view, std::size_t> index_of;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::string_view name = has_header_ ? trim(fields[i]) : std::string_view();
    names[i] = name.empty() ? fmt::format("f{}", i) : std::string(name);
    if (!is_utf8(name)) {
      raise(
          {header, "io.csv.encoding",
           fmt::format("the name of column {} is not UTF-8: {}; convert the file to UTF-8", i, shown(name))});
    }
    const auto [previous, added] = index_of.emplace(names[i], i);
    if (!added) {
      raise({header, "io.csv.column_duplicate",
             fmt::format("columns {} and {} (counted from 0) are both named '{}'; rename one of them, or "
                         "read the table without a header if this row is data",
                         previous->second, i, names[i])});
    }
  }
  return names;
}

void CsvChunks::check_same_columns(const std::vector<std::string>& names, CsvPosition header) const {
  const auto [mine, first] = std::ranges::mismatch(names, names_);
  if (mine == names.end() && first == names_.end()) return;
  const std::string difference = mine == names.end()     ? fmt::format("column '{}' is missing", *first)
                                 : first == names_.end() ? fmt::format("column '{}' is extra", *mine)
                                                         : fmt::format("column {} is '{}' instead of '{}'",
                                                                       mine - names.begin(), *mine, *first);
  raise({header, "io.csv.columns_differ",
         fmt::format("the columns are not those of {}: {}; all files need the same columns in the same order",
                     name(), difference)});
}

std::optional<std::string_view> CsvChunks::next_text() {
  if (!source_) return std::nullopt;
  const auto text = source_->mapped() ? next_mapped() : next_streamed();
  if (!text) {
    if (source_->mapped()) mapped_sources_.push_back(std::move(*source_));
    source_.reset();
  }
  return text;
}

std::optional<std::string_view> CsvChunks::next_mapped() {
  slab_.reset();
  if (rest_.empty()) return std::nullopt;
  const std::string_view text = rest_.substr(0, record_end(rest_, chunk_bytes_ - 1));
  rest_.remove_prefix(text.size());
  bytes_ += text.size();
  if (text.ends_with('\n')) return text;
  slab_ = std::make_shared<Buffer<char>>(text.size() + 1);
  *std::ranges::copy(text, slab_->data()).out = '\n';
  carry_begin_ = carry_end_ = slab_->size();  // full
  return std::string_view(slab_->data(), slab_->size());
}

void CsvChunks::reserve(std::size_t size) {
  constexpr std::size_t kMostSlabBytes = std::size_t{16} << 20;
  if (slab_ != nullptr && carry_begin_ + size < slab_->size()) return;
  auto slab = std::make_shared<Buffer<char>>(std::max(size + 1, std::min(bytes_, kMostSlabBytes)));
  const std::size_t n_carried = carry_end_ - carry_begin_;
  if (n_carried != 0) std::memcpy(slab->data(), slab_->data() + carry_begin_, n_carried);
  slab_ = std::move(slab);
  carry_begin_ = 0;
  carry_end_ = n_carried;
}

std::optional<std::string_view> CsvChunks::next_streamed() {
  std::size_t length = 0;
  // A little more than a chunk, so that its last record most likely ends within.
  for (std::size_t wanted = chunk_bytes_ + chunk_bytes_ / 16;; wanted *= 2) {
    reserve(wanted);
    if (const std::size_t had = carry_end_ - carry_begin_; had < wanted) {
      carry_end_ += source_->read(slab_->data() + carry_end_, wanted - had);
    }
    const std::string_view text(slab_->data() + carry_begin_, carry_end_ - carry_begin_);
    length = record_end(text, chunk_bytes_ - 1);
    if (length != std::string_view::npos) break;
    if (text.size() >= wanted) continue;
    length = text.size();
    break;
  }
  bytes_ += length;
  if (length == 0) return std::nullopt;
  char* const begin = slab_->data() + carry_begin_;
  carry_begin_ += length;
  if (begin[length - 1] != '\n') {  // the end of the text
    begin[length++] = '\n';
    carry_begin_ = ++carry_end_;
  }
  return std::string_view(begin, length);
}

}  // namespace coppice::io
