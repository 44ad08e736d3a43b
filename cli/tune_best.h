// coppice tune --best: the winner's model.
#pragma once

#include "tune_arguments.h"
#include "verb.h"

namespace coppice::cli {

/// Writes the winner of `arguments.best` to `arguments.model`: as it was trained, or trained anew on training
/// and validation rows, with as many rounds as the winner had.
/// Errors: cli.usage; cli.tune.folder, cli.tune.winner when there is none; cli.tune.changed when the tables
/// have other rows than the study saw; those of training.
ExitCode write_best(const TuneArguments& arguments);

}  // namespace coppice::cli
