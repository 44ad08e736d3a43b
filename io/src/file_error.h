// The error of a file that cannot be read.
#pragma once

#include <string>

namespace coppice::io {

/// Throws io.file.read for a value of errno.
[[noreturn]] void fail_to_read(const std::string& path, int code);

}  // namespace coppice::io
