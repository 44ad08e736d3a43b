// Reading the rows of a request on one thread: 500 rows of 30 columns, as the batches that a client of the
// prediction server sends, in each format. Before anything is timed, the values are compared with those that
// were written.
#include <benchmark/benchmark.h>
#include <coppice/serve/rows.h>
#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace coppice::serve {
namespace {

constexpr std::size_t kRows = 500;
constexpr std::size_t kFeatures = 30;

/// Doubles of about the sizes that standardised features have: 17 digits in text.
std::vector<double> make_values() {
  std::mt19937_64 random(1729);
  std::vector<double> values(kRows * kFeatures);
  for (double& value : values) {
    const double unit = static_cast<double>(random() >> 11) * 0x1p-53;
    value = (unit * 2 - 1) * static_cast<double>(1 + random() % 3);
  }
  return values;
}

/// Rows with `separator` between values, `begin` and `end` around each.
std::string as_text(const std::vector<double>& values, std::string_view begin, std::string_view end) {
  std::string text;
  for (std::size_t i = 0; i < kRows; ++i) {
    text += begin;
    for (std::size_t f = 0; f < kFeatures; ++f) {
      text += fmt::format("{}{}", f == 0 ? "" : ",", values[i * kFeatures + f]);
    }
    text += end;
  }
  return text;
}

std::string as_libsvm(const std::vector<double>& values) {
  std::string text;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (std::size_t f = 0; f < kFeatures; ++f) text += fmt::format(" {}:{}", f, values[i * kFeatures + f]);
    text += '\n';
  }
  return text;
}

std::string as_json(const std::vector<double>& values) {
  std::string rows = as_text(values, "[", "],");
  rows.pop_back();
  return fmt::format("{{\"instances\":[{}]}}", rows);
}

std::string as_npy(const std::vector<double>& values) {
  std::string header =
      fmt::format("{{'descr': '<f8', 'fortran_order': False, 'shape': ({}, {}), }}", kRows, kFeatures);
  header.resize(118 - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00\x76\x00", 10);
  bytes += header;
  const std::size_t size = bytes.size();
  bytes.resize(size + values.size() * sizeof(double));
  std::memcpy(bytes.data() + size, values.data(), values.size() * sizeof(double));
  return bytes;
}

RowReader make_reader() {
  Schema schema;
  for (std::size_t f = 0; f < kFeatures; ++f) schema.features.push_back({.name = fmt::format("V{}", f)});
  return RowReader(schema);
}

bool is_right(const RowReader& reader, BodyFormat format, const std::string& body,
              const std::vector<double>& values) {
  RowBatch rows;
  reader.read({format}, body, rows);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto expected = static_cast<float>(values[i]);
    if (rows.n_rows() != kRows || rows.values()[i] != expected) return false;
  }
  return true;
}

void read_rows(benchmark::State& state, BodyFormat format, const std::string& body) {
  const RowReader reader = make_reader();
  RowBatch rows;
  while (state.KeepRunning()) {
    reader.read({format}, body, rows);
    benchmark::DoNotOptimize(rows.values().data());
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
}

}  // namespace
}  // namespace coppice::serve

int main(int argc, char** argv) {
  using namespace coppice::serve;
  struct Case {
    const char* name;
    BodyFormat format;
    std::string body;
  };
  const std::vector<double> values = make_values();
  const std::vector<Case> cases{{"csv", BodyFormat::kCsv, as_text(values, "", "\n")},
                                {"libsvm", BodyFormat::kLibsvm, as_libsvm(values)},
                                {"json", BodyFormat::kJson, as_json(values)},
                                {"jsonlines", BodyFormat::kJsonLines, as_text(values, "[", "]\n")},
                                {"npy", BodyFormat::kNpy, as_npy(values)}};
  const RowReader reader = make_reader();
  for (const Case& one : cases) {
    if (!is_right(reader, one.format, one.body, values)) {
      std::fprintf(stderr, "%s: the values are not those that were written\n", one.name);
      return 1;
    }
    benchmark::RegisterBenchmark(one.name, read_rows, one.format, one.body);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
