#include "listener.h"

#include <coppice/error.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <type_traits>
#include <utility>

namespace coppice::serve {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Local = asio::local::stream_protocol;
using ErrorCode = boost::system::error_code;

constexpr int kBacklog = 4096;
/// After a failed accept, most likely for want of file descriptors.
constexpr std::chrono::milliseconds kAcceptPause{100};

std::string text_of(const tcp::endpoint& endpoint) {
  const std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

/// Turns a client away that is one too many.
void reject(Socket& socket) {
  Response response;
  set_error(response, {},
            {503, "serve.connections", "the server has more connections than it can take; try again"});
  std::string out;
  append_response(out, response, false, false);
  ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(out), ignored);
}

template <class Protocol>
class ListenerOf final : public Listener {
 public:
  static constexpr bool kIsTcp = std::is_same_v<Protocol, tcp>;
  using Endpoint = typename Protocol::endpoint;

  /// Errors: boost::system::system_error.
  ListenerOf(IoThreads& threads, const Endpoint& endpoint, Origin origin, asio::ssl::context* tls)
      : threads_(threads),
        acceptor_(threads.front()->context, endpoint.protocol()),
        pause_(threads.front()->context),
        origin_(origin),
        tls_(tls) {
    if constexpr (kIsTcp) acceptor_.set_option(tcp::acceptor::reuse_address(true));
    acceptor_.bind(endpoint);
    if constexpr (!kIsTcp) path_ = endpoint.path();
    if (origin == Origin::kAdmin) ::chmod(path_.c_str(), S_IRUSR | S_IWUSR);
    acceptor_.listen(kBacklog);
  }
  ~ListenerOf() override {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  std::string address() const override {
    if constexpr (kIsTcp) {
      return fmt::format("{}://{}", tls_ == nullptr ? "http" : "https", text_of(acceptor_.local_endpoint()));
    } else {
      return "unix:" + path_;
    }
  }

  std::uint16_t port() const override {
    if constexpr (kIsTcp) return acceptor_.local_endpoint().port();
    return 0;
  }

  void start() override {
    IoThread& io = *threads_[next_];
    next_ = (next_ + 1) % threads_.size();
    acceptor_.async_accept(io.context,
                           [this, &io](const ErrorCode& failed, typename Protocol::socket socket) {
                             if (!acceptor_.is_open()) return;
                             if (!failed) {
                               take(io, std::move(socket));
                               return start();
                             }
                             pause_.expires_after(kAcceptPause);
                             pause_.async_wait([this](const ErrorCode& stopped) {
                               if (!stopped) start();
                             });
                           });
  }

  void close() noexcept override {
    ErrorCode ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

 private:
  void take(IoThread& io, typename Protocol::socket connected) {
    Peer peer{.origin = origin_};
    if constexpr (kIsTcp) {
      ErrorCode ignored;
      connected.set_option(tcp::no_delay(true), ignored);
      const tcp::endpoint remote = connected.remote_endpoint(ignored);
      if (!ignored) peer.address = remote.address().to_string();
    } else {
      peer.address = "unix";
    }
    Socket socket(std::move(connected));
    Service& service = io.service;
    if (service.n_connections.load(std::memory_order_relaxed) >= service.options().limits.connections) {
      threads_.front()->metrics.rejected.add(1);
      return reject(socket);
    }
    service.n_connections.fetch_add(1, std::memory_order_relaxed);
    asio::post(io.context, [&io, socket = std::move(socket), peer = std::move(peer), tls = tls_]() mutable {
      start_connection(io, std::move(socket), std::move(peer), tls);
    });
  }

  IoThreads& threads_;
  typename Protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  Origin origin_;
  asio::ssl::context* tls_;
  std::string path_;
  std::size_t next_ = 0;
};

/// The file of a socket that nobody listens on any more; a file of another kind stays.
void remove_dead_socket(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) return;
  asio::io_context context;
  Local::socket probe(context);
  ErrorCode failed;
  probe.connect(Local::endpoint(path), failed);
  if (failed == asio::error::connection_refused) ::unlink(path.c_str());
}

Error bind_error(const std::string& where, const boost::system::system_error& error) {
  return {"serve.listen.bind", fmt::format("cannot listen on {}: {}", where, error.code().message())};
}

}  // namespace

std::unique_ptr<Listener> listen_on_port(IoThreads& threads, const std::string& host, std::uint16_t port,
                                         asio::ssl::context* tls) {
  ErrorCode failed;
  tcp::resolver resolver(threads.front()->context);
  const auto found = resolver.resolve(host, fmt::to_string(port), tcp::resolver::passive, failed);
  if (failed || found.empty()) {
    throw Error("serve.listen.address",
                fmt::format("'{}' is no address of this machine: {}", host, failed.message()));
  }
  const tcp::endpoint endpoint = found.begin()->endpoint();
  try {
    return std::make_unique<ListenerOf<tcp>>(threads, endpoint, Origin::kPublic, tls);
  } catch (const boost::system::system_error& error) {
    throw bind_error(text_of(endpoint), error);
  }
}

std::unique_ptr<Listener> listen_on_path(IoThreads& threads, const std::string& path, Origin origin) {
  try {
    remove_dead_socket(path);
    return std::make_unique<ListenerOf<Local>>(threads, Local::endpoint(path), origin, nullptr);
  } catch (const boost::system::system_error& error) {
    throw bind_error(path, error);
  }
}

}  // namespace coppice::serve
