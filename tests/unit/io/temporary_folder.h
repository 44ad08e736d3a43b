// A folder for the files of one test.
#pragma once

#include <coppice/io/file.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace coppice::io {

/// Made empty, removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = std::filesystem::temp_directory_path() / "coppice_test_XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    folder_ = pattern;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path(const std::string& name) const { return folder_ / name; }

  /// Writes a file; returns its path.
  std::string write(const std::string& name, std::string_view bytes) const {
    write_file_atomically(path(name), bytes);
    return path(name);
  }

  /// A message without the folder's path: `t.csv:3: ...`.
  [[nodiscard]] std::string without_folder(std::string message) const {
    const std::string prefix = folder_.string() + "/";
    for (std::size_t at = message.find(prefix); at != std::string::npos; at = message.find(prefix)) {
      message.erase(at, prefix.size());
    }
    return message;
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace coppice::io
