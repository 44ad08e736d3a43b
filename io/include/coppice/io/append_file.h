// A file of lines that grows by one writer at a time, and survives its death at any moment.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace coppice::io {

/// Lines of text that are only ever appended. While it is open this process has a lock on the file, which the
/// system takes back however the process ends. Readers need no lock: they see whole lines and perhaps the
/// begin of one.
class AppendFile {
 public:
  /// Opens or makes a file. What a crash left behind the last line end is cut off.
  /// Errors: io.file.locked when another process (or another AppendFile) has it open; io.file.write;
  /// io.file.read.
  explicit AppendFile(const std::string& path);
  AppendFile(AppendFile&& other) noexcept;
  AppendFile& operator=(AppendFile&& other) noexcept;
  ~AppendFile();

  /// What it held when it was opened.
  [[nodiscard]] const std::string& text() const noexcept;

  /// Appends lines, each with its line end, in one write. Errors: io.file.write.
  void append(std::string_view lines);
  /// Waits until everything that was appended is on the disk. Errors: io.file.write.
  void sync();

  /// Does some process have this file open as an AppendFile? No when there is no such file.
  [[nodiscard]] static bool is_locked(const std::string& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::io
