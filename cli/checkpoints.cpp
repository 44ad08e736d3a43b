#include "checkpoints.h"

#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <fmt/format.h>

#include <charconv>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "text.h"

namespace coppice::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kName = "xgboost-checkpoint.";

/// The checkpoints of a folder by round, the newest first.
std::map<int, fs::path, std::greater<>> list(const fs::path& folder) {
  std::map<int, fs::path, std::greater<>> files;
  if (!fs::is_directory(folder)) return files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kName)) continue;
    int round = 0;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + kName.size(), end, round);
    if (error == std::errc{} && stop == end) files.emplace(round, entry.path());
  }
  return files;
}

}  // namespace

std::optional<Model> Checkpoints::newest() const {
  for (const auto& [round, path] : list(folder_)) {
    try {
      return io::load_model(path.string());
    } catch (const Error& error) {
      write_log(fmt::format("warning: checkpoint passed over: {}\n", error.what()));
    }
  }
  return std::nullopt;
}

void Checkpoints::offer(const Model& model) {
  constexpr std::size_t kKept = 5;
  constexpr int kShare = 20;
  const Clock::time_point start = Clock::now();
  if (start < next_) return;
  fs::create_directories(folder_);
  io::save_model(model, (folder_ / fmt::format("{}{}", kName, model.trees.size() - 1)).string());
  const auto files = list(folder_);
  std::size_t n_kept = 0;
  for (const auto& [round, path] : files) {
    if (++n_kept > kKept) fs::remove(path);
  }
  const Clock::time_point end = Clock::now();
  next_ = end + kShare * (end - start);
}

}  // namespace coppice::cli
