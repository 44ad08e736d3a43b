#include "named_tables.h"

#include <coppice/error.h>

#include <algorithm>

namespace coppice::cli {

std::vector<NamedTable> group_validation(const std::vector<std::string>& words) {
  std::vector<NamedTable> sets;
  for (const std::string& word : words) {
    const std::size_t end =
        word.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
    const bool is_named = end != std::string::npos && end > 0 && word[end] == '=';
    const std::string name = is_named ? word.substr(0, end) : "validation";
    auto set = std::ranges::find(sets, name, &NamedTable::name);
    if (set == sets.end()) set = sets.insert(set, NamedTable{name, {}, {}});
    set->paths.push_back(is_named ? word.substr(end + 1) : word);
  }
  if (std::ranges::find(sets, "train", &NamedTable::name) != sets.end()) {
    throw Error("cli.usage", "--valid train=...: the name train belongs to the training table");
  }
  return sets;
}

}  // namespace coppice::cli
