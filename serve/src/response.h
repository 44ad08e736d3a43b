// One HTTP response, and how it is written.
#pragma once

#include <coppice/error.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "error_message.h"

namespace coppice::serve {

struct Response {
  int status = 200;
  std::string_view content_type;  ///< a constant; empty without a body
  std::string headers;            ///< further lines, each ended by CR LF
  std::string body;
  // What the log and the counters are told.
  std::string model;  ///< `name/version`
  std::uint64_t n_rows = 0;

  /// As new, but for the memory of the strings.
  void clear() noexcept;
  void set_text(int code, std::string_view text);
  void set_json(int code, std::string_view text);
  void add_header(std::string_view name, std::string_view value);
};

/// Raised while a request is answered: an error with the status code that tells the client.
class HttpError : public Error {
 public:
  HttpError(int status, std::string_view id, std::string_view message)
      : Error(id, message), status_(status) {}

  [[nodiscard]] int status() const noexcept { return status_; }
  /// Without the id.
  [[nodiscard]] std::string_view message() const noexcept { return message_of(*this); }

 private:
  int status_;
};

/// `Not Found` for 404.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

/// Appends a response as it goes over the wire. With `is_head` its body is left out, its length told.
void append_response(std::string& out, const Response& response, bool keep_alive, bool is_head);

}  // namespace coppice::serve
