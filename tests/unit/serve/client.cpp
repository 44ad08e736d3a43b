#include "client.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>
#include <utility>

namespace coppice::serve {
namespace {

/// Errors: std::runtime_error.
template <class Address>
int connect_to(int family, const Address& address) {
  const int socket = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{.tv_sec = Client::kPatience.count()};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return socket;
  ::close(socket);
  throw std::runtime_error("cannot connect");
}

}  // namespace

Client::Client(std::uint16_t port) {
  sockaddr_in address{.sin_family = AF_INET, .sin_port = htons(port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socket_ = connect_to(AF_INET, address);
}

Client::Client(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX};
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  socket_ = connect_to(AF_UNIX, address);
}

Client::~Client() {
  if (socket_ >= 0) ::close(socket_);
}

Client::Client(Client&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

Client& Client::operator=(Client&& other) noexcept {
  std::swap(socket_, other.socket_);
  std::swap(received_, other.received_);
  return *this;
}

bool Client::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t n_sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n_sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n_sent));
  }
  return true;
}

bool Client::fill() {
  std::array<char, 1 << 16> bytes;
  const ssize_t n_received = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (n_received <= 0) return false;
  received_.append(bytes.data(), static_cast<std::size_t>(n_received));
  return true;
}

Reply Client::receive(bool has_body) {
  std::size_t end = 0;
  while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  Reply reply;
  std::string_view head = std::string_view(received_).substr(0, end + 2);
  const std::string_view status = head.substr(9, 3);
  std::from_chars(status.data(), status.data() + 3, reply.status);
  head.remove_prefix(head.find("\r\n") + 2);
  while (!head.empty()) {
    const std::size_t line_end = head.find("\r\n");
    const std::size_t colon = head.find(": ");
    std::string name(head.substr(0, colon));
    std::ranges::transform(name, name.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
    reply.headers[name] = head.substr(colon + 2, line_end - colon - 2);
    head.remove_prefix(line_end + 2);
  }
  received_.erase(0, end + 4);
  const std::size_t length =
      reply.headers.contains("content-length") ? std::stoul(reply.headers["content-length"]) : 0;
  if (!has_body) return reply;
  while (received_.size() < length) {
    if (!fill()) return {};
  }
  reply.body = received_.substr(0, length);
  received_.erase(0, length);
  return reply;
}

void Client::finish_sending() const { ::shutdown(socket_, SHUT_WR); }

bool Client::is_closed() {
  if (!received_.empty()) return false;
  std::array<char, 1> byte;
  return ::recv(socket_, byte.data(), 1, 0) == 0 || errno == ECONNRESET;
}

std::string request(std::string_view method, std::string_view target, std::string_view body,
                    std::string_view headers) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n{}", method, target, headers);
  if (!body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  return text.append("\r\n").append(body);
}

std::string csv_request(std::string_view target, std::string_view body, std::string_view headers) {
  return request("POST", target, body, fmt::format("Content-Type: text/csv\r\n{}", headers));
}

}  // namespace coppice::serve
