// Where a server listens and the load finds it.
#pragma once

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <CLI/CLI.hpp>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

namespace coppice::bench {

/// A port of this machine or, when there is a path, a socket in the file system.
struct Place {
  std::uint16_t port = 8080;
  std::string unix_path;
};

/// A place as bind and connect take it.
struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  [[nodiscard]] int family() const noexcept { return bytes.ss_family; }
  [[nodiscard]] const sockaddr* data() const noexcept { return reinterpret_cast<const sockaddr*>(&bytes); }
};

/// Errors: std::invalid_argument for a path that is too long for a socket.
inline SocketAddress socket_address(const Place& place) {
  SocketAddress address;
  const auto assign = [&address](const auto& specific) {
    std::memcpy(&address.bytes, &specific, sizeof specific);
    address.size = sizeof specific;
  };
  if (place.unix_path.empty()) {
    sockaddr_in internet{.sin_family = AF_INET, .sin_port = htons(place.port)};
    internet.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assign(internet);
  } else {
    sockaddr_un local{.sun_family = AF_UNIX};
    if (place.unix_path.size() >= sizeof local.sun_path) {
      throw std::invalid_argument("too long for a socket: " + place.unix_path);
    }
    place.unix_path.copy(local.sun_path, sizeof local.sun_path);
    assign(local);
  }
  return address;
}

/// No waiting for more to send. Sockets in the file system never wait, and refuse the option.
inline void send_at_once(int socket) noexcept {
  const int yes = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

/// --port and --unix, as `coppice serve` has them.
inline void add_options(CLI::App& program, Place& place) {
  CLI::Option* port = program.add_option("--port", place.port, "Port on this machine")->capture_default_str();
  program.add_option("--unix", place.unix_path, "A socket in the file system instead")->excludes(port);
}

}  // namespace coppice::bench
