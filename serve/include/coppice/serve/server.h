// The prediction server: models behind HTTP/1.1.
#pragma once

#include <coppice/serve/model_store.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::serve {

/// What bounds the memory and time that clients can take.
struct Limits {
  std::uint32_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = 6'291'456;  ///< what the managed service lets through
  std::size_t connections = 20'000;
  std::size_t queued_requests = 256;  ///< large requests that wait for a thread; more are refused at once
  std::chrono::milliseconds idle{60'000};      ///< a connection between requests
  std::chrono::milliseconds request{30'000};   ///< from the first byte of a request to its last
  std::chrono::milliseconds response{30'000};  ///< until the client has taken the answer
  std::chrono::milliseconds drain{25'000};     ///< what runs when the server is stopped
  /// How long a stopping server goes on to answer on connections that are open or come: the time that whoever
  /// sends requests needs to see that `/ping` says 503.
  std::chrono::milliseconds linger{1'000};
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 8080;    ///< 0: any that is free
  std::string unix_path;        ///< a socket in the file system instead of host and port
  std::string admin_unix_path;  ///< a second socket, the only one with the admin routes
  bool is_admin = false;        ///< models may be loaded and unloaded
  std::string model_root;       ///< the folder that loaded models must be in
  int threads = 0;              ///< 0: all cores
  std::string token;            ///< a bearer token that all but /ping asks for; empty: none
  std::string tls_certificate;  ///< PEM files; empty: no TLS
  std::string tls_key;
  Limits limits;
  bool handles_signals = false;  ///< SIGTERM and SIGINT stop, SIGHUP loads all models again
  /// Takes lines of the access log, on a thread of its own; none: no log.
  std::function<void(std::string_view)> access_log;
  /// Takes what an operator has to know, a line without its end.
  std::function<void(std::string_view)> notice;
};

/// Sockets are open when it is made; `run` answers.
class Server {
 public:
  /// Needs: `store` lives longer, and its DriftOptions::n_writers is at least twice the number of threads:
  /// those of connections and those of large requests. Errors: serve.listen.*, serve.tls.*, serve.option.*.
  Server(const ServerOptions& options, ModelStore& store);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Where it listens, `http://127.0.0.1:8080` or `unix:/run/coppice.sock`.
  [[nodiscard]] std::vector<std::string> addresses() const;
  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Answers until it is stopped and what ran has finished.
  void run();
  /// Begins to stop; `run` returns when all is answered, or after Limits::drain. From any thread.
  void stop() noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace coppice::serve
