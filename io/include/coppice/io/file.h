// Whole files: read at once, written atomically.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace coppice::io {

/// The bytes of a file. Errors: io.file.read when it is missing, a directory or unreadable.
[[nodiscard]] std::string read_file(const std::string& path);

/// Replaces a file as one step: a temporary file beside it, fsync, rename, fsync of the folder. Whoever reads
/// `path` meanwhile, or after a crash, sees the old bytes or the new ones. A replaced file keeps its
/// permissions, a symbolic link to a file stays one, and what is no regular file (a pipe, /dev/null) is
/// simply written to. Errors: io.file.write; the previous file is then untouched and no temporary file is
/// left. Where the file system has files without a name (O_TMPFILE), a killed process leaves none either.
void write_file_atomically(const std::string& path, std::string_view bytes);

/// A file that appears at `path`, as write_file_atomically would put it there, when it is complete: for
/// output that is made piece by piece. Destroyed before `commit`, it leaves no trace.
class AtomicFile {
 public:
  /// Errors: io.file.write.
  explicit AtomicFile(const std::string& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&& other) noexcept;
  ~AtomicFile();

  /// Appends bytes, unbuffered. Errors: io.file.write.
  void write(std::string_view bytes);

  /// Makes the file durable and gives it its name. Nothing may be written after. Errors: io.file.write.
  void commit();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::io
