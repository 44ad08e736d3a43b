// From what was typed to a study, and to its tables.
#pragma once

#include <coppice/tune/study.h>
#include <coppice/tune/trial_trainer.h>

#include <string>
#include <vector>

#include "tune_arguments.h"

namespace coppice::cli {

/// The study that was asked for, but for its hashes. Reads no table.
/// Errors: cli.usage, and those of tune::check_study.
[[nodiscard]] tune::Study make_study(const TuneArguments& arguments);

/// The files that Study::source tells of.
[[nodiscard]] TableSource source_of(const tune::Study& study);

/// What a study reads.
struct StudyTables {
  tune::TrialTables trial;
  SideTable sides;  ///< of the training table
};

/// Reads the tables, without folds. Errors: those of read_table.
[[nodiscard]] StudyTables read_tables(const TableSource& source, const Parameters& parameters);
/// Reads all of them as one table. Errors: those of io::read_csv.
[[nodiscard]] Dataset read_as_one(const TableSource& source, const Parameters& parameters);

/// Divides the training table as it was asked for; no folds when they were not.
/// Errors: cli.usage; those of tune::make_folds.
[[nodiscard]] std::vector<tune::Parts> make_folds(const TuneArguments& arguments, const tune::Study& study,
                                                  const Dataset& train, const SideTable& sides);

}  // namespace coppice::cli
