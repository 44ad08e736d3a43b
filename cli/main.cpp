// coppice: one program, one file per verb. This one reads the command line and turns errors into exit codes.
#include <coppice/error.h>
#include <coppice/model.h>
#include <coppice/nearest_name.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <exception>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kDescription =
    "Coppice: gradient-boosted trees for fraud data, the same bytes everywhere";
constexpr const char* kProgramFooter =
    "From a table to scores:\n"
    "  coppice describe transactions.csv --label Class\n"
    "  coppice split transactions.csv --label Class --out parts --fractions 0.7,0.2,0.1 --seed 1729\n"
    "  coppice train --train parts/train.csv --valid parts/validation.csv --label Class --model fraud.json\n"
    "  coppice evaluate --model fraud.json parts/test.csv\n"
    "  coppice predict --model fraud.json new.csv --out scores.csv\n"
    "`coppice VERB --help` explains a verb. Exit codes: 0 done, 1 bad data or a failed job, 2 bad usage.";

/// Errors that are about what was typed, not about data.
bool is_usage(const Error& error) {
  static constexpr std::array<std::string_view, 18> kUsage = {"cli.usage",
                                                              "core.parameter.",
                                                              "core.train.early_stopping",
                                                              "core.metric.unknown",
                                                              "core.metric.column",
                                                              "core.metric.cost",
                                                              "core.objective.unknown",
                                                              "kernels.device.unknown",
                                                              "core.threshold.rule",
                                                              "tune.split.",
                                                              "tune.range",
                                                              "tune.space",
                                                              "tune.study",
                                                              "serve.option.",
                                                              "serve.model.name",
                                                              "serve.model.exists",
                                                              "serve.listen.address",
                                                              "serve.request.output"};
  return std::ranges::any_of(kUsage, [&](std::string_view id) { return error.id().starts_with(id); });
}

ExitCode report(const Error& error) {
  write_log(fmt::format("coppice: {}\n", error.what()));
  return is_usage(error) ? kBadUsage : kFailure;
}

/// The parser's own words for --help and --version, ours for mistakes. `caller` is what was called: the
/// program, or the program and its verb.
ExitCode report(const CLI::App& program, const CLI::ParseError& error, const std::string& caller) {
  std::ostringstream output;
  if (program.exit(error, output, output) == 0) {
    write_output(output.str());
    return kSuccess;
  }
  return report(Error("cli.usage", fmt::format("{}; see {} --help", error.what(), caller)));
}

/// Refuses a first word that is no verb, with the one that was probably meant.
void check_verb(const std::vector<Verb>& verbs, const std::string& word) {
  std::vector<std::string> names;
  names.reserve(verbs.size());
  for (const Verb& verb : verbs) names.push_back(verb.command->get_name());
  if (std::ranges::find(names, word) != names.end()) return;
  const std::string nearest = nearest_name(word, names);
  throw Error("cli.usage",
              nearest.empty()
                  ? fmt::format("there is no verb '{}'; there are {}", word, fmt::join(names, ", "))
                  : fmt::format("there is no verb '{}'; did you mean {}?", word, nearest));
}

/// Without this a stream that the caller closed would be the first file that is opened, and take our output.
void hold_closed_streams() {
  while (true) {
    const int stream = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (stream > STDERR_FILENO) ::close(stream);
    if (stream < 0 || stream > STDERR_FILENO) return;
  }
}

ExitCode run(int argc, const char* const* argv) {
  CLI::App program(kDescription, "coppice");
  program.footer(kProgramFooter);
  program.set_version_flag("--version", "coppice " + std::string(version()));
  program.require_subcommand(1);
  const std::vector<Verb> verbs = {add_describe(program),   add_split(program),   add_train(program),
                                   add_tune(program),       add_predict(program), add_evaluate(program),
                                   add_report(program),     add_inspect(program), add_verify(program),
                                   add_parameters(program), add_serve(program)};
  const bool has_verb = argc > 1 && argv[1][0] != '-';
  if (has_verb) check_verb(verbs, argv[1]);
  if (argc == 1) throw Error("cli.usage", "a verb is missing; see coppice --help");
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return report(program, error, has_verb ? fmt::format("coppice {}", argv[1]) : "coppice");
  }
  const auto chosen = std::ranges::find_if(verbs, [](const Verb& verb) { return verb.command->parsed(); });
  return chosen->run();
}

}  // namespace
}  // namespace coppice::cli

int main(int argc, char** argv) {
  using namespace coppice::cli;
  // A reader that has seen enough (`coppice ... | head`) ends the program without a word, even where the
  // parent process ignores the signal.
  std::signal(SIGPIPE, SIG_DFL);
  hold_closed_streams();
  try {
    return run(argc, argv);
  } catch (const coppice::Error& error) {
    return report(error);
  } catch (const std::bad_alloc&) {
    return report(coppice::Error("cli.memory", "there is not enough memory for this job"));
  } catch (const std::exception& error) {
    return report(coppice::Error("cli.unexpected", error.what()));
  }
}
