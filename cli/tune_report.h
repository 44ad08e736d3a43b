// coppice tune --report: a page about a study.
#pragma once

#include "tune_arguments.h"
#include "verb.h"

namespace coppice::cli {

/// Writes a page about the study of `arguments.report`, whether it runs or not, to `arguments.out`.
/// Errors: cli.usage; cli.tune.folder, tune.journal; io.file.write.
ExitCode write_study_report(const TuneArguments& arguments);

}  // namespace coppice::cli
