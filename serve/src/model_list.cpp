#include <coppice/error.h>
#include <coppice/serve/model_list.h>
#include <csv_cells.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

namespace coppice::serve {

std::string model_list_text(const ModelSet& set) {
  auto list = nlohmann::ordered_json::array();
  const auto add = [&](const ServedModel& model) {
    const std::string path = std::filesystem::absolute(model.path).string();
    if (!io::is_utf8(path)) {
      throw Error("serve.model.list",
                  fmt::format("the list of models cannot hold the path of {}: it is not UTF-8", model.name));
    }
    list.push_back({{"name", model.name}, {"path", path}});
  };
  if (const ServedModel* first = set.find("")) add(*first);
  for (const auto& [name, model] : set.models) {
    if (name != set.first) add(*model);
  }
  return nlohmann::ordered_json{{"models", std::move(list)}}.dump(2) + "\n";
}

std::vector<ListedModel> parse_model_list(std::string_view text, const std::string& file) {
  try {
    const auto list = nlohmann::json::parse(text);
    std::vector<ListedModel> models;
    for (const auto& model : list.at("models")) {
      models.push_back({model.at("name").get<std::string>(), model.at("path").get<std::string>()});
    }
    return models;
  } catch (const nlohmann::json::exception& error) {
    throw Error(
        "serve.model.list",
        fmt::format("{}: not a list of models: {}; remove it to start from --model", file, error.what()));
  }
}

}  // namespace coppice::serve
