// What a managed training job asks for: the files below its root, `/opt/ml`.
#pragma once

#include <coppice/parameters.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace coppice::cli {

enum class ChannelFormat : std::uint8_t { kCsv, kLibsvm };

/// A table of the job.
struct Channel {
  ChannelFormat format = ChannelFormat::kLibsvm;
  std::vector<std::string> files;  ///< in order of their paths
};

struct ContainerJob {
  Parameters parameters;
  bool csv_weights = false;           ///< the second CSV column is the weight of the row
  bool saves_on_termination = false;  ///< SIGTERM ends training with a model
  Channel train;
  std::optional<Channel> validation;
  std::optional<std::filesystem::path> checkpoints;  ///< folder
};

/// Reads input/config/{hyperparameters,inputdataconfig,resourceconfig,checkpointconfig}.json (the last two
/// may be absent) and lists the files in input/data. Tells on standard error what has no effect. Errors:
/// cli.container.file (no or broken JSON), cli.container.hyperparameter (unknown, with the nearest
///         known; not Coppice's; missing), cli.container.channel (missing, empty, of a kind that is not
///         read), cli.container.hosts (several); core.parameter.value, core.metric.unknown.
[[nodiscard]] ContainerJob read_container_job(const std::filesystem::path& root);

}  // namespace coppice::cli
