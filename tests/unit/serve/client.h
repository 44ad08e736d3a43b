// A client that sends exactly the bytes it is told to.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace coppice::serve {

struct Reply {
  int status = 0;                              ///< 0: the connection ended before an answer
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
};

/// A connection. Every wait ends after kPatience, as if the server had closed.
class Client {
 public:
  static constexpr std::chrono::seconds kPatience{20};

  explicit Client(std::uint16_t port);
  explicit Client(const std::string& path);
  ~Client();
  Client(Client&& other) noexcept;
  Client& operator=(Client&& other) noexcept;

  /// False when the server does not take it.
  bool send(std::string_view bytes) const;
  /// The next answer. `has_body` false: to HEAD, which tells a length and sends nothing.
  Reply receive(bool has_body = true);
  Reply ask(std::string_view request) { return send(request) ? receive() : Reply(); }
  /// Sends no more, but reads.
  void finish_sending() const;
  /// Whether the server ends the connection without a further byte.
  bool is_closed();
  [[nodiscard]] int socket() const noexcept { return socket_; }

 private:
  bool fill();

  int socket_ = -1;
  std::string received_;  // and not yet taken
};

/// A request with Host and, for a body, Content-Length; `headers` are lines with their ends.
[[nodiscard]] std::string request(std::string_view method, std::string_view target,
                                  std::string_view body = "", std::string_view headers = "");
/// A POST of CSV.
[[nodiscard]] std::string csv_request(std::string_view target, std::string_view body,
                                      std::string_view headers = "");

}  // namespace coppice::serve
