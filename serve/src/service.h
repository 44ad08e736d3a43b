// What the server does with a request: everything between a parsed request and a response.
#pragma once

#include <coppice/serve/server.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include "access_log.h"
#include "effort.h"
#include "history.h"
#include "metrics.h"
#include "request.h"
#include "response.h"
#include "route.h"
#include "work_queue.h"

namespace coppice::serve {

/// What a thread that answers requests has to itself.
struct Worker {
  ModelView models;
  std::size_t index = 0;  ///< differs from that of every other thread
  RowBatch rows;
  AnswerOptions answer_options;
  Answer answer;
};

/// Where a request came in.
enum class Origin : std::uint8_t { kPublic, kAdmin };

class Service {
 public:
  /// Errors: serve.option.*.
  Service(const ServerOptions& options, ModelStore& store, int threads);

  /// Looks at a request whose header is there, before its body is read. False: refused, the response says
  /// why.
  [[nodiscard]] bool admit(const Request& request, const Route& route, Origin origin,
                           Response& response) const;

  /// How long the answer to a request takes.
  [[nodiscard]] Effort effort_of(const Request& request, const Route& route) const noexcept;

  /// Answers an admitted request. Errors become responses.
  void answer(const Request& request, const Route& route, Worker& worker, Response& response);

  /// The answer to a request that a full queue has no place for.
  void refuse_busy(const Route& route, Response& response) const;

  /// Needs: a DriftOptions::n_writers of the store that is more than `index`.
  [[nodiscard]] Worker make_worker(std::size_t index) const {
    return {.models = ModelView(store_), .index = index};
  }
  [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
  [[nodiscard]] int threads() const noexcept { return threads_; }
  [[nodiscard]] ModelStore& store() noexcept { return store_; }
  [[nodiscard]] WorkQueue& queue() noexcept { return queue_; }
  [[nodiscard]] const WorkQueue& queue() const noexcept { return queue_; }
  [[nodiscard]] AccessLog& access_log() noexcept { return access_log_; }
  [[nodiscard]] const AccessLog& access_log() const noexcept { return access_log_; }
  [[nodiscard]] std::vector<ThreadMetrics>& metrics() noexcept { return metrics_; }
  [[nodiscard]] const std::vector<ThreadMetrics>& metrics() const noexcept { return metrics_; }
  [[nodiscard]] History& history() noexcept { return history_; }
  [[nodiscard]] const History& history() const noexcept { return history_; }
  [[nodiscard]] std::chrono::steady_clock::time_point started() const noexcept { return started_; }

  std::atomic<bool> is_draining = false;
  std::atomic<std::size_t> n_connections = 0;
  std::atomic<std::size_t> n_running = 0;  ///< connections with a request begun and not answered

 private:
  void dispatch(const Request& request, const Route& route, Worker& worker, Response& response);

  ServerOptions options_;
  ModelStore& store_;
  int threads_;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::vector<ThreadMetrics> metrics_;  ///< of each connection thread
  History history_;
  AccessLog access_log_;
  WorkQueue queue_;
};

/// Makes the response that tells of an error in the way of the route: as the managed service would for
/// /endpoints, as a multi-model container for /models, a line of text elsewhere.
void set_error(Response& response, const Route& route, const HttpError& error);

}  // namespace coppice::serve
