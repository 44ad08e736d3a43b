// One HTTP request as the service sees it, and the parser that makes it: Boost.Beast's, with this project's
// limits.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/basic_parser.hpp>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace coppice::serve {

enum class Method : std::uint8_t { kGet, kHead, kPost, kPut, kDelete, kOther };

[[nodiscard]] std::string_view to_string(Method method) noexcept;

/// A request. Only header fields that mean something here are kept; the rest is read and dropped. Strings
/// keep their memory from one request of a connection to the next.
struct Request {
  Method method = Method::kOther;
  std::string target;  ///< path and query
  std::string content_type;
  std::string accept;
  std::string authorization;
  std::string token;              ///< X-Coppice-Token
  std::string target_model;       ///< X-Amzn-SageMaker-Target-Model
  std::string custom_attributes;  ///< X-Amzn-SageMaker-Custom-Attributes
  std::string_view body;          ///< lives as long as the parser and the bytes that it was given
  bool keep_alive = false;

  void clear() noexcept;
};

/// Parses one request. Give it bytes until `is_done()`.
class RequestParser final : public boost::beast::http::basic_parser<true> {
 public:
  /// `request` and `body_storage` are cleared, filled, and must outlive the parser.
  RequestParser(Request& request, std::string& body_storage, std::uint32_t max_header,
                std::uint64_t max_body);

  /// Parses what is there and gives the number of bytes that were used up. A body of a known length is used
  /// up when all of it is there, and is then a view into `bytes`, which must stay until the request was
  /// answered; a chunked one is put together in the storage. `error` is need_more while the request is not
  /// complete.
  std::size_t parse(boost::asio::const_buffer bytes, boost::beast::error_code& error);

  /// The length of the body that is waited for. Nothing while it is not known, or of no use: chunked.
  [[nodiscard]] std::optional<std::size_t> awaited_length() const;

  /// The client waits for `100 Continue` before it sends the body.
  [[nodiscard]] bool expects_continue() const noexcept { return expects_continue_; }

  /// The status code that answers what cannot be parsed.
  [[nodiscard]] int status_of(const boost::beast::error_code& error) const noexcept;

 private:
  using ErrorCode = boost::beast::error_code;
  using View = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb verb, View name, View target, int version,
                       ErrorCode& error) override;
  void on_response_impl(int code, View reason, int version, ErrorCode& error) override;
  void on_field_impl(boost::beast::http::field field, View name, View value, ErrorCode& error) override;
  void on_header_impl(ErrorCode& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, ErrorCode& error) override;
  std::size_t on_body_impl(View bytes, ErrorCode& error) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, ErrorCode& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t remaining, View bytes, ErrorCode& error) override;
  void on_finish_impl(ErrorCode& error) override;

  void keep_field(View name, View value);

  Request& request_;
  std::string& storage_;
  int version_ = 0;
  int n_hosts_ = 0;
  bool is_header_complete_ = false;
  bool expects_continue_ = false;
  bool has_unknown_coding_ = false;
};

}  // namespace coppice::serve
