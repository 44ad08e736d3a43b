// coppice tune --status: how a study stands.
#pragma once

#include "tune_arguments.h"
#include "verb.h"

namespace coppice::cli {

/// Prints how the study in `arguments.status` stands, whether it runs or not: as text, or with --json in the
/// shape and words of DescribeHyperParameterTuningJob (Amazon SageMaker API).
/// Errors: cli.tune.folder, tune.journal.
ExitCode print_status(const TuneArguments& arguments);

}  // namespace coppice::cli
