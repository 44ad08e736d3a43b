#include "text_source.h"

#include <coppice/error.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "file_descriptor.h"
#include "file_steps.h"

namespace coppice::io {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{1} << 18;
/// A pipe's own 64 KiB make writer and reader wait for each other at every turn.
constexpr std::size_t kPipeBytes = std::size_t{1} << 20;
constexpr std::string_view kGzipMagic = "\x1f\x8b";

/// Blocks of a descriptor, with what of the last block is not used yet.
class BlockReader {
 public:
  BlockReader(std::string path, Descriptor descriptor)
      : path_(std::move(path)), descriptor_(std::move(descriptor)), block_(kBlockBytes) {
#if defined(F_SETPIPE_SZ)
    ::fcntl(descriptor_.number(), F_SETPIPE_SZ, static_cast<int>(kPipeBytes));  // fails for what is no pipe
#endif
  }

  /// Bytes at hand; reads a block when there are none. Empty only at the end of the file.
  [[nodiscard]] std::string_view peek() {
    if (begin_ == end_) {
      begin_ = 0;
      end_ = read_some(block_.data(), block_.size());
    }
    return {block_.data() + begin_, end_ - begin_};
  }

  void consume(std::size_t size) noexcept { begin_ += size; }

  /// What is at hand, then straight from the descriptor: fewer bytes than `size` only at the end of the file.
  std::size_t read(char* out, std::size_t size) {
    std::size_t filled = std::min(size, end_ - begin_);
    std::memcpy(out, block_.data() + begin_, filled);
    consume(filled);
    while (filled < size) {
      const std::size_t got = read_some(out + filled, size - filled);
      if (got == 0) break;
      filled += got;
    }
    return filled;
  }

  /// True when the file begins with gzip's magic bytes. Call before anything is consumed.
  [[nodiscard]] bool starts_with_gzip_magic() {
    while (end_ < kGzipMagic.size()) {
      const std::size_t got = read_some(block_.data() + end_, block_.size() - end_);
      if (got == 0) break;
      end_ += got;
    }
    return std::string_view(block_.data(), end_).starts_with(kGzipMagic);
  }

  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::size_t read_some(char* out, std::size_t size) {
    while (true) {
      const ssize_t got = ::read(descriptor_.number(), out, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail_to_read(path_, errno);
    }
  }

  std::string path_;
  Descriptor descriptor_;
  std::vector<char> block_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

/// Inflates a gzip file of one or more members.
class Inflater {
 public:
  Inflater() {
    // 16: expect a gzip header.
    if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&stream_); }

  std::size_t read(BlockReader& file, char* out, std::size_t size) {
    std::size_t filled = 0;
    while (filled < size && (in_member_ || begin_member(file))) {
      const std::string_view input = file.peek();
      // Without input, what zlib still holds back comes out.
      const std::size_t inflated = inflate_block(file, input, out + filled, size - filled);
      filled += inflated;
      if (input.empty() && inflated == 0) {
        throw Error("io.gzip.truncated",
                    fmt::format("{}: the compressed data ends early, after {} bytes of text; the file is not "
                                "complete, copy or download it again",
                                file.path(), text_bytes_ + filled));
      }
    }
    text_bytes_ += filled;
    return filled;
  }

 private:
  /// Moves to the next member. False at the end of the file; zero bytes, with which some tools pad, are
  /// passed.
  bool begin_member(BlockReader& file) {
    for (std::string_view input = file.peek(); !input.empty(); input = file.peek()) {
      const std::size_t zeros = std::min(input.find_first_not_of('\0'), input.size());
      file.consume(zeros);
      if (zeros == input.size()) continue;
      if (::inflateReset(&stream_) != Z_OK) throw std::bad_alloc();
      in_member_ = true;
      return true;
    }
    return false;
  }

  std::size_t inflate_block(BlockReader& file, std::string_view input, char* out, std::size_t size) {
    constexpr std::size_t kMost = std::size_t{1} << 30;  // zlib counts in 32 bits
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    stream_.avail_out = static_cast<uInt>(std::min(size, kMost));
    const int status = ::inflate(&stream_, Z_NO_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      throw Error("io.gzip.corrupt", fmt::format("{}: the compressed data is damaged: {}", file.path(),
                                                 stream_.msg != nullptr ? stream_.msg : ::zError(status)));
    }
    file.consume(input.size() - stream_.avail_in);
    in_member_ = status != Z_STREAM_END;
    return std::min(size, kMost) - stream_.avail_out;
  }

  z_stream stream_{};
  bool in_member_ = false;
  std::size_t text_bytes_ = 0;
};

/// A mapping of a whole file, unmapped with the object.
class Mapping {
 public:
  Mapping(const Descriptor& file, std::size_t size) : size_(size) {
    data_ = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.number(), 0);
    if (data_ != MAP_FAILED) ::madvise(data_, size, MADV_SEQUENTIAL);
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (valid()) ::munmap(data_, size_);
  }

  [[nodiscard]] bool valid() const noexcept { return data_ != MAP_FAILED; }
  [[nodiscard]] std::string_view text() const noexcept { return {static_cast<const char*>(data_), size_}; }

 private:
  void* data_;
  std::size_t size_;
};

}  // namespace

struct TextSource::State {
  std::optional<Mapping> mapping;
  std::optional<BlockReader> file;
  std::optional<Inflater> inflater;
};

TextSource::TextSource(const std::string& path) : state_(std::make_unique<State>()) {
  const bool standard_input = path == "-";
  Descriptor descriptor(standard_input ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open()) fail_to_read(path, errno);
  struct stat status {};
  if (::fstat(descriptor.number(), &status) != 0) fail_to_read(path, errno);
  if (S_ISDIR(status.st_mode)) fail_to_read(path, EISDIR);

  // Of standard input some may have been read by whoever had it before.
  const bool is_whole = !standard_input || ::lseek(descriptor.number(), 0, SEEK_CUR) == 0;
  if (S_ISREG(status.st_mode) && is_whole && status.st_size > 0) {
    state_->mapping.emplace(descriptor, static_cast<std::size_t>(status.st_size));
    if (state_->mapping->valid() && !state_->mapping->text().starts_with(kGzipMagic)) return;
    state_->mapping.reset();
  }
  state_->file.emplace(standard_input ? "standard input" : path, std::move(descriptor));
  if (state_->file->starts_with_gzip_magic()) state_->inflater.emplace();
}

TextSource::TextSource(TextSource&&) noexcept = default;
TextSource& TextSource::operator=(TextSource&&) noexcept = default;
TextSource::~TextSource() = default;

std::optional<std::string_view> TextSource::mapped() const noexcept {
  if (!state_->mapping) return std::nullopt;
  return state_->mapping->text();
}

void TextSource::release(std::string_view mapped) noexcept {
  // Whole pages only: the ends are shared with the neighbours.
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const std::size_t before = reinterpret_cast<std::uintptr_t>(mapped.data()) % page;
  const std::size_t head = before == 0 ? 0 : page - before;
  if (mapped.size() < head + page) return;
  const std::string_view whole = mapped.substr(head, (mapped.size() - head) / page * page);
  ::madvise(const_cast<char*>(whole.data()), whole.size(), MADV_DONTNEED);
}

std::size_t TextSource::read(char* out, std::size_t size) {
  if (state_->inflater) return state_->inflater->read(*state_->file, out, size);
  return state_->file->read(out, size);
}

}  // namespace coppice::io
