// coppice parameters: the table of training parameters, for people and for docs/parameters.md.
#include <coppice/parameters.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kParametersFooter =
    "Examples:\n"
    "  coppice parameters\n"
    "  coppice parameters --markdown > docs/parameters.md";

struct ParametersArguments {
  bool markdown = false;
  bool json = false;
};

/// `|` would end a cell of a Markdown table.
std::string table_cell(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += c == '|' ? std::string("\\|") : std::string(1, c);
  return escaped;
}

std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", table_cell(text)); }

std::string markdown() {
  std::string text =
      "# Parameters\n\n"
      "Written by `coppice parameters --markdown`. Names are those of XGBoost and scikit-learn; an alias "
      "works\n"
      "wherever its name does. A model's bytes do not depend on the parameters marked *no* under *model*.\n\n"
      "| name | aliases | type | range | default | model | meaning |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const ParameterInfo& info : parameter_table()) {
    text += fmt::format("| {} | {} | {} | {} | {} | {} | {} |\n", code(info.name),
                        table_cell(fmt::format("{}", fmt::join(info.aliases, ", "))), info.type,
                        table_cell(info.range), code(info.default_text), info.in_model ? "yes" : "no",
                        table_cell(info.help));
  }
  text +=
      "\n## Accepted without effect\n\n"
      "Keys of XGBoost's where Coppice has nothing to choose.\n\n"
      "| name | values | why |\n"
      "|---|---|---|\n";
  for (const FixedParameter& fixed : fixed_parameter_table()) {
    text += fmt::format("| {} | {} | {} |\n", code(fixed.name),
                        table_cell(fmt::format("{}", fmt::join(fixed.values, ", "))), table_cell(fixed.help));
  }
  return text;
}

std::string plain() {
  std::string text;
  for (const ParameterInfo& info : parameter_table()) {
    const std::string aliases =
        info.aliases.empty() ? "" : fmt::format(" (also {})", fmt::join(info.aliases, ", "));
    text += fmt::format("{}{}\n    {}\n    {}: {}; default {}\n", info.name, aliases, info.help, info.type,
                        info.range, info.default_text.empty() ? "empty" : info.default_text);
  }
  return text;
}

nlohmann::ordered_json json() {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ParameterInfo& info : parameter_table()) {
    list.push_back({{"name", info.name},
                    {"aliases", info.aliases},
                    {"type", info.type},
                    {"range", info.range},
                    {"default", info.default_text},
                    {"in_model", info.in_model},
                    {"help", info.help}});
  }
  return list;
}

ExitCode run_parameters(const ParametersArguments& arguments) {
  if (arguments.json) {
    write_json(json());
  } else {
    write_output(arguments.markdown ? markdown() : plain());
  }
  return kSuccess;
}

}  // namespace

Verb add_parameters(CLI::App& program) {
  CLI::App* command =
      program.add_subcommand("parameters", "List the training parameters: names, ranges, defaults, meaning");
  const auto arguments = std::make_shared<ParametersArguments>();
  auto* const markdown_flag =
      command->add_flag("--markdown", arguments->markdown, "As the page docs/parameters.md");
  add_json(*command, arguments->json);
  command->get_option("--json")->excludes(markdown_flag);
  command->footer(kParametersFooter);
  return {command, [arguments] { return run_parameters(*arguments); }};
}

}  // namespace coppice::cli
