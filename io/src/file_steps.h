// Steps of reading and writing files that several sources share.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "file_descriptor.h"

namespace coppice::io {

/// Throws io.file.read for a value of errno.
[[noreturn]] void fail_to_read(const std::string& path, int code);
/// Throws io.file.write for a value of errno.
[[noreturn]] void fail_to_write(const std::string& path, int code);

/// Writes all bytes; `path` is for the error. Errors: io.file.write.
void write_all(const Descriptor& file, std::string_view bytes, const std::string& path);

/// Makes the name of a new file durable, where the file system can.
void sync_folder(const std::filesystem::path& file);

}  // namespace coppice::io
