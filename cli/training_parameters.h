// Training parameters as a person gives them: a JSON file, then key=value words.
#pragma once

#include <coppice/parameters.h>

#include <string>
#include <vector>

namespace coppice::cli {

/// Reads `{"max_depth": 5, "eval_metric": ["auc", "ap"], ...}`: numbers, texts, lists of these.
/// Errors: cli.usage when the file is no such object, io.file.read, core.parameter.*.
void set_from_file(Parameters& parameters, const std::string& path);

/// Sets `max_depth=5`. Errors: cli.usage when there is no `=`, core.parameter.*.
void set_from_word(Parameters& parameters, const std::string& word);

}  // namespace coppice::cli
