// Sends one HTTP request again and again over kept connections, and measures how long answers take.
//
// With a rate the load is open: request i is due at start + i / rate whatever the server does, and its
// latency counts from then, so that a server that falls behind is not asked less (no coordinated omission).
// Without a rate the load is closed: every connection sends its next request when it has its answer, which
// measures throughput.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/error.hpp>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "place.h"

namespace {

using Clock = std::chrono::steady_clock;
namespace beast = boost::beast;
namespace bench = coppice::bench;

struct Options {
  bench::Place place;
  std::string target = "/invocations";
  std::string content_type = "text/csv";
  std::string body;
  int connections = 32;
  double rate = 0;  // requests a second; 0: closed load
  double seconds = 5;
  double warm_up_seconds = 1;
};

/// Takes note of an answer's end and of its status, of nothing else.
class AnswerParser final : public beast::http::basic_parser<false> {
 public:
  AnswerParser() {
    eager(true);
    body_limit(std::numeric_limits<std::uint64_t>::max());  // without one, Beast 1.74 refuses every body
  }
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  using Error = beast::error_code;
  using View = beast::string_view;
  void on_request_impl(beast::http::verb /*verb*/, View /*name*/, View /*target*/, int /*version*/,
                       Error& /*error*/) override {}
  void on_response_impl(int code, View /*reason*/, int /*version*/, Error& /*error*/) override {
    status_ = code;
  }
  void on_field_impl(beast::http::field /*field*/, View /*name*/, View /*value*/, Error& /*error*/) override {
  }
  void on_header_impl(Error& /*error*/) override {}
  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/, Error& /*error*/) override {}
  std::size_t on_body_impl(View bytes, Error& /*error*/) override { return bytes.size(); }
  void on_chunk_header_impl(std::uint64_t /*size*/, View /*extensions*/, Error& /*error*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*remaining*/, View bytes, Error& /*error*/) override {
    return bytes.size();
  }
  void on_finish_impl(Error& /*error*/) override {}

  int status_ = 0;
};

[[noreturn]] void fail(const char* what) { throw std::system_error(errno, std::generic_category(), what); }

struct Connection {
  int socket = -1;
  std::optional<AnswerParser> parser;  // while an answer is awaited
  std::string received;                // and not yet parsed
  std::size_t n_sent = 0;
  Clock::time_point due;
};

struct Result {
  std::vector<double> latencies;  // seconds, of good answers
  std::uint64_t lost = 0;         // other statuses, and connections that ended within an answer
  std::uint64_t unsent = 0;       // that were due and found no free connection until the end
  std::uint64_t reconnects = 0;
  double seconds = 0;
};

/// The bytes of a request, in memory that sendfile can send from.
class Request {
 public:
  explicit Request(const std::string& bytes) : file_(::memfd_create("request", MFD_CLOEXEC)), bytes_(bytes) {
    if (file_ < 0) fail("memfd_create");
    for (std::size_t written = 0; written < bytes.size();) {
      const ssize_t n = ::write(file_, bytes.data() + written, bytes.size() - written);
      if (n < 0) fail("write");
      written += static_cast<std::size_t>(n);
    }
  }
  ~Request() { ::close(file_); }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

  /// Sends what comes after the first `begin` bytes, as far as the socket takes it. Large requests are not
  /// copied, because what the load takes is taken from the server on the same machine.
  ssize_t send(int socket, std::size_t begin) const noexcept {
    constexpr std::size_t kCopiedBytes = 16 * 1024;
    if (size() <= kCopiedBytes) return ::send(socket, bytes_.data() + begin, size() - begin, MSG_NOSIGNAL);
    auto offset = static_cast<off_t>(begin);
    return ::sendfile(socket, file_, &offset, size() - begin);
  }

 private:
  int file_;
  std::string bytes_;
};

