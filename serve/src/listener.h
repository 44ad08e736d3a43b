// Sockets that listen, and the dealing out of connections to threads.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "connection.h"
#include "io_thread.h"

namespace coppice::serve {

using IoThreads = std::vector<std::unique_ptr<IoThread>>;

/// One listening socket. Its connections go to all threads in turn; it is itself on the first thread.
class Listener {
 public:
  virtual ~Listener() = default;
  [[nodiscard]] virtual std::string address() const = 0;
  /// 0 for a socket in the file system.
  [[nodiscard]] virtual std::uint16_t port() const = 0;
  virtual void start() = 0;
  virtual void close() noexcept = 0;
};

/// Errors: serve.listen.address for what is no host, serve.listen.bind. tls may be nullptr.
[[nodiscard]] std::unique_ptr<Listener> listen_on_port(IoThreads& threads, const std::string& host,
                                                       std::uint16_t port, boost::asio::ssl::context* tls);

/// A socket in the file system, removed with the listener; one that a dead server left is replaced. One for
/// Origin::kAdmin is its owner's alone. Errors: serve.listen.bind.
[[nodiscard]] std::unique_ptr<Listener> listen_on_path(IoThreads& threads, const std::string& path,
                                                       Origin origin);

}  // namespace coppice::serve
