// Where a training writes its model.
#pragma once

#include <string>

namespace coppice::cli {

/// Can a model be saved here? Asked before training: a long one must not end in a model that cannot.
/// Errors: cli.usage for `-`, io.file.write for a folder and for a file in no writable folder.
void check_model_destination(const std::string& path);

}  // namespace coppice::cli
