// A request on one core without sockets: the bytes that came in to the bytes that go out, and its parts. CSV
// of 30 columns at 17 digits, 100 trees of depth 6; one row a request, and 500.
//
// Bodies differ from one request to the next: a processor's branch predictor learns one by heart. Before
// anything is timed, answers are compared with those of the naive walk.
#include <benchmark/benchmark.h>
#include <coppice/io/model_file.h>
#include <coppice/scorer.h>
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "full_trees.h"
#include "request.h"
#include "service.h"

namespace coppice::serve {
namespace {

constexpr std::size_t kValues = 4 * 500 * bench::kFeatures;

struct Requests {
  std::vector<std::string> bodies;
  std::vector<std::string> texts;     ///< with header
  std::vector<std::string> expected;  ///< bodies of the answers
};

Requests make_requests(const Model& model, std::size_t n_rows) {
  std::mt19937_64 random(n_rows);
  std::normal_distribution<double> normal;
  Requests requests;
  std::vector<float> row(bench::kFeatures);
  while (requests.bodies.size() * n_rows * bench::kFeatures < kValues) {
    std::string& body = requests.bodies.emplace_back();
    std::string& expected = requests.expected.emplace_back();
    for (std::size_t i = 0; i < n_rows; ++i) {
      for (std::size_t f = 0; f < bench::kFeatures; ++f) {
        const double value = normal(random);
        row[f] = static_cast<float>(value);
        body += fmt::format("{}{}", f == 0 ? "" : ",", value);
      }
      body += '\n';
      std::vector<float> score{predict_margin(model, row)};
      margins_to_predictions(model.objective, score);
      expected += fmt::format("{}\n", score.front());
    }
    requests.texts.push_back(
        fmt::format("POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
                    "text/csv\r\nContent-Length: {}\r\n\r\n{}",
                    body.size(), body));
  }
  return requests;
}

/// A server without sockets: one thread's part of it.
class Desk {
 public:
  explicit Desk(const Model& model) : service_({.threads = 1}, store_, 1), worker_(service_.make_worker(0)) {
    const std::filesystem::path file =
        std::filesystem::temp_directory_path() / "coppice_request_benchmark.json";
    io::save_model(model, file);
    store_.load("model", file);
    std::filesystem::remove(file);
  }

  /// The answer as it goes over the wire; valid until the next call.
  const std::string& answer(const std::string& text) {
    parse(text);
    const Route route = find_route(request_.target);
    response_.clear();
    if (service_.admit(request_, route, Origin::kPublic, response_))
      service_.answer(request_, route, worker_, response_);
    out_.clear();
    append_response(out_, response_, true, false);
    return out_;
  }

  /// HTTP alone.
  void parse(const std::string& text) {
    RequestParser parser(request_, storage_, Limits().header_bytes, Limits().body_bytes);
    boost::beast::error_code failed;
    parser.parse(boost::asio::buffer(text), failed);
    if (!parser.is_done()) std::abort();
  }

 private:
  ModelStore store_{{.drift = {.n_writers = 2}}};
  Service service_;
  Worker worker_;
  Request request_;
  std::string storage_;
  Response response_;
  std::string out_;
};

/// A model and what belongs to it, and requests of one size.
struct Case {
  Model model;
  Requests requests;
  Desk desk{model};
  RowReader reader{model.schema};
  Answerer answerer{model};
  std::vector<RowBatch> batches;  ///< of each body

  Case(Model made, std::size_t n_rows) : model(std::move(made)), requests(make_requests(model, n_rows)) {
    for (const std::string& body : requests.bodies)
      reader.read({BodyFormat::kCsv}, body, batches.emplace_back());
  }

  [[nodiscard]] bool is_right() {
    for (std::size_t i = 0; i < requests.texts.size(); ++i) {
      const std::string& answer = desk.answer(requests.texts[i]);
      if (!answer.starts_with("HTTP/1.1 200 OK") || !answer.ends_with("\r\n\r\n" + requests.expected[i]))
        return false;
    }
    return true;
  }
};

template <class Work>
void add_benchmark(const char* name, std::size_t n_rows, std::size_t n_requests, Work work) {
  const auto run = [n_rows, n_requests, work](benchmark::State& state) mutable {
    std::size_t i = 0;
    for ([[maybe_unused]] const auto step : state) {
      work(i);
      i = i + 1 < n_requests ? i + 1 : 0;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(static_cast<std::size_t>(state.iterations()) * n_rows));
  };
  benchmark::RegisterBenchmark(fmt::format("{}/rows:{}", name, n_rows).c_str(), run);
}

void add_benchmarks(Case& one, std::size_t n_rows) {
  const std::size_t n = one.requests.texts.size();
  add_benchmark("request", n_rows, n,
                [&one](std::size_t i) { benchmark::DoNotOptimize(one.desk.answer(one.requests.texts[i])); });
  add_benchmark("http", n_rows, n, [&one](std::size_t i) { one.desk.parse(one.requests.texts[i]); });
  add_benchmark("read", n_rows, n, [&one, rows = RowBatch()](std::size_t i) mutable {
    one.reader.read({BodyFormat::kCsv}, one.requests.bodies[i], rows);
  });
  add_benchmark("score", n_rows, n, [&one, predictions = std::vector<float>()](std::size_t i) mutable {
    one.answerer.predict(one.batches[i], predictions);
  });
  add_benchmark("score and write", n_rows, n, [&one, answer = Answer()](std::size_t i) mutable {
    one.answerer.answer(one.batches[i], {}, answer);
  });
}

}  // namespace
}  // namespace coppice::serve

int main(int argc, char** argv) {
  using namespace coppice;
  std::mt19937_64 random(1729);
  const Model model = bench::make_model(random);
  serve::Case single(model, 1);
  serve::Case batch(model, 500);
  if (!single.is_right() || !batch.is_right()) {
    std::fprintf(stderr, "the answers are not those of the naive walk\n");
    return 1;
  }
  serve::add_benchmarks(single, 1);
  serve::add_benchmarks(batch, 500);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
