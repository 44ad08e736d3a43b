// The models that a server answers from: several by name, replaced while requests run.
#pragma once

#include <coppice/model.h>
#include <coppice/serve/answers.h>
#include <coppice/serve/drift.h>
#include <coppice/serve/rows.h>
#include <coppice/serve/shadow.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::serve {

/// How loaded models answer and are watched.
struct StoreOptions {
  AnswerOptions answer;             ///< but for the fields, which `output` names, and the threshold
  std::optional<double> threshold;  ///< instead of the one that each model stores
  std::string output;               ///< as parse_fields reads it; empty: the prediction, named score
  DriftOptions drift;
};

/// A model that scores copies of another one's requests.
struct ShadowModel {
  std::string path;
  RowReader reader;
  Answerer answerer;
  double threshold;
  mutable ShadowComparison comparison;

  ShadowModel(std::string model_path, const Model& model, const StoreOptions& options)
      : path(std::move(model_path)),
        reader(model.schema),
        answerer(model),
        threshold(options.threshold.value_or(model.threshold)) {}
};

/// One loaded model: immutable but for what it counts.
struct ServedModel {
  std::string name;
  std::string path;
  std::uint64_t version = 0;  ///< counts the loads of this store, from 1
  std::string label;          ///< `name/version`, as answers, log and status page show it
  std::chrono::system_clock::time_point loaded_at;
  Model model;
  RowReader reader;
  Answerer answerer;
  AnswerOptions answer;  ///< what an answer holds unless the request says otherwise
  std::shared_ptr<const ShadowModel> shadow;
  mutable DriftMonitor drift;
  mutable std::atomic<std::uint64_t> n_rows = 0;  ///< scored

  /// Errors: serve.request.output, core.scorer.model.
  ServedModel(std::string model_name, std::string model_path, std::uint64_t model_version, Model loaded,
              const StoreOptions& options);
};

/// What is served at one moment. Never changed: a change makes a new one.
struct ModelSet {
  std::map<std::string, std::shared_ptr<const ServedModel>, std::less<>> models;
  std::set<std::string, std::less<>> loading;  ///< names whose first version is being loaded
  std::string first;                           ///< the model that answers where none is named

  /// nullptr when there is no such model. An empty name means the first.
  [[nodiscard]] const ServedModel* find(std::string_view name) const noexcept;
};

/// Loads, replaces and unloads models. Thread-safe; a change is one step for whoever reads.
class ModelStore {
 public:
  explicit ModelStore(StoreOptions options);

  [[nodiscard]] const StoreOptions& options() const noexcept { return options_; }

  /// From the next load of `name` on, the model at `path` scores copies of its requests.
  void set_shadow(const std::string& name, const std::string& path);

  /// From now on the list of models (model_list.h) stands in this file: a change of it is there before it
  /// counts, whatever ends the process. load, replace and unload raise io.file.write when it cannot be
  /// written, or serve.model.list; the set is then as before.
  void keep_list_in(const std::string& path);

  /// Adds a model from a file or from a folder that holds one. Errors: serve.model.name, serve.model.exists,
  /// and those of io::load_model; the set is then as before.
  std::shared_ptr<const ServedModel> load(const std::string& name, const std::string& path);
  /// Puts a new version in the place of a model, from `path` or, when it is empty, from where the model came.
  /// Errors: serve.model.unknown and those of io::load_model; the old version then stays.
  std::shared_ptr<const ServedModel> replace(const std::string& name, const std::string& path);
  /// Requests that run finish with the model. Errors: serve.model.unknown.
  void unload(const std::string& name);
  /// Loads every model again from where it came. What went wrong, one message for each model that stays old.
  std::vector<std::string> reload();

  [[nodiscard]] std::shared_ptr<const ModelSet> current() const;
  /// Changes with every change of the set.
  [[nodiscard]] std::uint64_t revision() const noexcept { return revision_.load(std::memory_order_acquire); }

 private:
  template <class Change>
  void change(const Change& apply);
  std::shared_ptr<const ServedModel> read(const std::string& name, const std::string& path);

  StoreOptions options_;
  mutable std::mutex mutex_;  // of what follows, but for the counts
  std::shared_ptr<const ModelSet> set_;
  std::map<std::string, std::string> shadows_;  // paths by model
  std::string list_path_;                       // empty: no list is kept
  std::string list_text_;                       // as written last
  std::atomic<std::uint64_t> revision_ = 1;
  std::atomic<std::uint64_t> n_loads_ = 0;
};

/// One thread's look at a store: a plain read of a number while nothing changes, no lock and no shared
/// counter.
class ModelView {
 public:
  explicit ModelView(const ModelStore& store) : store_(&store) {}

  /// The current set. Stays alive until the next call.
  [[nodiscard]] const ModelSet& current() {
    if (const std::uint64_t revision = store_->revision(); revision != revision_) {
      set_ = store_->current();
      revision_ = revision;
    }
    return *set_;
  }

 private:
  const ModelStore* store_;
  std::uint64_t revision_ = 0;
  std::shared_ptr<const ModelSet> set_;
};

/// The name of a model that was given as a path alone: the file name without folder and ending.
[[nodiscard]] std::string model_name_of(const std::string& path);

/// A model file: the path itself, or the only file of a folder (hidden files do not count).
/// Errors: serve.model.folder.
[[nodiscard]] std::string model_file_of(const std::string& path);

}  // namespace coppice::serve
