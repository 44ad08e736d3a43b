// Any bytes give a table or an Error, the same one however the text is cut and parsed, and a table that was
// read is read again by its own schema.
#include <coppice/error.h>
#include <csv_read.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::io {
namespace {

/// A file in memory.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : descriptor_(::memfd_create("csv_fuzz", MFD_CLOEXEC)) {
    if (::write(descriptor_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  [[nodiscard]] std::string path() const { return fmt::format("/proc/self/fd/{}", descriptor_); }

 private:
  int descriptor_;
};

/// The first byte of an input chooses the options, the rest is the file.
CsvOptions options_of(std::uint8_t bits) {
  CsvOptions options;
  options.threads = 1;
  options.has_header = (bits & 1) == 0;
  if ((bits & 2) != 0) options.label += '0';
  options.binary_label = (bits & 4) != 0;
  if ((bits & 8) != 0) options.weight += '1';
  if ((bits & 16) != 0) options.categorical = {"2"};
  if ((bits & 32) != 0) options.missing_tokens = {"-1", "?"};
  if ((bits & 64) != 0) options.keep = {"0"};
  if ((bits & 128) != 0) options.ignored = {"3"};
  return options;
}

struct Outcome {
  std::optional<CsvTable> table;
  std::string error;
};

Outcome outcome_of(const MemoryFile& file, const Schema* schema, const CsvOptions& options,
                   std::size_t chunk_bytes) {
  try {
    return {read_csv_in_chunks({file.path()}, schema, options, chunk_bytes), {}};
  } catch (const Error& error) {
    return {std::nullopt, error.what()};
  }
}

void require(bool condition, const std::string& what) {
  if (condition) return;
  fmt::print(stderr, "{}\n", what);
  std::abort();
}

void require_same(const Buffer<float>& a, const Buffer<float>& b, const char* what) {
  require(a.size() == b.size(), what);
  for (std::size_t i = 0; i < a.size(); ++i) {
    require(std::bit_cast<std::uint32_t>(a[i]) == std::bit_cast<std::uint32_t>(b[i]), what);
  }
}

void require_same(const CsvTable& a, const CsvTable& b, const char* what) {
  require(a.data.n_rows == b.data.n_rows && a.data.n_features() == b.data.n_features() && a.kept == b.kept,
          what);
  for (std::size_t f = 0; f < a.data.n_features(); ++f)
    require_same(a.data.columns[f], b.data.columns[f], what);
  require_same(a.data.labels, b.data.labels, what);
  require_same(a.data.weights, b.data.weights, what);
}

void test(std::uint8_t bits, std::string_view text) {
  const MemoryFile file(text);
  CsvOptions options = options_of(bits);
  const Outcome whole = outcome_of(file, nullptr, options, kChunkBytes);
  options.threads = 2;
  const Outcome pieces = outcome_of(file, nullptr, options, 5);
  // A stream that breaks off is noticed when its chunk is read; smaller chunks may have shown another
  // problem.
  const bool broken_stream = whole.error.starts_with("[io.gzip.") && !pieces.error.empty();
  require(whole.error == pieces.error || broken_stream,
          fmt::format("the error depends on the chunks:\n{}\n{}", whole.error, pieces.error));
  if (!whole.table) return;
  require(whole.table->data.schema == pieces.table->data.schema, "the schema depends on the chunks");
  require_same(*whole.table, *pieces.table, "the table depends on the chunks");
  const Outcome again = outcome_of(file, &whole.table->data.schema, options, 64);
  require(again.table.has_value(), "a table is refused by its own schema");
  require_same(*whole.table, *again.table, "a table is another one by its own schema");
}

}  // namespace
}  // namespace coppice::io

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) coppice::io::test(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