class Load {
 public:
  Load(const Options& options, const Request& request)
      : options_(options),
        address_(bench::socket_address(options.place)),
        request_(request),
        epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
    if (epoll_ < 0) fail("epoll_create1");
    connections_.resize(static_cast<std::size_t>(options.connections));
    for (Connection& connection : connections_) {
      open(connection);
      idle_.push_back(&connection);
      std::this_thread::sleep_for(kOpeningPause);
    }
  }
  ~Load() {
    for (const Connection& connection : connections_) ::close(connection.socket);
    ::close(epoll_);
  }
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  Result run(double seconds) {
    result_ = {};
    start_ = Clock::now();
    n_due_ = 0;
    const Clock::time_point end = start_ + std::chrono::nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
    Clock::time_point now = start_;
    while (now < end) {
      begin_what_is_due(now);
      wait(next_due(now, end) - now);
      now = Clock::now();
    }
    if (options_.rate > 0) {
      const auto n_all = static_cast<std::uint64_t>(seconds * options_.rate);
      result_.unsent = n_all > n_due_ ? n_all - n_due_ : 0;
    }
    result_.seconds = seconds_since(start_);
    constexpr std::chrono::seconds kPatience{5};  // for the answers that are still to come
    while (idle_.size() < connections_.size() && Clock::now() < end + kPatience)
      wait(std::chrono::milliseconds(10));
    return result_;
  }

 private:
  /// Processes that accept by themselves share connections out only if these do not come all at once.
  static constexpr std::chrono::milliseconds kOpeningPause{3};

  static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  }

  [[nodiscard]] Clock::time_point due(std::uint64_t i) const {
    return start_ +
           std::chrono::nanoseconds(static_cast<std::int64_t>(static_cast<double>(i) * 1e9 / options_.rate));
  }

  [[nodiscard]] Clock::time_point next_due(Clock::time_point now, Clock::time_point end) const {
    if (options_.rate <= 0 || idle_.empty()) return end;
    return std::clamp(due(n_due_), now, end);
  }

  void open(Connection& connection) {
    connection.socket = ::socket(address_.family(), SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(connection.socket, address_.data(), address_.size) != 0) fail("connect");
    bench::send_at_once(connection.socket);
    if (address_.family() == AF_UNIX) {
      const int room = 1 << 20;  // bytes, for a whole request: TCP makes it by itself
      ::setsockopt(connection.socket, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }
    const int on = 1;
    ::ioctl(connection.socket, FIONBIO, &on);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.socket, &event);
  }

  void reopen(Connection& connection) {
    ::close(connection.socket);
    connection.received.clear();
    ++result_.reconnects;
    open(connection);
  }

  void begin_what_is_due(Clock::time_point now) {
    while (!idle_.empty() && (options_.rate <= 0 || due(n_due_) <= now)) {
      Connection& connection = *idle_.back();
      idle_.pop_back();
      connection.due = options_.rate > 0 ? due(n_due_) : Clock::now();
      ++n_due_;
      connection.parser.emplace();
      connection.n_sent = 0;
      send(connection);
    }
  }

  void watch(Connection& connection, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.ptr = &connection}};
    ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.socket, &event);
  }

  void send(Connection& connection) {
    const bool was_waiting = connection.n_sent > 0;
    while (connection.n_sent < request_.size()) {
      const ssize_t n = request_.send(connection.socket, connection.n_sent);
      if (n < 0 && errno == EAGAIN) return watch(connection, EPOLLIN | EPOLLOUT);
      if (n < 0) return lose(connection);
      connection.n_sent += static_cast<std::size_t>(n);
    }
    if (was_waiting) watch(connection, EPOLLIN);
  }

  /// The server has ended the connection: within an answer that is a failure.
  void lose(Connection& connection) {
    const bool is_failure = connection.parser.has_value();
    reopen(connection);
    if (!is_failure) return;
    ++result_.lost;
    connection.parser.reset();
    idle_.push_back(&connection);
  }

  void receive(Connection& connection) {
    const ssize_t n = ::recv(connection.socket, bytes_.data(), bytes_.size(), 0);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return lose(connection);
    if (!connection.parser) return;  // an answer to nothing
    connection.received.append(bytes_.data(), static_cast<std::size_t>(n));
    beast::error_code error;
    const std::size_t n_used = connection.parser->put(
        boost::asio::const_buffer(connection.received.data(), connection.received.size()), error);
    connection.received.erase(0, n_used);
    if (error && error != beast::http::error::need_more) return lose(connection);
    if (connection.parser->is_done()) finish(connection);
  }

  void finish(Connection& connection) {
    if (connection.parser->status() == 200) {
      result_.latencies.push_back(seconds_since(connection.due));
    } else {
      ++result_.lost;
    }
    const bool is_kept = connection.parser->keep_alive();
    connection.parser.reset();
    if (!is_kept) reopen(connection);
    idle_.push_back(&connection);
  }

  void wait(Clock::duration time) {
    const auto nanoseconds = std::max<std::int64_t>(std::chrono::nanoseconds(time).count(), 0);
    const timespec patience{.tv_sec = nanoseconds / 1'000'000'000, .tv_nsec = nanoseconds % 1'000'000'000};
    std::array<epoll_event, 256> events;
    const int n = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &patience, nullptr);
    for (int i = 0; i < n; ++i) {
      Connection& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      const std::uint32_t what = events[static_cast<std::size_t>(i)].events;
      if ((what & EPOLLOUT) != 0) send(connection);
      if ((what & ~EPOLLOUT) != 0) receive(connection);
    }
  }

  const Options& options_;
  const bench::SocketAddress address_;
  const Request& request_;
  int epoll_;
  std::vector<Connection> connections_;
  std::vector<Connection*> idle_;
  std::array<char, 1 << 16> bytes_{};
  Clock::time_point start_;
  std::uint64_t n_due_ = 0;  // requests begun
  Result result_;
};

