// The names and files of loaded models, in a file: what a restarted server serves again.
#pragma once

#include <coppice/serve/model_store.h>

#include <string>
#include <vector>

namespace coppice::serve {

struct ListedModel {
  std::string name;
  std::string path;  ///< absolute
  bool operator==(const ListedModel&) const = default;
};

/// The models of a set, that which answers by default first:
///
///     {"models": [{"name": "fraud", "path": "/srv/models/fraud.json"}, ..]}
///
/// Errors: serve.model.list when a path is not UTF-8, which JSON cannot hold.
[[nodiscard]] std::string model_list_text(const ModelSet& set);

/// The models of such a text, which came from `file`. Errors: serve.model.list.
[[nodiscard]] std::vector<ListedModel> parse_model_list(std::string_view text, const std::string& file);

}  // namespace coppice::serve
