// Models that come, change and go while requests run; who may do it; how a server ends.
#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/serve/model_list.h>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "running_server.h"

namespace coppice::serve {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(ModelLists, KeepNamesFilesAndTheDefault) {
  const io::TemporaryFolder folder;
  const std::string file = folder.path("step.json");
  const std::string list = folder.path("models.list");
  io::save_model(step_model(0), file);
  ModelStore store{StoreOptions()};
  store.load("z", file);
  store.keep_list_in(list);
  store.load("a", file);
  EXPECT_EQ(parse_model_list(io::read_file(list), list),
            (std::vector<ListedModel>{{"z", file}, {"a", file}}));
  EXPECT_ANY_THROW(store.load("b", folder.path("absent.json")));
  store.unload("z");
  EXPECT_EQ(parse_model_list(io::read_file(list), list), (std::vector<ListedModel>{{"a", file}}));
  for (const char* broken : {"", "[]", "{}", R"({"models": [{"name": "a"}]})", R"({"models": [["a", "b"]]})"})
    EXPECT_THROW((void)parse_model_list(broken, list), Error) << broken;
}

TEST(ModelLife, AThousandSwapsUnderLoadNeitherFailNorMix) {
  RunningServer server(quick_options());
  // Version v predicts v % 7 for x = 0: an answer can be checked against the version that it names.
  std::vector<std::string> paths;
  for (int i = 0; i < 7; ++i) {
    paths.push_back(server.folder.path("swap" + std::to_string(i) + ".json"));
    io::save_model(step_model(static_cast<float>(i)), paths.back());
  }
  server.store.replace("step", paths[2]);  // is version 2
  std::atomic<bool> is_over = false;
  std::atomic<int> n_answers = 0;
  const auto load = [&](int n_rows) {
    std::string rows;
    for (int i = 0; i < n_rows; ++i) rows += "0,1\n";
    const std::string text = csv_request("/invocations", rows);
    Client client = server.connect();
    while (!is_over) {
      const Reply reply = client.ask(text);
      ASSERT_EQ(reply.status, 200) << reply.body;
      const int version = std::stoi(reply.headers.at("x-coppice-model").substr(5));
      std::string expected;
      for (int i = 0; i < n_rows; ++i) expected += std::to_string(version % 7) + "\n";
      ASSERT_EQ(reply.body, expected) << version;
      ++n_answers;
    }
  };
  std::vector<std::thread> clients;
  for (const int n_rows : {1, 1, 50, 6000})
    clients.emplace_back(load, n_rows);  // the last go through the queue
  for (std::size_t version = 3; version < 1003; ++version) server.store.replace("step", paths[version % 7]);
  is_over = true;
  for (std::thread& client : clients) client.join();
  EXPECT_GT(n_answers, 100);
  EXPECT_EQ(server.store.current()->find("step")->version, 1002);
}

TEST(ModelLife, AModelThatDoesNotLoadLeavesTheOldOne) {
  RunningServer server(quick_options());
  const std::string broken = server.folder.write("broken.json", "{");
  EXPECT_THROW(server.store.replace("step", broken), Error);
  EXPECT_THROW(server.store.load("new", broken), Error);
  EXPECT_EQ(server.ask(csv_request("/invocations", "1,1")).body, "1\n");
  EXPECT_EQ(server.ask(csv_request("/models/new/invoke", "1,1")).status, 404);
  server.folder.write("step.json", "{");
  EXPECT_THAT(server.store.reload(), ::testing::ElementsAre(HasSubstr("step: [io.model.")));
  EXPECT_EQ(server.ask(csv_request("/invocations", "1,1")).headers.at("x-coppice-model"), "step/1");
}

TEST(ModelLife, ReloadTakesEveryModelThoughNobodyElseHoldsTheOldOnes) {
  const io::TemporaryFolder folder;
  ModelStore store({});
  const std::vector<std::string> names = {"a", "b", "c", "d"};
  for (const std::string& name : names) {
    io::save_model(step_model(0), folder.path(name + ".json"));
    store.load(name, folder.path(name + ".json"));
  }
  for (std::uint64_t round = 1; round < 20; ++round) {
    EXPECT_TRUE(store.reload().empty());
    for (std::size_t i = 0; i < names.size(); ++i)
      EXPECT_EQ(store.current()->find(names[i])->version, round * names.size() + i + 1) << names[i];
  }
}

TEST(ModelLife, UnloadedModelsAreGoneAndTheFirstIsTheNextOne) {
  RunningServer server(quick_options());
  io::save_model(step_model(5), server.folder.path("five.json"));
  server.store.load("five", server.folder.path("five.json"));
  server.store.unload("step");
  EXPECT_EQ(server.ask(csv_request("/models/step/invoke", "0,1")).status, 404);
  EXPECT_EQ(server.ask(csv_request("/invocations", "0,1")).body, "5\n");
  server.store.unload("five");
  EXPECT_EQ(server.ask(csv_request("/invocations", "0,1")).status, 404);
  EXPECT_EQ(server.ask(request("GET", "/ping")).status, 200);
}

TEST(ModelLife, NamesThatDoNotFitAPathAreRefused) {
  ModelStore store{StoreOptions{}};
  for (const std::string name : {"", "a/b", ".hidden", "a b", "a\"b"}) {
    EXPECT_THROW(store.load(name, "m.json"), Error) << name;
  }
  EXPECT_EQ(model_name_of("/models/fraud.json"), "fraud");
  EXPECT_EQ(model_name_of("/opt/ml/model/"), "model");
}

TEST(ModelLife, FoldersHoldOneModel) {
  io::TemporaryFolder folder;
  folder.write(".hidden", "x");
  EXPECT_THROW((void)model_file_of(folder.path("")), Error);
  const std::string model = folder.write("xgboost-model", "x");
  EXPECT_EQ(model_file_of(folder.path("")), model);
  EXPECT_EQ(model_file_of(model), model);
  folder.write("second", "x");
  EXPECT_THROW((void)model_file_of(folder.path("")), Error);
}

ServerOptions admin_options(const io::TemporaryFolder& root) {
  ServerOptions options = quick_options();
  options.is_admin = true;
  options.model_root = root.path("");
  return options;
}

TEST(Admin, ModelsAreLoadedReplacedAndUnloadedByRequests) {
  io::TemporaryFolder root;
  io::save_model(step_model(2), root.path("two.json"));
  io::save_model(step_model(3), root.path("three.json"));
  RunningServer server(admin_options(root));
  const std::string load = request("POST", "/models", R"({"model_name": "m", "url": "two.json"})");
  EXPECT_EQ(server.ask(load).status, 200);
  EXPECT_EQ(server.ask(csv_request("/models/m/invoke", "0,1")).body, "2\n");
  const Reply twice = server.ask(load);
  EXPECT_EQ(twice.status, 409);
  EXPECT_EQ(Json::parse(twice.body)["message"], "Model m is already registered.");
  EXPECT_EQ(server.ask(request("PUT", "/models/m", R"({"url": "three.json"})")).status, 200);
  EXPECT_EQ(server.ask(csv_request("/models/m/invoke", "0,1")).body, "3\n");
  EXPECT_EQ(server.ask(request("PUT", "/models/m")).status, 200);  // from where it came
  EXPECT_EQ(server.ask(request("DELETE", "/models/m")).status, 200);
  EXPECT_EQ(server.ask(request("DELETE", "/models/m")).status, 404);
  EXPECT_EQ(server.ask(request("POST", "/models", "no json")).status, 400);
  EXPECT_EQ(server.ask(request("POST", "/models", R"({"model_name": 1})")).status, 400);
}

TEST(Admin, PathsStayInsideTheFolderOfModels) {
  io::TemporaryFolder root, outside;
  io::save_model(step_model(2), outside.path("m.json"));
  std::filesystem::create_symlink(outside.path("m.json"), root.path("link.json"));
  RunningServer server(admin_options(root));
  const std::string sibling = root.path("") + "../" + outside.path("m.json").substr(5);
  for (const std::string& url :
       {outside.path("m.json"), sibling, std::string("link.json"), std::string("absent.json"),
        std::string("/etc/passwd"), "file://" + outside.path("m.json")}) {
    const Reply reply =
        server.ask(request("POST", "/models", Json{{"model_name", "m"}, {"url", url}}.dump()));
    EXPECT_EQ(reply.status, 403) << url;
    EXPECT_THAT(Json::parse(reply.body)["message"].get<std::string>(),
                HasSubstr("no file inside the folder"));
  }
}

TEST(Admin, ChangesAreOffUnlessAskedForAndCanBeKeptToASocket) {
  const std::string load = request("POST", "/models", R"({"model_name": "m", "url": "two.json"})");
  EXPECT_EQ(RunningServer(quick_options()).ask(load).status, 403);
  io::TemporaryFolder root;
  io::save_model(step_model(2), root.path("two.json"));
  ServerOptions options = admin_options(root);
  options.admin_unix_path = root.path("admin.sock");
  RunningServer server(options);
  EXPECT_EQ(server.ask(load).status, 403);
  EXPECT_EQ(Client(options.admin_unix_path).ask(load).status, 200);
  struct stat status {};
  ASSERT_EQ(::stat(options.admin_unix_path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(server.ask(csv_request("/models/m/invoke", "0,1")).body, "2\n");
}

TEST(Server, OptionsThatDoNotFitAreRefused) {
  ModelStore store{StoreOptions{.drift = {.n_writers = 2}}};
  const auto id_of = [&store](ServerOptions options) {
    options.port = 0;
    if (options.threads == 0) options.threads = 1;
    try {
      const Server server(options, store);
    } catch (const Error& error) {
      return error.id();
    }
    return std::string();
  };
  EXPECT_EQ(id_of({}), "");
  EXPECT_EQ(id_of({.is_admin = true}), "serve.option.model_root");
  EXPECT_EQ(id_of({.admin_unix_path = "/tmp/never.sock"}), "serve.option.admin");
  EXPECT_EQ(id_of({.tls_certificate = "cert.pem"}), "serve.option.tls");
  EXPECT_EQ(id_of({.host = "no such host"}), "serve.listen.address");
  EXPECT_EQ(id_of({.unix_path = "/no such folder/s.sock"}), "serve.listen.bind");
  EXPECT_EQ(id_of({.threads = 2}), "serve.option.writers");
}

TEST(Token, IsAskedForByAllButPing) {
  ServerOptions options = quick_options();
  options.token = "secret";
  RunningServer server(options);
  EXPECT_EQ(server.ask(request("GET", "/ping")).status, 200);
  const Reply without = server.ask(csv_request("/invocations", "1,1"));
  EXPECT_EQ(without.status, 401);
  EXPECT_EQ(without.headers.at("www-authenticate"), "Bearer");
  for (const std::string wrong :
       {"Bearer secreT", "Bearer secre", "Bearer secrets", "Basic secret", "Bearer "}) {
    EXPECT_EQ(server.ask(csv_request("/invocations", "1,1", "Authorization: " + wrong + "\r\n")).status, 401)
        << wrong;
  }
  EXPECT_EQ(server.ask(csv_request("/invocations", "1,1", "Authorization: Bearer secret\r\n")).body, "1\n");
  // Who has no token cannot make the server keep a body.
  Client client = server.connect();
  EXPECT_EQ(client.ask("POST /invocations HTTP/1.1\r\nHost: t\r\nContent-Length: 1000\r\n\r\n").status, 401);
  EXPECT_TRUE(client.is_closed());
}

TEST(Stopping, FinishesWhatRunsAndSaysSo) {
  ServerOptions options = quick_options();
  options.limits.linger = milliseconds(300);
  RunningServer server(options);
  Client running = server.connect();
  Client idle = server.connect();
  ASSERT_EQ(idle.ask(request("GET", "/ping")).status, 200);
  const std::string text = csv_request("/invocations", "1,1");
  ASSERT_TRUE(running.send(text.substr(0, text.size() - 1)));
  ASSERT_EQ(server.ask(request("GET", "/ping")).status, 200);
  server.server->stop();
  EXPECT_TRUE(idle.is_closed());
  EXPECT_EQ(server.ask(request("GET", "/ping")).status, 503);
  const Reply reply = running.ask(text.substr(text.size() - 1));
  EXPECT_EQ(reply.body, "1\n");
  EXPECT_EQ(reply.headers.at("connection"), "close");
  server.thread.join();
}

TEST(Stopping, DoesNotWaitForever) {
  ServerOptions options = quick_options();
  options.limits.drain = milliseconds(100);
  RunningServer server(options);
  Client stuck = server.connect();
  ASSERT_TRUE(stuck.send("POST /invocations HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n"));
  ASSERT_EQ(server.ask(request("GET", "/ping")).status, 200);
  server.stop();  // returns
  server.server.reset();
  EXPECT_TRUE(stuck.is_closed());
}

TEST(UnixSocket, ServesAndReplacesADeadOne) {
  io::TemporaryFolder folder;
  ServerOptions options = quick_options();
  options.unix_path = folder.path("c.sock");
  {
    RunningServer server(options);
    EXPECT_EQ(Client(options.unix_path).ask(csv_request("/invocations", "1,1")).body, "1\n");
    ModelStore store{StoreOptions{.drift = {.n_writers = 4}}};
    options.threads = 2;
    EXPECT_THROW(Server(options, store), Error);  // one that is alive stays
    EXPECT_EQ(Client(options.unix_path).ask(csv_request("/invocations", "1,1")).body, "1\n");
    // As a killed server leaves it: the file without a listener.
    std::filesystem::rename(options.unix_path, folder.path("dead.sock"));
  }
  std::filesystem::rename(folder.path("dead.sock"), options.unix_path);
  RunningServer server(options);
  EXPECT_EQ(Client(options.unix_path).ask(csv_request("/invocations", "1,1")).body, "1\n");
}

}  // namespace
}  // namespace coppice::serve
