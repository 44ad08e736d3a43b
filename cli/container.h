// coppice train as a managed training container.
#pragma once

#include <filesystem>

#include "verb.h"

namespace coppice::cli {

/// Where a managed training service puts its files.
inline constexpr const char* kContainerRoot = "/opt/ml";

/// Are there the files of a managed training job below this root, readable or not?
[[nodiscard]] bool is_container(const std::filesystem::path& root);

/// Trains as the files below `root` ask for, and writes model/xgboost-model there; rounds and metrics go to
/// standard output. With a checkpoint folder, models are kept there while training goes on, and training goes
/// on from the newest. SIGTERM ends the program at once with exit code 143, or, when the job says
/// save_model_on_termination, training after the round at hand with the model so far.
/// docs/container.md tells the rest.
/// Errors: those of read_container_job, of reading tables and of train; the reason is then written to
/// output/failure, too.
ExitCode train_in_container(const std::filesystem::path& root);

}  // namespace coppice::cli
