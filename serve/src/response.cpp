#include "response.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <iterator>

namespace coppice::serve {
namespace {

/// The time as a Date field, made once a second in each thread.
std::string_view date_text() {
  thread_local std::time_t made = 0;
  thread_local std::string text;
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != made) {
    made = now.tv_sec;
    text = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(made));
  }
  return text;
}

}  // namespace

void Response::clear() noexcept {
  status = 200;
  content_type = {};
  headers.clear();
  body.clear();
  model.clear();
  n_rows = 0;
}

void Response::set_text(int code, std::string_view text) {
  status = code;
  content_type = "text/plain; charset=utf-8";
  body = text;
}

void Response::set_json(int code, std::string_view text) {
  status = code;
  content_type = "application/json";
  body = text;
}

void Response::add_header(std::string_view name, std::string_view value) {
  headers.append(name).append(": ").append(value).append("\r\n");
}

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200:
      return "OK";
    case 204:
      return "No Content";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 424:
      return "Failed Dependency";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    case 507:
      return "Insufficient Storage";
    default:
      return "Unknown";
  }
}

void append_response(std::string& out, const Response& response, bool keep_alive, bool is_head) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\n", response.status,
                 reason_phrase(response.status), date_text());
  if (!response.content_type.empty())
    out.append("Content-Type: ").append(response.content_type).append("\r\n");
  // RFC 9110, section 8.6: a 204 has no length.
  if (response.status != 204)
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  if (!keep_alive) out += "Connection: close\r\n";
  out.append(response.headers).append("\r\n");
  if (!is_head) out += response.body;
}

}  // namespace coppice::serve
