#include "request.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/field.hpp>
#include <boost/beast/http/verb.hpp>

namespace coppice::serve {
namespace {

namespace http = boost::beast::http;

std::string_view to_std(boost::beast::string_view text) { return {text.data(), text.size()}; }

/// `http://host/path` means `/path`.
std::string_view without_origin(std::string_view target) {
  if (target.starts_with('/')) return target;
  const std::size_t scheme = target.find("://");
  if (scheme == std::string_view::npos) return target;
  const std::size_t path = target.find('/', scheme + 3);
  return path == std::string_view::npos ? "/" : target.substr(path);
}

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get:
      return Method::kGet;
    case http::verb::head:
      return Method::kHead;
    case http::verb::post:
      return Method::kPost;
    case http::verb::put:
      return Method::kPut;
    case http::verb::delete_:
      return Method::kDelete;
    default:
      return Method::kOther;
  }
}

}  // namespace

std::string_view to_string(Method method) noexcept {
  switch (method) {
    case Method::kGet:
      return "GET";
    case Method::kHead:
      return "HEAD";
    case Method::kPost:
      return "POST";
    case Method::kPut:
      return "PUT";
    case Method::kDelete:
      return "DELETE";
    case Method::kOther:
      break;
  }
  return "other";
}

void Request::clear() noexcept {
  method = Method::kOther;
  for (std::string* text :
       {&target, &content_type, &accept, &authorization, &token, &target_model, &custom_attributes}) {
    text->clear();
  }
  body = {};
  keep_alive = false;
}

RequestParser::RequestParser(Request& request, std::string& body_storage, std::uint32_t max_header,
                             std::uint64_t max_body)
    : request_(request), storage_(body_storage) {
  header_limit(max_header);
  body_limit(max_body);
  request_.clear();
  storage_.clear();
}

std::size_t RequestParser::parse(boost::asio::const_buffer bytes, ErrorCode& error) {
  std::size_t n_used = 0;
  if (!is_header_done()) {
    n_used = put(bytes, error);
    if (error || !is_header_done()) return n_used;
    // A client of HTTP/1.0 would have to be told that its connection stays.
    request_.keep_alive = keep_alive() && version_ >= 11;
    bytes += n_used;
  }
  if (is_done()) return n_used;
  if (bytes.size() == 0 || bytes.size() < awaited_length().value_or(0)) {
    error = http::error::need_more;
    return n_used;
  }
  eager(true);  // all chunks that are there
  return n_used + put(bytes, error);
}

std::optional<std::size_t> RequestParser::awaited_length() const {
  if (!is_header_done() || is_done()) return std::nullopt;
  const auto length = content_length();
  return length ? std::optional<std::size_t>(*length) : std::nullopt;
}

int RequestParser::status_of(const ErrorCode& error) const noexcept {
  if (error == http::error::body_limit) return 413;
  if (error == http::error::header_limit) return 431;
  if (error == http::error::bad_version) return 505;
  return has_unknown_coding_ ? 501 : 400;
}

void RequestParser::on_request_impl(http::verb verb, View /*name*/, View target, int version,
                                    ErrorCode& /*error*/) {
  request_.method = method_of(verb);
  request_.target = without_origin(to_std(target));
  version_ = version;
}

void RequestParser::on_response_impl(int /*code*/, View /*reason*/, int /*version*/, ErrorCode& /*error*/) {}

void RequestParser::on_field_impl(http::field field, View name, View value, ErrorCode& error) {
  if (is_header_complete_) return;  // a trailer changes nothing
  switch (field) {
    case http::field::host:
      ++n_hosts_;
      break;
    case http::field::content_type:
      request_.content_type = to_std(value);
      break;
    case http::field::authorization:
      request_.authorization = to_std(value);
      break;
    case http::field::accept:
      if (!request_.accept.empty()) request_.accept += ',';
      request_.accept += to_std(value);
      break;
    case http::field::expect:
      expects_continue_ = boost::beast::iequals(value, "100-continue");
      break;
    case http::field::transfer_encoding:
      // Beast reads over a coding that it does not know: the body would be taken for the next request.
      if (!boost::beast::iequals(value, "chunked") || version_ < 11) {
        has_unknown_coding_ = true;
        error = http::error::bad_transfer_encoding;
      }
      break;
    case http::field::unknown:
      keep_field(name, value);
      break;
    default:
      break;
  }
}

void RequestParser::keep_field(View name, View value) {
  if (boost::beast::iequals(name, "X-Coppice-Token")) {
    request_.token = to_std(value);
  } else if (boost::beast::iequals(name, "X-Amzn-SageMaker-Target-Model")) {
    request_.target_model = to_std(value);
  } else if (boost::beast::iequals(name, "X-Amzn-SageMaker-Custom-Attributes")) {
    request_.custom_attributes = to_std(value);
  }
}

void RequestParser::on_header_impl(ErrorCode& error) {
  is_header_complete_ = true;
  // RFC 9112, section 3.2: no Host or several of them is a bad request.
  if (n_hosts_ > 1 || (n_hosts_ == 0 && version_ >= 11)) error = http::error::bad_field;
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                                      ErrorCode& /*error*/) {}

std::size_t RequestParser::on_body_impl(View bytes, ErrorCode& /*error*/) {
  request_.body = to_std(bytes);  // all of it: that is when it is given to Beast
  return bytes.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t /*size*/, View /*extensions*/, ErrorCode& /*error*/) {}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t /*remaining*/, View bytes, ErrorCode& /*error*/) {
  storage_.append(bytes.data(), bytes.size());
  return bytes.size();
}

void RequestParser::on_finish_impl(ErrorCode& /*error*/) {
  if (!storage_.empty()) request_.body = storage_;
}

}  // namespace coppice::serve
