// The text of a file: mapped, read from a pipe, or inflated.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::io {

/// Opens a file, `-` for standard input, and says by content (gzip's magic bytes) whether to inflate it.
/// A plain regular file is mapped, also as standard input; it must not shrink meanwhile. Anything else is
/// read as a stream.
class TextSource {
 public:
  /// Errors: io.file.read.
  explicit TextSource(const std::string& path);
  TextSource(TextSource&&) noexcept;
  TextSource& operator=(TextSource&&) noexcept;
  ~TextSource();

  /// The whole text of a mapped file, valid as long as this object; nothing for a stream.
  [[nodiscard]] std::optional<std::string_view> mapped() const noexcept;

  /// Gives the memory of a part of a mapped text back; it is read from the file again when it is looked at
  /// again.
  static void release(std::string_view mapped) noexcept;

  /// The next bytes of a stream: fewer than `size` only at the end of the text.
  /// Errors: io.file.read, io.gzip.truncated, io.gzip.corrupt.
  [[nodiscard]] std::size_t read(char* out, std::size_t size);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::io
