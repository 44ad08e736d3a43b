// Scores a matrix in batches of several sizes on one thread and prints one JSON line with rows and seconds of
// each: Coppice, or another library behind compare/native/scorer.h.
#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <coppice/scorer.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "matrix_file.h"
#include "program.h"

extern "C" {
#include "compare/native/scorer.h"
}

namespace coppice::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  std::string model, rows, margins, library;
  double seconds = 0;
  std::vector<std::size_t> batches;
};

/// Margins of a row-major batch.
using Score = std::function<void(std::span<const float> rows, std::span<float> margins)>;

Score coppice_score(const Arguments& arguments, std::size_t n_features) {
  const auto scorer = std::make_shared<const Scorer>(io::load_model(arguments.model));
  if (scorer->n_features() != n_features) {
    throw Error("bench.score.features", fmt::format("{}: {} features, but {} has {}", arguments.rows,
                                                    n_features, arguments.model, scorer->n_features()));
  }
  return [scorer](std::span<const float> rows, std::span<float> margins) {
    if (margins.size() == 1) {
      margins[0] = scorer->score(rows, Output::kMargin);
    } else {
      scorer->score_rows(rows, margins, Output::kMargin);
    }
  };
}

template <class Function>
Function* symbol(void* library, const char* name, const std::string& path) {
  void* const address = dlsym(library, name);
  if (address == nullptr) throw Error("bench.score.library", fmt::format("{}: has no {}()", path, name));
  return reinterpret_cast<Function*>(address);
}

/// The library stays loaded until the process ends.
Score library_score(const Arguments& arguments, std::size_t n_features) {
  void* const library = dlopen(arguments.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Error("bench.score.library", dlerror());
  auto* const prepare_library = symbol<decltype(prepare)>(library, "prepare", arguments.library);
  auto* const score_library = symbol<decltype(score)>(library, "score", arguments.library);
  if (prepare_library(arguments.model.c_str(), static_cast<int>(n_features)) != 0) {
    throw Error("bench.score.library", fmt::format("{}: cannot use {}", arguments.library, arguments.model));
  }
  return [score_library, path = arguments.library](std::span<const float> rows, std::span<float> margins) {
    if (score_library(rows.data(), static_cast<int>(margins.size()), margins.data()) != 0) {
      throw Error("bench.score.library", fmt::format("{}: does not score", path));
    }
  };
}

/// One batch after the other, from the first row again after the last, until `seconds` are over. Where the
/// next batch begins depends on a margin, so no call begins before the one before it ends.
Json time_batches(const Score& score_batch, std::span<const float> rows, std::size_t n_rows,
                  std::size_t batch, double seconds) {
  constexpr std::size_t kRowsBetweenClocks = 256;
  using Clock = std::chrono::steady_clock;
  if (batch == 0 || batch > n_rows) {
    throw Error("bench.score.batch", fmt::format("a batch of {} rows, but there are {}", batch, n_rows));
  }
  const std::size_t n_features = rows.size() / n_rows;
  std::vector<float> margins(batch);
  const auto run = [&](std::size_t first) {
    score_batch(rows.subspan(first * n_features, batch * n_features), margins);
    const std::size_t next = first + batch + static_cast<std::size_t>(margins[0] > 1e30F);
    return next + batch <= n_rows ? next : 0;
  };
  std::size_t first = run(0);  // warm
  std::size_t n_scored = 0;
  std::chrono::duration<double> elapsed{};
  for (const auto start = Clock::now(); elapsed.count() < seconds; elapsed = Clock::now() - start) {
    for (std::size_t in_chunk = 0; in_chunk < kRowsBetweenClocks; in_chunk += batch, n_scored += batch) {
      first = run(first);
    }
  }
  return {{"batch", batch}, {"rows", n_scored}, {"seconds", elapsed.count()}};
}

void write_margins(std::span<const float> margins, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(margins.data()),
             static_cast<std::streamsize>(margins.size_bytes()));
  if (!file) throw Error("bench.margins.write", fmt::format("{}: cannot be written", path));
}

void run(const Arguments& arguments) {
  const Dataset data = read_matrix(arguments.rows);
  const std::vector<float> rows = row_major(data);
  const Score score_batch = arguments.library.empty() ? coppice_score(arguments, data.n_features())
                                                      : library_score(arguments, data.n_features());
  std::vector<float> margins(data.n_rows);
  score_batch(rows, margins);
  write_margins(margins, arguments.margins);
  Json measured = Json::array();
  for (const std::size_t batch : arguments.batches) {
    measured.push_back(time_batches(score_batch, rows, data.n_rows, batch, arguments.seconds));
  }
  fmt::print("{}\n", Json{{"batches", std::move(measured)}}.dump());
}

void declare(CLI::App& app, Arguments& arguments) {
  app.description("Scores a matrix in batches on one thread and prints one JSON line.");
  app.add_option("model", arguments.model, "Model file")->required();
  app.add_option("rows", arguments.rows, "Matrix file to score (bench/matrix_file.h)")->required();
  app.add_option("margins", arguments.margins, "File for all margins, float32")->required();
  app.add_option("seconds", arguments.seconds, "Least time for each batch size")->required();
  app.add_option("batches", arguments.batches, "Rows in a batch: 1,100")->required()->delimiter(',');
  app.add_option("--library", arguments.library,
                 "Shared library that scores instead (compare/native/scorer.h)");
}

}  // namespace
}  // namespace coppice::bench

int main(int argc, char** argv) {
  return coppice::bench::run_program(argc, argv, coppice::bench::declare, coppice::bench::run);
}
