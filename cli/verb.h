// The verbs of the coppice program, one file each.
#pragma once

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
}

namespace coppice::cli {

/// Exit codes of the program.
enum ExitCode : int {
  kSuccess = 0,
  kFailure = 1,  ///< bad data, a failed job, or models that differ
  kBadUsage = 2,
};

/// A verb as the program's parser knows it, and what it does when a person chose it: `run` is called after
/// the whole command line was read. It prints results to standard output and raises coppice::Error.
struct Verb {
  CLI::App* command;
  std::function<ExitCode()> run;
};

[[nodiscard]] Verb add_describe(CLI::App& program);
[[nodiscard]] Verb add_split(CLI::App& program);
[[nodiscard]] Verb add_train(CLI::App& program);
[[nodiscard]] Verb add_tune(CLI::App& program);
[[nodiscard]] Verb add_predict(CLI::App& program);
[[nodiscard]] Verb add_evaluate(CLI::App& program);
[[nodiscard]] Verb add_report(CLI::App& program);
[[nodiscard]] Verb add_inspect(CLI::App& program);
[[nodiscard]] Verb add_verify(CLI::App& program);
[[nodiscard]] Verb add_parameters(CLI::App& program);
[[nodiscard]] Verb add_serve(CLI::App& program);

}  // namespace coppice::cli
