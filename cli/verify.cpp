// coppice verify: are two model files the same, and if not, where they part.
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <coppice/model.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kVerifyFooter =
    "Example:\n"
    "  coppice verify one_thread.json many_threads.json\n"
    "Exit codes: 0 the files are equal, byte for byte; 1 they differ.";

struct VerifyArguments {
  std::string a, b;
  bool json = false;
};

/// In words; empty when the bytes are equal.
std::string difference(const VerifyArguments& arguments) {
  const std::string a = io::read_file(arguments.a);
  const std::string b = io::read_file(arguments.b);
  const Model model_a = io::read_model(a, arguments.a);
  const Model model_b = io::read_model(b, arguments.b);
  if (a == b) return {};
  std::string found = first_difference(model_a, model_b);
  if (!found.empty()) return found;
  const auto place = std::ranges::mismatch(a, b).in1 - a.begin();
  const bool same_format = io::format_of_path(arguments.a) == io::format_of_path(arguments.b);
  return fmt::format("the models are equal, but the files differ from byte {} on: they are {}", place,
                     same_format ? "written in different ways" : "in two formats");
}

ExitCode run_verify(const VerifyArguments& arguments) {
  const std::string found = difference(arguments);
  if (arguments.json) {
    write_json(nlohmann::ordered_json{{"equal", found.empty()}, {"difference", found}});
  } else if (found.empty()) {
    write_output("equal\n");
  } else {
    write_output(fmt::format("different: {}\n", found));
  }
  return found.empty() ? kSuccess : kFailure;
}

}  // namespace

Verb add_verify(CLI::App& program) {
  CLI::App* command = program.add_subcommand(
      "verify", "Tell whether two model files are equal, byte for byte, and the first difference if not");
  const auto arguments = std::make_shared<VerifyArguments>();
  command->add_option("A", arguments->a, "Model file")->required();
  command->add_option("B", arguments->b, "Model file")->required();
  add_json(*command, arguments->json);
  command->footer(kVerifyFooter);
  return {command, [arguments] { return run_verify(*arguments); }};
}

}  // namespace coppice::cli
