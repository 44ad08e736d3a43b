// The Dockerfile, as far as it can be tried without a container engine: its entry point in a file system laid
// out as the service does it, and its health check against a server.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "program.h"

namespace coppice::test {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

namespace fs = std::filesystem;

/// The words of an instruction in exec form, from `name` to the end of its line.
Json words_of(const std::string& name) {
  const std::string text = read_source("Dockerfile");
  const std::size_t begin = text.find('[', text.find("\n" + name + " "));
  return Json::parse(text.substr(begin, text.find('\n', begin) - begin));
}

using Dockerfile = ProgramTest;

TEST_F(Dockerfile, EntryPointTrainsAJobInOptMl) {
  EXPECT_EQ(words_of("ENTRYPOINT"), Json({"coppice"}));
  EXPECT_EQ(words_of("CMD"), Json({"serve"}));
  if (run_shell("unshare --mount mount -t tmpfs none /opt").exit_code != 0) {
    GTEST_SKIP() << "no file system of one's own here";
  }
  fs::create_directories(folder() / "ml/input/config");
  fs::create_directories(folder() / "ml/input/data/train");
  write("ml/input/config/hyperparameters.json", R"({"num_round": "2", "objective": "binary:logistic"})");
  write("ml/input/config/inputdataconfig.json", R"({"train": {"ContentType": "text/csv"}})");
  write("ml/input/data/train/t.csv", "1,5\n0,1\n1,6\n0,2\n");
  const std::string train =
      "unshare --mount sh -ec 'mount -t tmpfs none /opt; mkdir /opt/ml; mount --bind ml /opt/ml; cd /; "
      "coppice train'";
  const Outcome outcome = run_shell(train);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("\n/opt/ml/model/xgboost-model: model of 2 rounds\n"));
  EXPECT_TRUE(exists("ml/model/xgboost-model"));

  // A job that cannot be read is told from none.
  fs::remove(folder() / "ml/input/config/hyperparameters.json");
  EXPECT_THAT(run_shell(train).errors, HasSubstr("--train is required"));
  fs::create_symlink("hyperparameters.json", folder() / "ml/input/config/hyperparameters.json");
  EXPECT_THAT(run_shell(train).errors,
              HasSubstr("[io.file.read] /opt/ml/input/config/hyperparameters.json: "));
}

/// Answers one request on a port of its own.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const name = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_, name, size) != 0 || ::listen(listener_, 1) != 0 ||
        ::getsockname(listener_, name, &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer)] {
      const int connection = ::accept(listener_, nullptr, nullptr);
      char buffer[1024];
      for (std::string& text = request_; text.find("\r\n\r\n") == std::string::npos;) {
        const ssize_t n = ::read(connection, buffer, sizeof buffer);
        if (n <= 0) break;
        text.append(buffer, static_cast<std::size_t>(n));
      }
      static_cast<void>(::write(connection, answer.data(), answer.size()));
      ::close(connection);
    });
  }
  ~OneAnswer() { ::close(listener_); }

  [[nodiscard]] int port() const { return port_; }
  /// Waits for the request.
  std::string request() {
    thread_.join();
    return request_;
  }

 private:
  int listener_;
  int port_ = 0;
  std::string request_;
  std::thread thread_;
};

TEST_F(Dockerfile, HealthCheckAsksPing) {
  const Json words = words_of("  CMD");
  ASSERT_EQ(words.size(), 3U);
  EXPECT_EQ(words[0], "bash");
  write("check.sh", words[2].get<std::string>());
  const auto check = [&](int port) {
    return run_shell("SAGEMAKER_BIND_TO_PORT=" + std::to_string(port) + " bash check.sh").exit_code;
  };
  OneAnswer healthy("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(check(healthy.port()), 0);
  EXPECT_EQ(healthy.request(), "GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  OneAnswer stopping("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  EXPECT_NE(check(stopping.port()), 0);
  stopping.request();
  EXPECT_NE(check(1), 0) << "nobody listens";
}

/// The instruction of the Dockerfile that begins like this, up to where its next command begins.
std::string command_of(const std::string& begin) {
  const std::string text = read_source("Dockerfile");
  const std::size_t at = text.find("\nRUN " + begin) + std::string_view("\nRUN ").size();
  return text.substr(at, text.find("\n &&", at) - at);
}

TEST_F(Dockerfile, ContextIsWhatABuildNeeds) {
  const std::vector<std::string> lines = lines_of(read_source(".dockerignore"));
  fs::create_directories(folder() / "source");
  ASSERT_THAT(lines, testing::Contains("*")) << "tables beside the sources stay out of the image";
  for (const std::string& line : lines) {
    if (!line.starts_with('!')) continue;
    const std::string name = line.substr(1);
    fs::copy(fs::path(COPPICE_SOURCE_DIR) / name, folder() / "source" / name, fs::copy_options::recursive);
  }
  std::string configure = command_of("cmake -S /source -B /build");
  for (const char* place : {"/source", "/build"}) configure.erase(configure.find(place), 1);
  const Outcome outcome = run_shell(configure);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.errors;
}

TEST_F(Dockerfile, InstallsWhatABuildNeedsAndIsNotRoot) {
  const std::string dockerfile = read_source("Dockerfile");
  const std::string dev = read_source("dev");
  const std::string_view mark = "build_packages=(";
  const std::size_t begin = dev.find(mark) + mark.size();
  std::istringstream packages(dev.substr(begin, dev.find(')', begin) - begin));
  int n_packages = 0;
  for (std::string package; packages >> package; ++n_packages) {
    EXPECT_THAT(dockerfile, HasSubstr(" " + package)) << "the packages are those of build_packages in ./dev";
  }
  EXPECT_GT(n_packages, 5);
  EXPECT_THAT(dockerfile, HasSubstr("\nARG RUN_AS=10001\nUSER ${RUN_AS}\n"));
}

}  // namespace
}  // namespace coppice::test
