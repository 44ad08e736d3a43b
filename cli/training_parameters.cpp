#include "training_parameters.h"

#include <coppice/error.h>
#include <coppice/io/file.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

namespace coppice::cli {
namespace {

using Json = nlohmann::json;

/// The text that set_parameter takes. Numbers keep their shortest exact form.
std::string value_text(const Json& value, const std::string& place) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.dump();
  throw Error("cli.usage", fmt::format("{}: expected a number, a text, or a list of these", place));
}

std::string list_text(const Json& values, const std::string& place) {
  std::string text;
  for (const Json& value : values) {
    if (!text.empty()) text += ',';
    text += value_text(value, place);
  }
  return text;
}

}  // namespace

void add_training_parameters(CLI::App& command, ParameterWords& words) {
  command.add_option("--param", words.words, "One training parameter; may be repeated")
      ->allow_extra_args(false)
      ->type_name("KEY=VALUE");
  command.add_option("--params", words.file, "Training parameters as a JSON object; --param wins")
      ->type_name("FILE.json");
  command.add_option("--seed", words.seed, "Seed of every random choice")->type_name("N");
  command.add_option("--threads", words.threads, "Threads; 0 is all cores. The model does not depend on it")
      ->type_name("N");
  command.add_option("--device", words.device, "cpu, cuda, cuda:N or auto")->type_name("DEVICE");
}

Parameters read_parameters(const ParameterWords& words, Parameters defaults) {
  Parameters parameters = std::move(defaults);
  if (!words.file.empty()) set_from_file(parameters, words.file);
  for (const std::string& word : words.words) set_from_word(parameters, word);
  if (!words.seed.empty()) set_parameter(parameters, "seed", words.seed);
  if (!words.device.empty()) set_parameter(parameters, "device", words.device);
  if (!words.threads.empty()) set_parameter(parameters, "threads", words.threads);
  validate(parameters);
  return parameters;
}

void set_from_file(Parameters& parameters, const std::string& path) {
  const std::string bytes = io::read_file(path);
  const Json file = Json::parse(bytes, nullptr, false);
  if (!file.is_object()) {
    throw Error("cli.usage", fmt::format("{}: expected a JSON object such as {{\"max_depth\": 5}}", path));
  }
  for (const auto& [key, value] : file.items()) {
    const std::string place = fmt::format("{}: {}", path, key);
    set_parameter(parameters, key, value.is_array() ? list_text(value, place) : value_text(value, place));
  }
}

void set_from_word(Parameters& parameters, const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos) {
    throw Error("cli.usage", fmt::format("--param {}: expected key=value, such as max_depth=5", word));
  }
  set_parameter(parameters, std::string_view(word).substr(0, equals),
                std::string_view(word).substr(equals + 1));
}

}  // namespace coppice::cli
