#include <coppice/error.h>
#include <coppice/io/append_file.h>
#include <coppice/io/file.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "file_descriptor.h"
#include "file_steps.h"

namespace coppice::io {
namespace {

/// A lock on the whole file that belongs to the open file, not to the process: closing another descriptor of
/// the file does not release it.
struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

}  // namespace

struct AppendFile::State {
  std::string path;
  Descriptor descriptor;
  std::string text;
};

AppendFile::AppendFile(const std::string& path) : state_(std::make_unique<State>()) {
  state_->path = path;
  state_->descriptor = Descriptor(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  const int file = state_->descriptor.number();
  if (file < 0) fail_to_write(path, errno);
  struct flock lock = whole_file();
  if (::fcntl(file, F_OFD_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) fail_to_write(path, errno);
    throw Error("io.file.locked", fmt::format("{}: another process writes to this file", path));
  }
  std::string& text = state_->text = read_file(path);
  const std::size_t last_end = text.rfind('\n');
  text.resize(last_end == std::string::npos ? 0 : last_end + 1);
  if (::ftruncate(file, static_cast<off_t>(text.size())) != 0) fail_to_write(path, errno);
  sync_folder(path);
}

AppendFile::AppendFile(AppendFile&& other) noexcept = default;
AppendFile& AppendFile::operator=(AppendFile&& other) noexcept = default;
AppendFile::~AppendFile() = default;

const std::string& AppendFile::text() const noexcept { return state_->text; }

void AppendFile::append(std::string_view lines) { write_all(state_->descriptor, lines, state_->path); }

void AppendFile::sync() {
  if (::fsync(state_->descriptor.number()) != 0) fail_to_write(state_->path, errno);
}

bool AppendFile::is_locked(const std::string& path) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!descriptor.is_open()) return false;
  struct flock lock = whole_file();
  return ::fcntl(descriptor.number(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace coppice::io
