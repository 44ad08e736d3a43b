// The least that an HTTP server can do: looks for the end of a request and sends an answer that it has. What
// the load measures of it is what no server on this machine exceeds.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <vector>

#include "place.h"

namespace {

namespace bench = coppice::bench;

struct Options {
  bench::Place place;
  std::size_t threads = 2;
  std::size_t answer_bytes = 160;
};

int checked(int result, const char* what) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), what);
  return result;
}

int listen_at(const bench::Place& place) {
  const bench::SocketAddress address = bench::socket_address(place);
  const int listener = checked(::socket(address.family(), SOCK_STREAM, 0), "socket");
  const int yes = 1;
  checked(::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes), "SO_REUSEADDR");
  checked(::bind(listener, address.data(), address.size), "bind");
  checked(::listen(listener, 1024), "listen");
  return listener;
}

std::string make_answer(std::size_t n_bytes) {
  std::string answer = "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: ";
  const std::size_t body = n_bytes > answer.size() + 16 ? n_bytes - answer.size() - 8 : 8;
  answer += fmt::format("{}\r\n\r\n{:0>{}}", body, "", body);
  return answer;
}

/// Length of a request that begins here, its header whole.
std::size_t request_bytes(std::string_view text) {
  constexpr std::string_view kLength = "Content-Length: ";
  const std::size_t header = text.find("\r\n\r\n") + 4;
  const std::size_t length = text.substr(0, header).find(kLength);
  std::size_t body = 0;
  if (length != std::string_view::npos)
    std::from_chars(text.data() + length + kLength.size(), text.data() + header, body);
  return header + body;
}

/// Answers the connections of one epoll for ever.
void answer_all(int epoll, const Options& options) {
  const std::string answer = make_answer(options.answer_bytes);
  std::unordered_map<int, std::size_t> missing;  // of the request at hand, by connection
  std::vector<char> bytes(std::size_t{1} << 19);
  std::array<epoll_event, 128> events;
  while (true) {
    const int n_events = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n_events; ++i) {
      const int connection = events[static_cast<std::size_t>(i)].data.fd;
      const ssize_t received = ::recv(connection, bytes.data(), bytes.size(), 0);
      if (received <= 0) {
        missing.erase(connection);
        ::close(connection);
        continue;
      }
      const auto n = static_cast<std::size_t>(received);
      std::size_t& n_missing = missing[connection];
      if (n_missing == 0) n_missing = request_bytes({bytes.data(), n});
      n_missing -= std::min(n, n_missing);
      if (n_missing == 0) ::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
  }
}

/// Deals connections out to the threads in turn, as the server does.
void serve(const Options& options) {
  const int listener = listen_at(options.place);
  std::vector<int> epolls;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < options.threads; ++i) {
    const int epoll = epolls.emplace_back(checked(::epoll_create1(0), "epoll_create1"));
    threads.emplace_back([epoll, &options] { answer_all(epoll, options); });
  }
  while (true) {
    for (const int epoll : epolls) {
      const int connection = checked(::accept(listener, nullptr, nullptr), "accept");
      bench::send_at_once(connection);
      epoll_event event{.events = EPOLLIN, .data = {.fd = connection}};
      checked(::epoll_ctl(epoll, EPOLL_CTL_ADD, connection, &event), "epoll_ctl");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App program("Answers every HTTP request with the same bytes");
  bench::add_options(program, options.place);
  program.add_option("--threads", options.threads, "Threads")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.add_option("--answer-bytes", options.answer_bytes, "Length of the answer, about")
      ->capture_default_str();
  CLI11_PARSE(program, argc, argv);
  try {
    serve(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "coppice_bench_echo: {}\n", error.what());
    return 1;
  }
}
