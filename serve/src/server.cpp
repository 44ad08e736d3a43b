#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/serve/server.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <optional>
#include <thread>

#include "listener.h"

namespace coppice::serve {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

constexpr std::chrono::milliseconds kLongestSweep{250};
constexpr std::chrono::milliseconds kShortestSweep{10};

/// Every connection is an open file: as many as the system lets this process have.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A quarter of the shortest time limit: what is over it is found so much late at most.
std::chrono::milliseconds sweep_period(const Limits& limits) {
  const auto shortest = std::min({limits.idle, limits.request, limits.response, limits.drain, limits.linger});
  return std::clamp(shortest / 4, kShortestSweep, kLongestSweep);
}

std::optional<asio::ssl::context> make_tls(const ServerOptions& options) {
  if (options.tls_certificate.empty() != options.tls_key.empty()) {
    throw Error("serve.option.tls", "--tls-cert and --tls-key belong together");
  }
  if (options.tls_certificate.empty()) return std::nullopt;
  asio::ssl::context tls(asio::ssl::context::tls_server);
  tls.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1);
  ErrorCode failed;
  tls.use_certificate_chain_file(options.tls_certificate, failed);
  if (failed) {
    throw Error("serve.tls.certificate", fmt::format("{}: {}", options.tls_certificate, failed.message()));
  }
  tls.use_private_key_file(options.tls_key, asio::ssl::context::pem, failed);
  if (failed) throw Error("serve.tls.key", fmt::format("{}: {}", options.tls_key, failed.message()));
  return tls;
}

}  // namespace

struct Server::State {
  State(const ServerOptions& options, ModelStore& store)
      : service(options, store, detail::thread_count(options.threads)), tls(make_tls(options)) {
    const auto n_writers = 2 * static_cast<std::size_t>(service.threads());
    if (store.options().drift.n_writers < n_writers) {
      throw Error("serve.option.writers",
                  fmt::format("{} threads need a store with {} writers of drift, it has {}",
                              service.threads(), n_writers, store.options().drift.n_writers));
    }
    raise_file_limit();
    for (int i = 0; i < service.threads(); ++i) {
      threads.push_back(std::make_unique<IoThread>(service, static_cast<std::size_t>(i)));
    }
    asio::ssl::context* const tls_context = tls ? &*tls : nullptr;
    listeners.push_back(options.unix_path.empty()
                            ? listen_on_port(threads, options.host, options.port, tls_context)
                            : listen_on_path(threads, options.unix_path, Origin::kPublic));
    if (!options.admin_unix_path.empty()) {
      listeners.push_back(listen_on_path(threads, options.admin_unix_path, Origin::kAdmin));
    }
    if (options.handles_signals) signals.emplace(threads.front()->context, SIGTERM, SIGINT, SIGHUP);
  }

  void wait_for_signal() {
    signals->async_wait([this](const ErrorCode& failed, int signal) {
      if (failed) return;
      if (signal == SIGHUP) {
        reload();
      } else if (service.is_draining) {
        return stop_now();
      } else {
        begin_drain();
      }
      wait_for_signal();
    });
  }

  void reload() {
    const bool has_place = service.queue().try_push([this](Worker& /*worker*/) {
      const std::vector<std::string> problems = service.store().reload();
      for (const std::string& problem : problems) notice(fmt::format("not reloaded: {}", problem));
      notice(fmt::format("reloaded {} models", service.store().current()->models.size() - problems.size()));
    });
    if (!has_place) notice("not reloaded: the server is too busy; try again");
  }

  void notice(const std::string& text) const {
    if (service.options().notice) service.options().notice(text);
  }

  void begin_drain() {
    drain_started = std::chrono::steady_clock::now();
    service.is_draining = true;
    notice("stopping");
  }

  /// From any thread, any number of times.
  void stop_now() {
    for (const auto& thread : threads) thread->context.stop();
  }

  void sweep_later(IoThread& thread) {
    thread.sweep_timer.expires_after(sweep_period(service.options().limits));
    thread.sweep_timer.async_wait([this, &thread](const ErrorCode& failed) {
      if (failed) return;
      const SteadyTime now = std::chrono::steady_clock::now();
      const Limits& limits = service.options().limits;
      const bool is_draining = service.is_draining;
      // A stopping server leaves a connection some time, so that no request that is on its way goes
      // unanswered.
      const bool is_over = is_draining && now - drain_started >= limits.linger;
      thread.sweep(now, is_over ? now - limits.linger : SteadyTime::min());
      if (&thread == threads.front().get()) {
        service.history().remember(service.metrics(), now);
        if (is_draining && is_drained(now - drain_started)) return stop_now();
      }
      sweep_later(thread);
    });
  }

  [[nodiscard]] bool is_drained(SteadyTime::duration elapsed) const {
    const Limits& limits = service.options().limits;
    if (elapsed >= limits.drain || service.n_connections == 0) return true;
    return elapsed >= limits.linger && service.n_running == 0;
  }

  void run() {
    for (const auto& listener : listeners) listener->start();
    if (signals) wait_for_signal();
    for (const auto& thread : threads) sweep_later(*thread);
    std::vector<std::thread> others;
    for (std::size_t i = 1; i < threads.size(); ++i) {
      others.emplace_back([this, i] { threads[i]->context.run(); });
    }
    threads.front()->context.run();
    for (std::thread& thread : others) thread.join();
    service.queue().stop();
    for (const auto& listener : listeners) listener->close();
  }

  Service service;
  std::optional<asio::ssl::context> tls;
  IoThreads threads;
  std::vector<std::unique_ptr<Listener>> listeners;
  std::optional<asio::signal_set> signals;
  /// Written before is_draining, read after it.
  SteadyTime drain_started;
};

Server::Server(const ServerOptions& options, ModelStore& store)
    : state_(std::make_unique<State>(options, store)) {}

Server::~Server() = default;

std::vector<std::string> Server::addresses() const {
  std::vector<std::string> addresses;
  for (const auto& listener : state_->listeners) addresses.push_back(listener->address());
  return addresses;
}

std::uint16_t Server::port() const noexcept { return state_->listeners.front()->port(); }

void Server::run() { state_->run(); }

void Server::stop() noexcept {
  asio::post(state_->threads.front()->context, [state = state_.get()] { state->begin_drain(); });
}

}  // namespace coppice::serve
