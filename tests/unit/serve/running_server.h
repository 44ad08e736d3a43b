// A server in this process, with models that a test can tell apart.
#pragma once

#include <coppice/io/model_file.h>
#include <coppice/serve/server.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "../io/temporary_folder.h"
#include "client.h"

namespace coppice::serve {

/// Features x and y. Predicts `low` where x < 0.5 and low + 1 elsewhere, also where x is missing.
[[nodiscard]] inline Model step_model(float low) {
  Model model;
  model.schema.features = {{.name = "x"}, {.name = "y"}};
  model.objective = Objective::kSquaredError;
  model.base_score = low;
  Tree tree;
  tree.nodes = {{.left = 1, .right = 2, .feature = 0, .threshold = 0.5F, .cover = 2},
                {.weight = 0, .cover = 1},
                {.weight = 1, .cover = 1}};
  model.trees = {tree};
  return model;
}

/// Serves `step`, a step_model(0) from the file step.json, on a free port with two threads; ends with the
/// object.
class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}, StoreOptions store_options = {})
      : store(with_writers(std::move(store_options))) {
    io::save_model(step_model(0), folder.path("step.json"));
    store.load("step", folder.path("step.json"));
    options.port = 0;
    options.threads = kThreads;
    server = std::make_unique<Server>(options, store);
    thread = std::thread([this] { server->run(); });
  }
  ~RunningServer() { stop(); }
  RunningServer(const RunningServer&) = delete;
  RunningServer& operator=(const RunningServer&) = delete;

  void stop() {
    if (!thread.joinable()) return;
    server->stop();
    thread.join();
  }

  [[nodiscard]] Client connect() const { return Client(server->port()); }
  /// One request on a connection of its own.
  [[nodiscard]] Reply ask(std::string_view text) const { return connect().ask(text); }

  static constexpr int kThreads = 2;
  io::TemporaryFolder folder;
  ModelStore store;
  std::unique_ptr<Server> server;
  std::thread thread;

 private:
  static StoreOptions with_writers(StoreOptions options) {
    options.drift.n_writers = 2 * kThreads;
    return options;
  }
};

/// Limits that a test need not wait for.
[[nodiscard]] inline ServerOptions quick_options() {
  ServerOptions options;
  options.limits.idle = std::chrono::milliseconds(5'000);
  options.limits.linger = std::chrono::milliseconds(40);
  return options;
}

}  // namespace coppice::serve
