#include "model_destination.h"

#include <coppice/error.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

namespace coppice::cli {

void check_model_destination(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent.string();
  if (path == "-") throw Error("cli.usage", "--model -: a model goes to a file; name it");
  if (std::filesystem::is_directory(path)) {
    throw Error("io.file.write", fmt::format("{}: is a folder; name a file in it", path));
  }
  if (!std::filesystem::is_directory(folder) || ::access(folder.c_str(), W_OK) != 0) {
    throw Error("io.file.write",
                fmt::format("{}: folder {} does not exist or cannot be written to", path, folder));
  }
}

}  // namespace coppice::cli
