// What a client can do wrong, or do too much of: it is told, memory stays bounded, others are served.
#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <vector>

#include "running_server.h"

namespace coppice::serve {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::size_t resident_bytes() {
  std::size_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

TEST(ServerLimits, BodiesOverTheLimitAreRefusedBeforeTheyAreSent) {
  ServerOptions options = quick_options();
  options.limits.body_bytes = 100;
  RunningServer server(options);
  EXPECT_EQ(server.ask(csv_request("/invocations", std::string(50, '\n') + "1,1")).status, 200);
  Client declared = server.connect();
  const std::string head = "POST /invocations HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\n";
  EXPECT_EQ(declared.ask(head + "Content-Length: 1000000000\r\n\r\n").status, 413);
  EXPECT_TRUE(declared.is_closed());
  Client chunked = server.connect();
  EXPECT_EQ(chunked.ask(head + "Transfer-Encoding: chunked\r\n\r\nffffff\r\n").status, 413);
}

TEST(ServerLimits, MemoryIsNotTakenByWhatIsDeclared) {
  ServerOptions options = quick_options();
  options.limits.body_bytes = std::uint64_t{1} << 40U;
  options.limits.request = milliseconds(200);
  RunningServer server(options);
  const std::size_t before = resident_bytes();
  std::vector<Client> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(server.connect());
    ASSERT_TRUE(clients.back().send(
        "POST /invocations HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000000\r\n\r\n0123456789"));
  }
  EXPECT_EQ(server.ask(request("GET", "/ping")).status, 200);
  for (Client& client : clients) EXPECT_EQ(client.receive().status, 408);
  EXPECT_LT(resident_bytes(), before + (64U << 20U));  // of 20 GB that were declared
}

TEST(ServerLimits, LargeBodiesInPiecesStayApart) {
  // The memory of large bodies goes from one connection to the next.
  RunningServer server;
  constexpr std::size_t kClients = 6;
  constexpr std::size_t kPiece = 70'000;
  std::string body;
  while (body.size() < 400'000) body += "0,0.12345678901234567\n";
  const auto n_rows = static_cast<std::size_t>(std::ranges::count(body, '\n'));
  std::vector<Client> clients;
  std::vector<std::string> texts(kClients);
  for (std::size_t i = 0; i < kClients; ++i) clients.push_back(server.connect());
  for (std::size_t round = 0; round < 3; ++round) {
    std::vector<std::size_t> ones(kClients);
    for (std::size_t i = 0; i < kClients; ++i) {
      std::string marked = body;
      ones[i] = (3 * i + round) * 1000;
      marked[ones[i] * (body.size() / n_rows)] = '1';
      // A small request stands behind each large one.
      texts[i] = csv_request("/invocations", marked) + csv_request("/invocations", "1,1");
    }
    for (std::size_t begin = 0; begin < texts[0].size(); begin += kPiece) {
      for (std::size_t i = 0; i < kClients; ++i) ASSERT_TRUE(clients[i].send(texts[i].substr(begin, kPiece)));
    }
    for (std::size_t i = 0; i < kClients; ++i) {
      const std::string scores = clients[i].receive().body;
      ASSERT_EQ(scores.size(), 2 * n_rows);
      EXPECT_EQ(scores.find('1'), 2 * ones[i]);
      EXPECT_EQ(std::ranges::count(scores, '1'), 1);
      EXPECT_EQ(clients[i].receive().body, "1\n");
    }
  }
}

TEST(ServerLimits, SlowSendersAreCutOffAndHoldUpNobody) {
  ServerOptions options = quick_options();
  options.limits.request = milliseconds(150);
  RunningServer server(options);
  Client slow = server.connect();
  const std::string text = csv_request("/invocations", "1,1");
  bool is_taken = true;
  for (std::size_t i = 0; i < text.size() && is_taken; ++i) {
    is_taken = slow.send(text.substr(i, 1));
    EXPECT_EQ(server.ask(csv_request("/invocations", "1,1")).body, "1\n");
    std::this_thread::sleep_for(milliseconds(10));  // 80 bytes take 0.8 s
  }
  EXPECT_EQ(slow.receive().status, 408);
  EXPECT_TRUE(slow.is_closed());
}

TEST(ServerLimits, IdleAndHalfOpenConnectionsAreClosed) {
  ServerOptions options = quick_options();
  options.limits.idle = milliseconds(100);
  options.limits.request = milliseconds(100);
  RunningServer server(options);
  Client silent = server.connect();
  Client half = server.connect();
  ASSERT_TRUE(half.send("GET /ping HTTP/1.1\r\nHo"));
  Client used = server.connect();
  EXPECT_EQ(used.ask(request("GET", "/ping")).status, 200);
  EXPECT_TRUE(silent.is_closed());
  EXPECT_EQ(half.receive().status, 408);
  EXPECT_TRUE(used.is_closed());
}

TEST(ServerLimits, AClientThatDoesNotReadIsNotReadFrom) {
  ServerOptions options = quick_options();
  options.limits.response = milliseconds(300);
  RunningServer server(options);
  const std::size_t before = resident_bytes();
  Client flood = server.connect();
  std::string many;
  for (int i = 0; i < 1000; ++i) many += request("GET", "/");  // each has an answer of some kilobytes
  std::size_t n_sent = 0;
  while (n_sent < 200 && flood.send(many)) ++n_sent;  // until the server has closed
  EXPECT_LT(n_sent, 200U);
  EXPECT_LT(resident_bytes(), before + (64U << 20U));
  EXPECT_EQ(server.ask(request("GET", "/ping")).status, 200);
}

TEST(ServerLimits, AmbiguousAndBrokenRequestsAreRefused) {
  RunningServer server(quick_options());
  const std::string post = "POST /invocations HTTP/1.1\r\nHost: t\r\n";
  struct Case {
    std::string text;
    int status;
  };
  const std::vector<Case> cases = {
      {post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n1,1", 400},
      {post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1,1", 400},
      {post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n1,1", 400},
      {post + "Content-Length: -3\r\n\r\n", 400},
      {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
      {"GET /ping HTTP/1.1\r\n\r\n", 400},                            // no Host
      {"GET /ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},      // two
      {"GET /ping HTTP/1.1\r\nHost: a\r\nA header: b\r\n\r\n", 400},  // a blank in a name
      {"GET /ping HTTP/1.1\nHost: a\n\n\r\n\r\n", 505},               // no CR: not the version that it was
      {"GET /ping HTTP/3.0\r\nHost: a\r\n\r\n", 505},
      {"\x16\x03\x01 TLS to a port without\r\n\r\n", 400},
      {"GET /ping HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
      {"GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\nHost: a\r\n\r\n", 431},
      {post + "Transfer-Encoding: chunked\r\n\r\n1;" + std::string(20'000, 'x'), 431},
  };
  for (const Case& one : cases) {
    Client client = server.connect();
    EXPECT_EQ(client.ask(one.text).status, one.status) << one.text.substr(0, 100);
    EXPECT_TRUE(client.is_closed()) << one.text.substr(0, 100);
  }
}

TEST(ServerLimits, ConnectionsOverTheLimitAreSentAway) {
  ServerOptions options = quick_options();
  options.limits.connections = 3;
  RunningServer server(options);
  std::vector<Client> taken;
  for (int i = 0; i < 3; ++i) {
    taken.push_back(server.connect());
    EXPECT_EQ(taken.back().ask(request("GET", "/ping")).status, 200);
  }
  const Reply reply = server.connect().receive();
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.at("retry-after"), "1");
  EXPECT_THAT(taken.front().ask(request("GET", "/metrics")).body,
              HasSubstr("\ncoppice_rejected_connections_total 1\n"));
}

TEST(ServerLimits, AFullQueueIsToldAtOnce) {
  ServerOptions options = quick_options();
  options.limits.queued_requests = 0;
  RunningServer server(options);
  std::string large;
  for (int i = 0; i < 200'000; ++i) large += "1,1\n";
  Client client = server.connect();
  const Reply reply = client.ask(csv_request("/invocations", large));
  EXPECT_EQ(reply.status, 503);
  EXPECT_EQ(reply.headers.at("retry-after"), "1");
  // Only large ones queue while nothing else comes.
  EXPECT_EQ(client.ask(csv_request("/invocations", large.substr(0, 40'000))).status, 200);
  EXPECT_EQ(client.ask(csv_request("/invocations", "1,1")).body, "1\n");
}

TEST(ServerLimits, TenThousandIdleConnectionsTakeLittleAndDisturbNobody) {
  rlimit files{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &files), 0);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  // Both ends are files of this process.
  const std::size_t n_idle = std::min<std::size_t>(10'000, (files.rlim_cur - 200) / 2);
  ServerOptions options = quick_options();
  options.limits.idle = std::chrono::seconds(60);
  RunningServer server(options);
  const std::size_t before = resident_bytes();
  std::vector<Client> idle;
  for (std::size_t i = 0; i < n_idle; ++i) idle.push_back(server.connect());
  EXPECT_EQ(server.ask(csv_request("/invocations", "1,1")).body, "1\n");
  EXPECT_EQ(idle.back().ask(csv_request("/invocations", "1,1")).body, "1\n");
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_bytes(), before + n_idle * 12U * 1024);
#else
  (void)before;
#endif
}

}  // namespace
}  // namespace coppice::serve
