#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <coppice/serve/model_list.h>
#include <coppice/serve/model_store.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <utility>

namespace coppice::serve {
namespace {

constexpr std::size_t kMaxNameLength = 63;  // as for endpoints of the managed service

/// Names stand in paths of requests, in metrics and in response headers.
void check_name(std::string_view name) {
  const auto is_good = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (!name.empty() && name.size() <= kMaxNameLength && name.front() != '.' &&
      std::ranges::all_of(name, is_good)) {
    return;
  }
  throw Error("serve.model.name",
              fmt::format("'{}' is no name for a model: take up to {} letters, digits, '-', '_' and '.'",
                          name, kMaxNameLength));
}

Error unknown_model(std::string_view name) {
  return {"serve.model.unknown", fmt::format("Model not found: {}", name)};
}

}  // namespace

ServedModel::ServedModel(std::string model_name, std::string model_path, std::uint64_t model_version,
                         Model loaded, const StoreOptions& options)
    : name(std::move(model_name)),
      path(std::move(model_path)),
      version(model_version),
      label(fmt::format("{}/{}", name, version)),
      loaded_at(std::chrono::system_clock::now()),
      model(std::move(loaded)),
      reader(model.schema),
      answerer(model),
      answer(options.answer),
      drift(model, options.drift) {
  answer.threshold = options.threshold.value_or(model.threshold);
  if (!options.output.empty()) answer.fields = parse_fields(options.output, model.objective);
}

const ServedModel* ModelSet::find(std::string_view name) const noexcept {
  const auto found = models.find(name.empty() ? std::string_view(first) : name);
  return found == models.end() ? nullptr : found->second.get();
}

ModelStore::ModelStore(StoreOptions options)
    : options_(std::move(options)), set_(std::make_shared<ModelSet>()) {}

void ModelStore::set_shadow(const std::string& name, const std::string& path) {
  const std::scoped_lock lock(mutex_);
  shadows_[name] = path;
}

void ModelStore::keep_list_in(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  list_path_ = path;
  list_text_ = model_list_text(*set_);
}

template <class Change>
void ModelStore::change(const Change& apply) {
  const std::scoped_lock lock(mutex_);
  auto next = std::make_shared<ModelSet>(*set_);
  apply(*next);
  if (!list_path_.empty()) {
    std::string text = model_list_text(*next);
    if (text != list_text_) io::write_file_atomically(list_path_, text);
    list_text_ = std::move(text);
  }
  set_ = std::move(next);
  revision_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const ServedModel> ModelStore::read(const std::string& name, const std::string& path) {
  const std::uint64_t version = n_loads_.fetch_add(1) + 1;
  auto model =
      std::make_shared<ServedModel>(name, path, version, io::load_model(model_file_of(path)), options_);
  std::string shadow_path;
  {
    const std::scoped_lock lock(mutex_);
    if (const auto found = shadows_.find(name); found != shadows_.end()) shadow_path = found->second;
  }
  if (!shadow_path.empty()) {
    model->shadow = std::make_shared<const ShadowModel>(shadow_path,
                                                        io::load_model(model_file_of(shadow_path)), options_);
  }
  return model;
}

std::shared_ptr<const ServedModel> ModelStore::load(const std::string& name, const std::string& path) {
  check_name(name);
  change([&](ModelSet& set) {
    if (set.models.contains(name) || set.loading.contains(name)) {
      throw Error("serve.model.exists", fmt::format("Model {} is already registered.", name));
    }
    set.loading.insert(name);
  });
  try {
    std::shared_ptr<const ServedModel> model = read(name, path);
    change([&](ModelSet& set) {
      set.loading.erase(name);
      if (set.models.empty()) set.first = name;
      set.models.emplace(name, model);
    });
    return model;
  } catch (...) {
    change([&](ModelSet& set) { set.loading.erase(name); });
    throw;
  }
}

std::shared_ptr<const ServedModel> ModelStore::replace(const std::string& name, const std::string& path) {
  const std::shared_ptr<const ModelSet> before = current();
  const auto old = before->models.find(name);
  if (old == before->models.end()) throw unknown_model(name);
  std::shared_ptr<const ServedModel> model = read(name, path.empty() ? old->second->path : path);
  change([&](ModelSet& set) {
    const auto place = set.models.find(name);
    if (place == set.models.end()) throw unknown_model(name);  // unloaded meanwhile
    // Of two that load at a time the later one stays.
    if (place->second->version < model->version) place->second = model;
  });
  return model;
}

void ModelStore::unload(const std::string& name) {
  change([&](ModelSet& set) {
    if (set.models.erase(name) == 0) throw unknown_model(name);
    if (set.first == name) set.first = set.models.empty() ? std::string() : set.models.begin()->first;
  });
}

std::vector<std::string> ModelStore::reload() {
  const std::shared_ptr<const ModelSet> before = current();  // replaced while it is gone through
  std::vector<std::string> problems;
  for (const auto& [name, model] : before->models) {
    try {
      replace(name, "");
    } catch (const std::exception& error) {
      problems.push_back(fmt::format("{}: {}", name, error.what()));
    }
  }
  return problems;
}

std::shared_ptr<const ModelSet> ModelStore::current() const {
  const std::scoped_lock lock(mutex_);
  return set_;
}

std::string model_name_of(const std::string& path) {
  const std::filesystem::path file(path);
  return (file.has_filename() ? file : file.parent_path()).stem().string();
}

std::string model_file_of(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  if (!fs::is_directory(path, failed)) return path;
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(path, failed)) {
    const bool is_hidden = entry.path().filename().string().starts_with('.');
    if (!is_hidden && entry.is_regular_file(failed)) files.push_back(entry.path().string());
  }
  if (files.size() == 1) return files.front();
  throw Error("serve.model.folder",
              fmt::format("{}: a folder with one model file is needed, it has {}", path, files.size()));
}

}  // namespace coppice::serve
