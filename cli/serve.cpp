// coppice serve: models behind HTTP.
#include <coppice/detail/threads.h>
#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/serve/model_list.h>
#include <coppice/serve/server.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "text.h"
#include "verb.h"

namespace coppice::cli {
namespace {

constexpr const char* kServeFooter =
    "Examples:\n"
    "  coppice serve --model fraud.json\n"
    "  curl -H 'Content-Type: text/csv' --data-binary @new.csv http://127.0.0.1:8080/invocations\n"
    "  coppice serve --model fraud.json --model trial=trial.json --shadow fraud=trial.json --log json\n"
    "GET / is a page that shows what is served and scores a pasted row. Without --model the models are "
    "those\n"
    "of a container, in /opt/ml/model. SIGTERM stops when all is answered, SIGHUP loads the models again.";

constexpr const char* kContainerModel = "/opt/ml/model";
constexpr const char* kContainerModels = "/opt/ml/models";

struct ServeArguments {
  std::vector<std::string> models;   // PATH or name=PATH
  std::vector<std::string> shadows;  // name=PATH
  serve::ServerOptions server;
  serve::StoreOptions store;
  std::string accept = "text/csv";
  std::string token_path;
  std::string list_path;
  std::string log;
  double idle_seconds = 60;
  double request_seconds = 30;
};

/// `name=PATH`; a path alone is named by its file.
serve::ListedModel named_path(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) return {serve::model_name_of(text), text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

/// In the managed container the model is in a folder, requests come from outside, and of several models each
/// is loaded by a request.
void take_container_defaults(ServeArguments& arguments) {
  const char* const is_multi_model = std::getenv("SAGEMAKER_MULTI_MODEL");
  if (is_multi_model != nullptr && std::string_view(is_multi_model) == "true") {
    arguments.server.is_admin = true;
    if (arguments.server.model_root.empty()) arguments.server.model_root = kContainerModels;
  } else if (arguments.models.empty()) {
    arguments.models.emplace_back(kContainerModel);
  } else {
    return;
  }
  if (arguments.server.host.empty()) arguments.server.host = "0.0.0.0";
}

/// What --model names; when requests have changed that, what they left.
std::vector<serve::ListedModel> models_to_load(const ServeArguments& arguments) {
  const std::string& list = arguments.list_path;
  if (!list.empty() && std::filesystem::exists(list)) {
    write_log(fmt::format("models as {} lists them; remove it to start from --model\n", list));
    return serve::parse_model_list(io::read_file(list), list);
  }
  std::vector<serve::ListedModel> models;
  for (const std::string& text : arguments.models) models.push_back(named_path(text));
  return models;
}

void load_models(const ServeArguments& arguments, serve::ModelStore& store) {
  const std::vector<serve::ListedModel> models = models_to_load(arguments);
  for (const std::string& text : arguments.shadows) {
    const auto [name, path] = named_path(text);
    const bool is_known = std::ranges::find(models, name, &serve::ListedModel::name) != models.end();
    if (text.find('=') == std::string::npos || !is_known) {
      throw Error("cli.usage",
                  fmt::format("--shadow {}: expected NAME=FILE with the name of a served model", text));
    }
    store.set_shadow(name, path);
  }
  for (const auto& [name, path] : models) {
    const auto model = store.load(name, path);
    write_log(fmt::format("model {}: {} features, {} trees, from {}\n", model->label,
                          model->model.schema.features.size(), model->model.trees.size(), path));
  }
  if (!arguments.list_path.empty()) store.keep_list_in(arguments.list_path);
}

/// The first line of a file, without what cannot be in a header field.
std::string read_token(const std::string& path) {
  std::string token = io::read_file(path);
  token.erase(std::min(token.find_first_of("\r\n"), token.size()));
  if (token.empty())
    throw Error("cli.usage", fmt::format("--token {}: the file's first line is empty", path));
  return token;
}

std::chrono::milliseconds milliseconds_of(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
}

ExitCode run_serve(ServeArguments arguments) {
  take_container_defaults(arguments);
  serve::ServerOptions& server_options = arguments.server;
  if (server_options.host.empty()) server_options.host = "127.0.0.1";
  if (!arguments.token_path.empty()) server_options.token = read_token(arguments.token_path);
  if (!arguments.list_path.empty() && !server_options.is_admin) {
    throw Error("cli.usage", "--model-list needs --admin: without it the list of models does not change");
  }
  if (arguments.log == "json") server_options.access_log = write_log;
  server_options.limits.idle = milliseconds_of(arguments.idle_seconds);
  server_options.limits.request = milliseconds_of(arguments.request_seconds);
  server_options.notice = [](std::string_view text) { write_log(fmt::format("{}\n", text)); };
  server_options.handles_signals = true;
  server_options.threads = detail::thread_count(server_options.threads);
  const auto format = serve::parse_accept(arguments.accept);
  if (!format) {
    throw Error("cli.usage",
                fmt::format("--accept {}: expected one of {}", arguments.accept, serve::kAnswerTypes));
  }
  arguments.store.answer.format = *format;
  // Connections and queue have a thread each of every number.
  arguments.store.drift.n_writers = 2 * static_cast<std::size_t>(server_options.threads);

  std::signal(SIGPIPE, SIG_IGN);  // a client that goes away is no reason to end
  serve::ModelStore store(arguments.store);
  load_models(arguments, store);
  serve::Server server(server_options, store);
  for (const std::string& address : server.addresses()) write_log(fmt::format("listening on {}\n", address));
  server.run();
  return kSuccess;
}

void add_listening(CLI::App& command, serve::ServerOptions& server) {
  server.host.clear();
  command
      .add_option("--host", server.host,
                  "Address to listen on; 127.0.0.1 if not given, in a container 0.0.0.0")
      ->type_name("HOST");
  command.add_option("--port", server.port, "Port; 0 takes a free one")
      ->envname("SAGEMAKER_BIND_TO_PORT")
      ->capture_default_str()
      ->type_name("PORT");
  command.add_option("--unix", server.unix_path, "Listen on a socket in the file system instead")
      ->type_name("PATH");
  command.add_option("--tls-cert", server.tls_certificate, "Certificate chain, PEM: HTTPS instead of HTTP")
      ->type_name("FILE");
  command.add_option("--tls-key", server.tls_key, "Its private key, PEM")->type_name("FILE");
  add_threads(command, server.threads);
}

void add_limits(CLI::App& command, ServeArguments& arguments) {
  serve::Limits& limits = arguments.server.limits;
  command.add_option("--max-body", limits.body_bytes, "Largest body of a request in bytes; more is 413")
      ->envname("MAX_CONTENT_LENGTH")
      ->capture_default_str()
      ->type_name("BYTES");
  command
      .add_option("--max-connections", limits.connections, "Open connections; more are sent away with 503")
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--queue", limits.queued_requests,
                  "Large requests that may wait; more are sent away with 503")
      ->capture_default_str()
      ->type_name("N");
  const auto is_positive = CLI::Range(0.01, 86400.0).description("");
  command
      .add_option("--idle-timeout", arguments.idle_seconds,
                  "Seconds that a connection may wait between requests")
      ->check(is_positive)
      ->capture_default_str()
      ->type_name("S");
  command
      .add_option("--request-timeout", arguments.request_seconds,
                  "Seconds from the first byte of a request to its last")
      ->check(is_positive)
      ->capture_default_str()
      ->type_name("S");
}

void add_answers(CLI::App& command, ServeArguments& arguments) {
  serve::AnswerOptions& answer = arguments.store.answer;
  command
      .add_option(
          "--output", arguments.store.output,
          "What answers hold, unless the request says otherwise: prediction, probability, label, margin,\n"
          "leaf, reasons, contributions, separated by commas")
      ->envname("SAGEMAKER_INFERENCE_OUTPUT")
      ->type_name("A,B");
  command.add_option("--accept", arguments.accept, "Format of answers to requests that accept any")
      ->envname("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT")
      ->capture_default_str()
      ->type_name("TYPE");
  command.add_flag("--comma-joined", answer.comma_joined, "CSV answers on one line, separated by commas");
  command.add_option("--reasons", answer.n_reasons, "Number of reasons")
      ->check(CLI::Range(1, 1000).description(""))
      ->capture_default_str()
      ->type_name("N");
  add_threshold(command, arguments.store.threshold);
}

void add_access(CLI::App& command, ServeArguments& arguments) {
  serve::ServerOptions& server = arguments.server;
  command.add_option("--token", arguments.token_path, "File with a bearer token that all but /ping asks for")
      ->type_name("FILE");
  command.add_flag("--admin", server.is_admin, "Let models be loaded, replaced and unloaded by requests");
  command.add_option("--model-root", server.model_root, "The folder that such models must be in")
      ->type_name("FOLDER");
  command
      .add_option("--model-list", arguments.list_path,
                  "Keep the list of models here when requests change it, and start from it")
      ->type_name("FILE");
  command
      .add_option("--admin-unix", server.admin_unix_path,
                  "A second socket, in the file system, the only one where --admin counts")
      ->type_name("PATH");
  command.add_option("--log", arguments.log, "json: a line for each request to standard error")
      ->check(CLI::IsMember({"json"}).description(""))
      ->type_name("json");
}

}  // namespace

Verb add_serve(CLI::App& program) {
  CLI::App* command = program.add_subcommand("serve", "Answer requests for scores over HTTP");
  const auto arguments = std::make_shared<ServeArguments>();
  command
      ->add_option("--model", arguments->models,
                   "Model file or NAME=FILE, several times; the first is the default")
      ->type_name("[NAME=]FILE")
      ->allow_extra_args(false);
  command
      ->add_option("--shadow", arguments->shadows,
                   "A model that scores copies of the requests to NAME; /metrics tells how its scores differ")
      ->type_name("NAME=FILE")
      ->allow_extra_args(false);
  add_listening(*command, arguments->server);
  add_answers(*command, *arguments);
  add_limits(*command, *arguments);
  add_access(*command, *arguments);
  command->footer(kServeFooter);
  return {command, [arguments] { return run_serve(*arguments); }};
}

}  // namespace coppice::cli
