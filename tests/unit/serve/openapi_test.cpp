// docs/openapi.json against the server: routes, methods, and where a token is asked for.
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "route.h"
#include "running_server.h"

namespace coppice::serve {
namespace {

using Json = nlohmann::json;
using ::testing::AnyOf;
using ::testing::Not;

Json read_description() {
  std::ifstream file(COPPICE_SOURCE_DIR "/docs/openapi.json");
  return Json::parse(file);
}

std::string in_capitals(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

/// One method of one path.
struct Operation {
  std::string path;
  std::string method;
  Json described;

  [[nodiscard]] std::string target() const {
    const std::size_t name = path.find("{name}");
    return name == std::string::npos ? path : std::string(path).replace(name, 6, "step");
  }
};

std::vector<Operation> operations_of(const Json& description) {
  std::vector<Operation> operations;
  for (const auto& [path, methods] : description["paths"].items()) {
    for (const auto& [method, described] : methods.items())
      operations.push_back({path, in_capitals(method), described});
  }
  return operations;
}

/// The header line that a security scheme describes.
std::string header_of(const Json& scheme, const std::string& token) {
  if (scheme["type"] == "http" && scheme["scheme"] == "bearer")
    return "Authorization: Bearer " + token + "\r\n";
  if (scheme["type"] == "apiKey" && scheme["in"] == "header")
    return scheme["name"].get<std::string>() + ": " + token + "\r\n";
  return "";
}

TEST(OpenApi, HasEveryRouteWithEveryMethod) {
  std::set<std::string> described;
  for (const Operation& operation : operations_of(read_description()))
    described.insert(operation.method + " " + operation.path);
  std::set<std::string> expected;
  for (std::size_t kind = 0; kind + 1 < kRouteKinds; ++kind) {
    for (const Method method : {Method::kGet, Method::kPost, Method::kPut, Method::kDelete}) {
      if (is_allowed(static_cast<RouteKind>(kind), method))
        expected.insert(std::string(to_string(method)) + " " + std::string(kRoutePaths[kind]));
    }
  }
  EXPECT_EQ(described, expected);
}

TEST(OpenApi, ATokenIsAskedForAndTakenAsDescribed) {
  ServerOptions options = quick_options();
  options.token = "secret";
  options.is_admin = true;
  const io::TemporaryFolder models;
  options.model_root = models.path("");
  const RunningServer server(options);
  const Json description = read_description();
  const Json& schemes = description["components"]["securitySchemes"];
  ASSERT_EQ(schemes.size(), 2U);
  std::size_t n_asking = 0;
  for (const Operation& operation : operations_of(description)) {
    SCOPED_TRACE(operation.method + " " + operation.path);
    const Json& security = operation.described.value("security", description["security"]);
    const auto status = [&](const std::string& header) {
      return server.ask(request(operation.method, operation.target(), "", header)).status;
    };
    const int without = status("");
    const int with_wrong = status("X-Coppice-Token: secreT\r\n");
    if (security.empty()) {
      EXPECT_THAT(without, Not(AnyOf(401, 403)));
      continue;
    }
    ++n_asking;
    EXPECT_THAT(without, AnyOf(401, 403));
    EXPECT_EQ(with_wrong, without);
    EXPECT_TRUE(operation.described["responses"].contains(std::to_string(without)));
    std::set<std::string> named;
    for (const Json& way : security) {
      for (const auto& [name, scopes] : way.items()) {
        named.insert(name);
        EXPECT_THAT(status(header_of(schemes.at(name), "secret")), Not(AnyOf(0, 401, 403))) << name;
      }
    }
    EXPECT_EQ(named.size(), schemes.size());
  }
  EXPECT_GT(n_asking, 0U);
}

}  // namespace
}  // namespace coppice::serve
