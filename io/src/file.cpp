#include <coppice/error.h>
#include <coppice/io/file.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "file_descriptor.h"
#include "file_steps.h"

namespace coppice::io {
namespace {

/// Where the bytes of `path` shall end up: the target of a symbolic link, so that the link stays one.
std::filesystem::path resolve(const std::string& path) {
  std::error_code failed;
  auto resolved = std::filesystem::canonical(path, failed);
  return failed ? std::filesystem::path(path) : resolved;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  return file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
}

/// Where the kernel shows an open file, so that one without a name can be given one.
std::string path_of(const Descriptor& descriptor) {
  return fmt::format("/proc/self/fd/{}", descriptor.number());
}

/// Opens a file without a name in the folder of `target`: it vanishes with the process, however that ends.
/// Not open where the file system or the kernel has no such files.
Descriptor open_nameless(const std::filesystem::path& target) {
  Descriptor file(::open(folder_of(target).c_str(), O_WRONLY | O_TMPFILE | O_CLOEXEC, 0666));
  const bool can_be_named = file.is_open() && ::access(path_of(file).c_str(), F_OK) == 0;
  return can_be_named ? std::move(file) : Descriptor();
}

/// Calls `make(name)` with names beside `target` until one is free. The name that was made, or an empty one
/// with errno set.
template <class Make>
std::string make_beside(const std::filesystem::path& target, const Make& make) {
  for (int attempt = 0;; ++attempt) {
    std::string name = fmt::format("{}.{}.{}.tmp", target.string(), ::getpid(), attempt);
    if (make(name)) return name;
    if (errno != EEXIST) return {};
  }
}

}  // namespace

void fail_to_read(const std::string& path, int code) {
  throw Error("io.file.read",
              fmt::format("{}: cannot read the file: {}", path, std::generic_category().message(code)));
}

void fail_to_write(const std::string& path, int code) {
  throw Error("io.file.write",
              fmt::format("{}: cannot write the file: {}", path, std::generic_category().message(code)));
}

void write_all(const Descriptor& file, std::string_view bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file.number(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail_to_write(path, errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

void sync_folder(const std::filesystem::path& file) {
  const Descriptor descriptor(::open(folder_of(file).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems cannot sync a folder; the rename itself has been done.
  if (descriptor.is_open()) ::fsync(descriptor.number());
}

std::string read_file(const std::string& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open()) fail_to_read(path, errno);
  std::string bytes;
  struct stat status {};
  if (::fstat(descriptor.number(), &status) == 0 && S_ISREG(status.st_mode)) {
    bytes.reserve(static_cast<std::size_t>(status.st_size));
  }
  std::array<char, 1 << 16> block;
  while (true) {
    const ssize_t got = ::read(descriptor.number(), block.data(), block.size());
    if (got == 0) return bytes;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_to_read(path, errno);
    bytes.append(block.data(), static_cast<std::size_t>(got));
  }
}

void write_file_atomically(const std::string& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

struct AtomicFile::State {
  explicit State(std::string given) : path(std::move(given)), target(resolve(path)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (!temporary.empty()) ::unlink(temporary.c_str());
  }

  /// Opens the file that becomes the target with `commit`.
  void open_replacement() {
    is_replacement = true;
    descriptor = open_nameless(target);
    if (descriptor.is_open()) return;
    temporary = make_beside(target, [this](const std::string& name) {
      descriptor = Descriptor(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      return descriptor.is_open();
    });
  }

  /// Gives a file without a name one beside the target; a link cannot replace a file, a rename can.
  void name_replacement() {
    if (!temporary.empty()) return;
    temporary = make_beside(target, [this](const std::string& name) {
      return ::linkat(AT_FDCWD, path_of(descriptor).c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
    });
    if (temporary.empty()) fail_to_write(path, errno);
  }

  std::string path;              ///< as it was given, for messages
  std::filesystem::path target;  ///< where the file goes
  bool is_replacement = false;   ///< not the target itself is written to, but a file that replaces it
  std::string temporary;         ///< name of the replacement; empty while it has none
  Descriptor descriptor;
};

AtomicFile::AtomicFile(const std::string& path) : state_(std::make_unique<State>(path)) {
  struct stat status {};
  const bool exists = ::stat(state_->target.c_str(), &status) == 0;
  if (exists && S_ISDIR(status.st_mode)) fail_to_write(path, EISDIR);
  if (exists && !S_ISREG(status.st_mode)) {
    state_->descriptor = Descriptor(::open(state_->target.c_str(), O_WRONLY | O_CLOEXEC));
  } else {
    state_->open_replacement();
  }
  if (!state_->descriptor.is_open()) fail_to_write(path, errno);
  if (exists && S_ISREG(status.st_mode) &&
      ::fchmod(state_->descriptor.number(), status.st_mode & 07777) != 0) {
    fail_to_write(path, errno);
  }
}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept = default;
AtomicFile& AtomicFile::operator=(AtomicFile&& other) noexcept = default;
AtomicFile::~AtomicFile() = default;

void AtomicFile::write(std::string_view bytes) { write_all(state_->descriptor, bytes, state_->path); }

void AtomicFile::commit() {
  if (!state_->is_replacement) return;
  if (::fsync(state_->descriptor.number()) != 0) fail_to_write(state_->path, errno);
  state_->name_replacement();
  if (::close(state_->descriptor.release()) != 0) fail_to_write(state_->path, errno);
  if (::rename(state_->temporary.c_str(), state_->target.c_str()) != 0) fail_to_write(state_->path, errno);
  state_->temporary.clear();
  sync_folder(state_->target);
}

}  // namespace coppice::io
