#include "admin.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "json_text.h"

namespace coppice::serve {
namespace {

using Json = nlohmann::ordered_json;

void set_json(Response& response, const Json& value) { response.set_json(200, json_text(value)); }

/// The text of a field. Errors: HttpError 400.
std::string text_field(const nlohmann::json& object, const char* name) {
  const auto found = object.is_object() ? object.find(name) : object.end();
  if (found != object.end() && found->is_string()) return found->get<std::string>();
  throw HttpError(400, "serve.model.request",
                  fmt::format("a JSON object with the text \"{}\" is needed: "
                              R"({{"model_name": "fraud", "url": "/models/fraud.json"}})",
                              name));
}

nlohmann::json parse(std::string_view body) {
  return nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
}

/// The canonical path of a model below the root. One message for all that is wrong, so that nobody learns
/// what lies outside. Errors: HttpError 403.
std::string inside_root(const ServerOptions& options, const std::string& url) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path root = fs::canonical(options.model_root, failed);
  constexpr std::string_view kScheme = "file://";
  const fs::path given = url.starts_with(kScheme) ? url.substr(kScheme.size()) : url;
  const fs::path path = failed ? fs::path() : fs::canonical(root / given, failed);
  const bool is_inside =
      !failed && std::mismatch(root.begin(), root.end(), path.begin(), path.end()).first == root.end();
  if (!is_inside) {
    throw HttpError(403, "serve.model.path", fmt::format("{}: no file inside the folder of models", url));
  }
  return path.string();
}

/// A whole number of the query. Errors: HttpError 400.
std::size_t number_of(const Route& route, std::string_view name, std::size_t otherwise) {
  const std::string text = form_field(route.query, name);
  if (text.empty()) return otherwise;
  if (const auto number = whole_number(text)) return *number;
  throw HttpError(400, "serve.model.request", fmt::format("{}={}: expected a whole number", name, text));
}

Json names_of(const ServedModel& model) { return {{"modelName", model.name}, {"modelUrl", model.path}}; }

}  // namespace

void check_admin_options(const ServerOptions& options) {
  if (options.is_admin && options.model_root.empty()) {
    throw Error("serve.option.model_root",
                "--admin needs --model-root FOLDER: models are loaded from there only");
  }
  if (!options.admin_unix_path.empty() && !options.is_admin) {
    throw Error("serve.option.admin", "--admin-unix needs --admin");
  }
}

const ServedModel& require_model(const ModelSet& models, std::string_view name) {
  if (const ServedModel* model = models.find(name)) return *model;
  if (models.loading.contains(name)) {
    throw HttpError(429, "serve.model.loading", fmt::format("Model {} is being loaded", name));
  }
  throw HttpError(404, "serve.model.unknown", fmt::format("Model not found: {}", name));
}

void list_models(const Route& route, const ModelSet& models, Response& response) {
  const std::size_t first = number_of(route, "next_page_token", 0);
  const std::size_t limit = std::max<std::size_t>(number_of(route, "limit", 100), 1);
  Json list = Json::array();
  std::size_t place = 0;
  for (const auto& [name, model] : models.models) {
    if (place++ < first) continue;
    if (list.size() == limit) break;
    list.push_back(names_of(*model));
  }
  Json answer = {{"models", list}};
  if (first + list.size() < models.models.size())
    answer["nextPageToken"] = fmt::to_string(first + list.size());
  set_json(response, answer);
}

void describe_model(const Route& route, const ModelSet& models, Response& response) {
  const ServedModel& model = require_model(models, route.name);
  Json answer = names_of(model);
  answer["version"] = model.version;
  answer["loadedAt"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                                   fmt::gmtime(std::chrono::system_clock::to_time_t(model.loaded_at)));
  answer["objective"] = to_string(model.model.objective);
  answer["trees"] = model.model.trees.size();
  answer["rowsScored"] = model.n_rows.load(std::memory_order_relaxed);
  answer["features"] = Json::array();
  for (const Feature& feature : model.model.schema.features) answer["features"].push_back(feature.name);
  if (model.shadow != nullptr) {
    answer["shadow"] = Json::parse(to_json(model.shadow->comparison.report()));
    answer["shadow"]["modelUrl"] = model.shadow->path;
  }
  set_json(response, answer);
}

void model_drift(const Route& route, const ModelSet& models, Response& response) {
  response.set_json(200, to_json(require_model(models, route.name).drift.report()));
}

void load_model(const Request& request, const ServerOptions& options, ModelStore& store, Response& response) {
  const nlohmann::json given = parse(request.body);
  const std::string name = text_field(given, "model_name");
  const auto model = store.load(name, inside_root(options, text_field(given, "url")));
  set_json(response, {{"status", fmt::format("Model \"{}\" registered", name)}, {"version", model->version}});
}

void replace_model(const Request& request, const Route& route, const ServerOptions& options,
                   ModelStore& store, Response& response) {
  const std::string path =
      request.body.empty() ? std::string() : inside_root(options, text_field(parse(request.body), "url"));
  const auto model = store.replace(route.name, path);
  set_json(response,
           {{"status", fmt::format("Model \"{}\" replaced", route.name)}, {"version", model->version}});
}

void unload_model(const Route& route, ModelStore& store, Response& response) {
  store.unload(route.name);
  set_json(response, {{"status", fmt::format("Model \"{}\" unregistered", route.name)}});
}

}  // namespace coppice::serve
