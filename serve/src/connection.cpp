#include "connection.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace coppice::serve {
namespace {

namespace asio = boost::asio;
using ErrorCode = boost::system::error_code;

constexpr std::size_t kFirstReadBytes = 4 * 1024;
constexpr std::size_t kBodyReadBytes = 64 * 1024;
/// Answers to pipelined requests are collected up to here: a client that does not read them is not read from.
constexpr std::size_t kFlushBytes = 64 * 1024;
/// Memory that an idle connection may keep.
constexpr std::size_t kKeptBytes = 16 * 1024;
/// How long a refused client may go on to send before the connection is cut: without it the answer is lost.
constexpr std::chrono::milliseconds kLingerTime{2'000};

void release_if_large(std::string& text) {
  if (text.capacity() > kKeptBytes) std::string().swap(text);
}

template <class Stream>
class Connection final : public ConnectionBase, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  static constexpr bool kIsTls = !std::is_same_v<Stream, Socket>;

  template <class... StreamArguments>
  Connection(IoThread& io, Peer peer, StreamArguments&&... arguments)
      : io_(io),
        service_(io.service),
        peer_(std::move(peer)),
        stream_(std::forward<StreamArguments>(arguments)...) {
    io_.connections.push_back(*this);
  }
  ~Connection() override {
    set_running(false);
    service_.n_connections.fetch_sub(1, std::memory_order_relaxed);
  }

  void start() {
    ErrorCode ignored;
    socket().non_blocking(true, ignored);
    if constexpr (kIsTls) {
      deadline = now() + limits().request;
      stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](const ErrorCode& failed) {
        if (failed) return self->close();
        self->read();
      });
    } else {
      read();
    }
  }

  SteadyTime idle_since() const noexcept override { return idle_since_; }

  void expire() noexcept override {
    if constexpr (!kIsTls) {
      if (parser_ && out_.empty() && !is_closing_) {
        // The last try: the client has not sent its request in time.
        Response response;
        response.set_text(408, "[serve.timeout] the request did not come in time\n");
        record(response);
        append_response(out_, response, false, false);
        ErrorCode ignored;
        stream_.write_some(asio::buffer(out_), ignored);
      }
    }
    close();
  }

  void close() noexcept override {
    ErrorCode ignored;
    socket().close(ignored);
    set_running(false);
    deadline = SteadyTime::max();
  }

 private:
  enum class Step { kAgain, kRead, kWait };

  std::shared_ptr<Connection> self() { return this->shared_from_this(); }
  auto& socket() noexcept { return stream_.lowest_layer(); }
  static SteadyTime now() noexcept { return std::chrono::steady_clock::now(); }
  [[nodiscard]] const Limits& limits() const noexcept { return service_.options().limits; }

  void set_running(bool is_running) noexcept {
    if (is_running == is_running_) return;
    is_running_ = is_running;
    if (is_running) {
      service_.n_running.fetch_add(1, std::memory_order_relaxed);
    } else {
      service_.n_running.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  void read() {
    if (!parser_) {
      idle_since_ = now();
      deadline = idle_since_ + limits().idle;
      release_if_large(out_);
      release_if_large(storage_);
      if (buffer_.capacity() > kKeptBytes) io_.buffers.give(buffer_);
    }
    stream_.async_read_some(
        buffer_.prepare(parser_ ? body_read_bytes() : kFirstReadBytes),
        [self = self()](const ErrorCode& failed, std::size_t n_bytes) { self->on_read(failed, n_bytes); });
  }

  /// Memory follows what was received. But where there is memory for all of a body, it is read at once.
  std::size_t body_read_bytes() {
    const std::size_t length = parser_->awaited_length().value_or(0);
    if (length > kKeptBytes && buffer_.capacity() <= kKeptBytes) io_.buffers.take(buffer_);
    const std::size_t free = buffer_.capacity() - buffer_.size();
    const std::size_t wanted = length - std::min(length, buffer_.size());
    return std::max(kBodyReadBytes, std::min(wanted, free));
  }

  void on_read(const ErrorCode& failed, std::size_t n_bytes) {
    idle_since_ = SteadyTime::max();
    if (kIsTls && failed == asio::error::eof) return shut();  // TLS says good-bye to a good-bye
    if (failed) return close();
    buffer_.commit(n_bytes);
    io_.metrics.bytes_in.add(n_bytes);
    process();
  }

  /// Answers as many requests as the bytes hold, writes, and waits for what comes next.
  void process() {
    while (true) {
      const Step step = advance();
      if (step == Step::kWait) return;
      const bool is_time_to_write = step == Step::kRead || is_closing_ || out_.size() > kFlushBytes;
      if (!is_time_to_write) continue;
      if (!flush()) return;
      if (is_closing_) return shut();
      if (step == Step::kRead) return read();
    }
  }

  Step advance() {
    if (buffer_.size() == 0) return Step::kRead;
    if (!parser_) begin();
    ErrorCode failed;
    n_used_ = parser_->parse(buffer_.data(), failed);
    if (failed && failed != boost::beast::http::error::need_more) {
      return refuse(parser_->status_of(failed), failed.message());
    }
    if (parser_->is_header_done() && !is_admitted_) {
      is_admitted_ = true;
      route_ = find_route(request_.target);
      io_.response.clear();
      if (!service_.admit(request_, route_, peer_.origin, io_.response)) {
        if (!parser_->is_done()) is_closing_ = is_lingering_ = true;
        return finish(io_.response);
      }
      if (!parser_->is_done() && parser_->expects_continue()) out_ += "HTTP/1.1 100 Continue\r\n\r\n";
    }
    if (parser_->is_done()) return answer();
    buffer_.consume(n_used_);
    // What the parser leaves is a part of the body, or the beginning of a header, a trailer or a chunk's
    // size.
    if (!parser_->awaited_length() && buffer_.size() > limits().header_bytes)
      return refuse(431, "a line is too long");
    return Step::kRead;
  }

  void begin() {
    parser_.emplace(request_, storage_, limits().header_bytes, limits().body_bytes);
    is_admitted_ = false;
    route_ = {};
    deadline = now() + limits().request;
    set_running(true);
  }

  Step refuse(int status, std::string_view message) {
    is_closing_ = is_lingering_ = true;
    route_ = parser_->is_header_done() || !request_.target.empty() ? find_route(request_.target) : Route();
    io_.response.clear();
    set_error(io_.response, route_, {status, "serve.request", message});
    return finish(io_.response);
  }

  Step answer() {
    answering_since_ = now();
    if (io_.small_first.answers_at_once(service_.effort_of(request_, route_), answering_since_)) {
      io_.response.clear();
      service_.answer(request_, route_, io_.worker, io_.response);
      return finish(io_.response);
    }
    slow_response_ = std::make_unique<Response>();
    // The queue's thread must not be the one that lets go of the connection last: it hands its share back.
    const bool has_place = service_.queue().try_push([self = self()](Worker& worker) mutable {
      self->service_.answer(self->request_, self->route_, worker, *self->slow_response_);
      IoThread& io = self->io_;
      asio::post(io.context, [self = std::move(self)] { self->on_answered(); });
    });
    if (has_place) {
      deadline = SteadyTime::max();
      return Step::kWait;
    }
    service_.refuse_busy(route_, *slow_response_);
    return finish(*std::exchange(slow_response_, nullptr));
  }

  void on_answered() {
    if (!socket().is_open()) return;
    finish(*slow_response_);
    slow_response_.reset();
    process();
  }

  /// The response goes behind those before it.
  Step finish(Response& response) {
    const bool is_last =
        is_closing_ || !request_.keep_alive || service_.is_draining.load(std::memory_order_relaxed);
    is_closing_ = is_last;
    const std::size_t size_before = out_.size();
    append_response(out_, response, !is_last, request_.method == Method::kHead);
    io_.metrics.bytes_out.add(out_.size() - size_before);
    record(response);
    buffer_.consume(n_used_);
    parser_.reset();
    set_running(false);
    return Step::kAgain;
  }

  void record(const Response& response) noexcept {
    io_.metrics.count(route_.kind, response.status);
    const bool is_answered = answering_since_ != SteadyTime();
    const std::chrono::nanoseconds duration =
        is_answered ? now() - answering_since_ : std::chrono::nanoseconds(0);
    if (is_answered && route_.is_invocation()) io_.metrics.count_latency(duration);
    answering_since_ = {};
    if (!service_.access_log().is_on()) return;
    service_.access_log().add(io_.index, {.time = std::chrono::system_clock::now(),
                                          .duration = duration,
                                          .bytes_in = request_.body.size(),
                                          .bytes_out = response.body.size(),
                                          .n_rows = response.n_rows,
                                          .status = response.status,
                                          .method = request_.method,
                                          .remote = std::string_view(peer_.address),
                                          .target = std::string_view(request_.target),
                                          .model = std::string_view(response.model)});
  }

  /// True when all is written; otherwise it goes on by itself.
  bool flush() {
    std::size_t n_written = 0;
    if constexpr (!kIsTls) {
      ErrorCode failed;
      if (!out_.empty()) n_written = stream_.write_some(asio::buffer(out_), failed);
      if (failed && failed != asio::error::would_block) {
        close();
        return false;
      }
    }
    if (n_written == out_.size()) {
      out_.clear();
      return true;
    }
    deadline = now() + limits().response;
    asio::async_write(
        stream_, asio::buffer(out_) + n_written,
        [self = self()](const ErrorCode& failed, std::size_t /*n_bytes*/) { self->on_written(failed); });
    return false;
  }

  void on_written(const ErrorCode& failed) {
    if (failed) return close();
    out_.clear();
    if (parser_) deadline = now() + limits().request;  // it was 100 Continue
    if (is_closing_) return shut();
    process();
  }

  /// Ends the connection from this side. A client that still sends is heard out for a while.
  void shut() {
    deadline = now() + kLingerTime;
    if constexpr (kIsTls) {
      stream_.async_shutdown([self = self()](const ErrorCode& /*failed*/) { self->close(); });
    } else {
      ErrorCode failed;
      stream_.shutdown(Socket::shutdown_send, failed);
      if (failed || (!is_lingering_ && buffer_.size() == 0)) return close();
      discard();
    }
  }

  void discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(kBodyReadBytes),
                            [self = self()](const ErrorCode& failed, std::size_t /*n_bytes*/) {
                              if (failed) return self->close();
                              self->discard();
                            });
  }

  IoThread& io_;
  Service& service_;
  Peer peer_;
  Stream stream_;
  boost::beast::flat_buffer buffer_;     ///< what was read and not used up
  std::string out_;                      ///< what is to be written
  std::optional<RequestParser> parser_;  ///< while a request is begun and not answered
  Request request_;
  std::string storage_;  ///< of the body, when it comes in pieces
  Route route_;
  std::unique_ptr<Response> slow_response_;  ///< of a request that the queue has
  SteadyTime answering_since_;
  SteadyTime idle_since_ = SteadyTime::max();
  std::size_t n_used_ = 0;  ///< bytes of buffer_ that the request used
  bool is_admitted_ = false;
  bool is_running_ = false;
  bool is_closing_ = false;    ///< after what is in out_
  bool is_lingering_ = false;  ///< the client may still be sending
};

}  // namespace

void start_connection(IoThread& io, Socket socket, Peer peer, asio::ssl::context* tls) {
  if (tls == nullptr) {
    std::make_shared<Connection<Socket>>(io, std::move(peer), std::move(socket))->start();
  } else {
    using TlsStream = asio::ssl::stream<Socket>;
    std::make_shared<Connection<TlsStream>>(io, std::move(peer), std::move(socket), *tls)->start();
  }
}

}  // namespace coppice::serve
