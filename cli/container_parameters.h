// Hyperparameters of a managed training job.
#pragma once

#include "container_job.h"

#include <map>
#include <string>

namespace coppice::cli {

/// Sets what of a job is a hyperparameter, from names and values as the managed service writes them. `job`
/// says already whether there is a validation channel. Errors: those of read_container_job.
void set_hyperparameters(const std::map<std::string, std::string>& hyperparameters, ContainerJob& job);

}  // namespace coppice::cli
