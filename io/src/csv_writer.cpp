#include <coppice/error.h>
#include <coppice/io/csv_writer.h>
#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <iterator>
#include <system_error>

namespace coppice::io {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

}  // namespace

void append_csv_field(std::string& out, std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    out += text;
    return;
  }
  out += '"';
  for (const char byte : text) {
    if (byte == '"') out += '"';
    out += byte;
  }
  out += '"';
}

CsvWriter::CsvWriter(const std::string& path) {
  if (!path.empty() && path != "-") file_.emplace(path);
}

void CsvWriter::begin_field() {
  if (row_begun_) row_ += ',';
  row_begun_ = true;
}

void CsvWriter::field(std::string_view text) {
  begin_field();
  append_csv_field(row_, text);
}

void CsvWriter::field(float number) {
  begin_field();
  if (!std::isnan(number)) fmt::format_to(std::back_inserter(row_), "{}", number);
}

void CsvWriter::field(double number) {
  begin_field();
  if (!std::isnan(number)) fmt::format_to(std::back_inserter(row_), "{}", number);
}

void CsvWriter::field(int number) {
  begin_field();
  fmt::format_to(std::back_inserter(row_), "{}", number);
}

void CsvWriter::field(std::size_t number) {
  begin_field();
  fmt::format_to(std::back_inserter(row_), "{}", number);
}

void CsvWriter::end_row() {
  record(row_.empty() ? "\"\"" : row_);
  row_.clear();
  row_begun_ = false;
}

void CsvWriter::record(std::string_view bytes) {
  buffer_ += bytes;
  buffer_ += '\n';
  if (buffer_.size() >= kBufferBytes) flush();
}

void CsvWriter::flush() {
  if (file_) {
    file_->write(buffer_);
  } else if (std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) != buffer_.size() ||
             std::fflush(stdout) != 0) {
    throw Error("io.file.write", "standard output: cannot write: " + std::generic_category().message(errno));
  }
  buffer_.clear();
}

void CsvWriter::commit() {
  flush();
  if (file_) file_->commit();
}

}  // namespace coppice::io
