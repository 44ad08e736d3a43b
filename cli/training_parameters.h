// Training parameters as a person gives them: a JSON file, then key=value words.
#pragma once

#include <coppice/parameters.h>

#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
}

namespace coppice::cli {

/// Training parameters as they were typed.
struct ParameterWords {
  std::vector<std::string> words;  ///< key=value
  std::string file;
  std::string seed, device, threads;  ///< texts: the parameter table checks them
};

/// --param, --params, --seed, --threads, --device. The words must live until the command line has been read.
void add_training_parameters(CLI::App& command, ParameterWords& words);

/// The file, then the words, then the options, over `defaults`. Errors: cli.usage, core.parameter.*.
[[nodiscard]] Parameters read_parameters(const ParameterWords& words, Parameters defaults = {});

/// Reads `{"max_depth": 5, "eval_metric": ["auc", "ap"], ...}`: numbers, texts, lists of these.
/// Errors: cli.usage when the file is no such object, io.file.read, core.parameter.*.
void set_from_file(Parameters& parameters, const std::string& path);

/// Sets `max_depth=5`. Errors: cli.usage when there is no `=`, core.parameter.*.
void set_from_word(Parameters& parameters, const std::string& word);

}  // namespace coppice::cli
