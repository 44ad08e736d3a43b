#include "container_job.h"

#include <coppice/error.h>
#include <coppice/io/file.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>

#include "container_parameters.h"
#include "text.h"

namespace coppice::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The object in a configuration file.
Json read_object(const fs::path& path) {
  Json object = Json::parse(io::read_file(path.string()), nullptr, false);
  if (!object.is_object()) {
    throw Error("cli.container.file", fmt::format("{}: no JSON object", path.string()));
  }
  return object;
}

/// A text member; empty when there is none.
std::string text_of(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::map<std::string, std::string> read_hyperparameters(const fs::path& path) {
  std::map<std::string, std::string> texts;
  const Json object = read_object(path);
  for (const auto& [name, value] : object.items()) {
    if (!value.is_string()) {
      throw Error("cli.container.hyperparameter",
                  fmt::format("hyperparameter '{}': its value has to be a text, as \"5\"", name));
    }
    texts[name] = value.get<std::string>();
  }
  return texts;
}

void check_hosts(const fs::path& path) {
  if (!fs::exists(path)) return;
  const Json resources = read_object(path);
  const auto hosts = resources.find("hosts");
  if (hosts == resources.end() || hosts->size() <= 1) return;
  throw Error("cli.container.hosts",
              fmt::format("{} hosts: Coppice trains on one; ask for an instance count of 1", hosts->size()));
}

[[noreturn]] void refuse_channel(const std::string& channel, const std::string& why) {
  throw Error("cli.container.channel", fmt::format("channel '{}': {}", channel, why));
}

std::string trimmed_lower_case(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  std::string lower(text.substr(first, text.find_last_not_of(" \t") - first + 1));
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

/// `text/csv;label_size=1`, `libsvm`; nothing means libsvm.
ChannelFormat format_of(const std::string& channel, const std::string& content_type) {
  const std::string_view text = content_type;
  const std::size_t semicolon = std::min(text.find(';'), text.size());
  const std::string kind = trimmed_lower_case(text.substr(0, semicolon));
  const std::string parameters = trimmed_lower_case(text.substr(semicolon));
  constexpr std::string_view kLabelSize = "label_size=";
  if (const std::size_t found = parameters.find(kLabelSize); found != std::string::npos) {
    const std::size_t begin = found + kLabelSize.size();
    const std::string size = parameters.substr(begin, parameters.find(';', begin) - begin);
    if (trimmed_lower_case(size) != "1") {
      refuse_channel(channel, fmt::format("content type '{}': the label is one column", content_type));
    }
  }
  constexpr std::array<std::string_view, 2> kCsv = {"csv", "text/csv"};
  constexpr std::array<std::string_view, 4> kLibsvm = {"", "libsvm", "text/libsvm", "text/x-libsvm"};
  if (std::ranges::find(kCsv, kind) != kCsv.end()) return ChannelFormat::kCsv;
  if (std::ranges::find(kLibsvm, kind) != kLibsvm.end()) return ChannelFormat::kLibsvm;
  refuse_channel(channel,
                 fmt::format("content type '{}' is not read; text/csv and text/libsvm are", content_type));
}

/// The files of a channel, at most three folders down; names that begin with a point or `_` are no data.
std::vector<std::string> files_below(const fs::path& folder) {
  constexpr int kMaxDepth = 3;
  std::vector<std::string> files;
  if (!fs::is_directory(folder)) return files;
  for (auto entry = fs::recursive_directory_iterator(folder); entry != fs::end(entry); ++entry) {
    const std::string name = entry->path().filename().string();
    const bool is_hidden = name.starts_with('.') || name.starts_with('_');
    if (entry->is_directory() && (is_hidden || entry.depth() == kMaxDepth)) entry.disable_recursion_pending();
    if (entry->is_regular_file() && !is_hidden) files.push_back(entry->path().string());
  }
  std::ranges::sort(files);
  return files;
}

Channel read_channel(const std::string& name, const Json& config, const fs::path& folder) {
  if (text_of(config, "TrainingInputMode") == "Pipe") {
    refuse_channel(name, "input mode Pipe is not read; ask for File or FastFile");
  }
  if (text_of(config, "RecordWrapperType") == "RecordIO")
    refuse_channel(name, "RecordIO records are not read");
  Channel channel{.format = format_of(name, text_of(config, "ContentType")), .files = files_below(folder)};
  if (channel.files.empty()) refuse_channel(name, fmt::format("no file in {}", folder.string()));
  return channel;
}

void read_channels(const fs::path& root, ContainerJob& job) {
  const fs::path data = root / "input" / "data";
  const Json channels = read_object(root / "input" / "config" / "inputdataconfig.json");
  bool has_train = false;
  for (const auto& [name, config] : channels.items()) {
    if (name == "train") {
      job.train = read_channel(name, config, data / name);
      has_train = true;
    } else if (name == "validation") {
      job.validation = read_channel(name, config, data / name);
    } else {
      write_log(fmt::format("warning: channel '{}' is not used; train and validation are\n", name));
    }
  }
  if (!has_train) refuse_channel("train", "missing: it holds the rows to train on");
}

std::optional<fs::path> checkpoint_folder(const fs::path& root) {
  const fs::path config = root / "input" / "config" / "checkpointconfig.json";
  if (!fs::exists(config)) return std::nullopt;
  const std::string folder = text_of(read_object(config), "LocalPath");
  return folder.empty() ? root / "checkpoints" : fs::path(folder);
}

}  // namespace

ContainerJob read_container_job(const fs::path& root) {
  const fs::path config = root / "input" / "config";
  ContainerJob job;
  const auto hyperparameters = read_hyperparameters(config / "hyperparameters.json");
  check_hosts(config / "resourceconfig.json");
  read_channels(root, job);
  set_hyperparameters(hyperparameters, job);
  job.checkpoints = checkpoint_folder(root);
  return job;
}

}  // namespace coppice::cli