std::string make_request(const Options& options) {
  std::ifstream file(options.body, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + options.body);
  const std::string body{std::istreambuf_iterator<char>(file), {}};
  return fmt::format(
      "POST {} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {}\r\nContent-Length: {}\r\n\r\n{}",
      options.target, options.content_type, body.size(), body);
}

double quantile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return std::nan("");
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

void print(const Options& options, Result result) {
  std::ranges::sort(result.latencies);
  const auto n_good = result.latencies.size();
  nlohmann::ordered_json told = {{"requests", n_good},
                                 {"lost", result.lost},
                                 {"unsent", result.unsent},
                                 {"reconnects", result.reconnects},
                                 {"seconds", result.seconds},
                                 {"rate", options.rate},
                                 {"connections", options.connections},
                                 {"requests_per_second", static_cast<double>(n_good) / result.seconds}};
  for (const auto& [name, share] :
       {std::pair{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"max", 1.0}}) {
    told[name] = quantile(result.latencies, share);
  }
  fmt::print("{}\n", told.dump());
}

void run(const Options& options) {
  ::prctl(PR_SET_TIMERSLACK, 1);  // a request that is due in 10 microseconds is due in 10
  ::signal(SIGPIPE, SIG_IGN);     // of sendfile; a connection that ended is told by its result
  const Request request(make_request(options));
  Load load(options, request);
  if (options.warm_up_seconds > 0) load.run(options.warm_up_seconds);
  print(options, load.run(options.seconds));
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App program("Sends one HTTP request again and again, and measures how long answers take");
  program.add_option("body", options.body, "File with the body")->required();
  bench::add_options(program, options.place);
  program.add_option("--target", options.target, "Path")->capture_default_str();
  program.add_option("--content-type", options.content_type, "Type of the body")->capture_default_str();
  program.add_option("--connections", options.connections, "Connections")->capture_default_str();
  program.add_option("--rate", options.rate, "Requests a second; 0: as fast as answers come")
      ->capture_default_str();
  program.add_option("--seconds", options.seconds, "Time to measure")->capture_default_str();
  program.add_option("--warm-up", options.warm_up_seconds, "Time before it")->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "coppice_bench_load: {}\n", error.what());
    return 1;
  }
  return 0;
}
