// The frame of a program that measures: arguments, then one run.
#pragma once

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>

namespace coppice::bench {

/// declare(app, arguments) names what may be typed, run(arguments) measures. Returns the exit code; errors go
/// to standard error.
template <class Arguments>
int run_program(int argc, char** argv, void (*declare)(CLI::App&, Arguments&),
                void (*run)(const Arguments&)) {
  CLI::App app;
  Arguments arguments;
  declare(app, arguments);
  CLI11_PARSE(app, argc, argv);
  try {
    run(arguments);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}

}  // namespace coppice::bench
