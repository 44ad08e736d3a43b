// Models of a training that goes on: kept so that an interrupted one can be continued.
#pragma once

#include <coppice/model.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

namespace coppice::cli {

/// The files `xgboost-checkpoint.ROUND` of a folder, the newest five.
class Checkpoints {
 public:
  explicit Checkpoints(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The newest that can be read; tells on standard error of those that cannot.
  [[nodiscard]] std::optional<Model> newest() const;

  /// Saves a model with at least one tree, unless saving would take more than a twentieth of the time.
  /// Errors: io.file.write.
  void offer(const Model& model);

 private:
  using Clock = std::chrono::steady_clock;

  std::filesystem::path folder_;
  Clock::time_point next_;  // nothing is saved before
};

}  // namespace coppice::cli
