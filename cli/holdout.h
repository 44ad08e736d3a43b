// Rows of the training table that are held out for validation.
#pragma once

#include <coppice/dataset.h>
#include <coppice/objective.h>

#include <cstdint>
#include <string>

#include "side_columns.h"

namespace CLI {  // NOLINT(readability-identifier-naming): a name of the CLI11 library
class App;
}

namespace coppice::cli {

struct HoldoutOptions {
  double fraction = 0;   ///< of the rows; 0: none are held out
  std::string strategy;  ///< empty: by the columns that are named
  std::string gap = "0";
};

/// --valid-fraction, --strategy, --gap.
void add_holdout(CLI::App& command, HoldoutOptions& options);

/// Errors: cli.usage when options do not fit together or to the columns.
void check_holdout(const HoldoutOptions& options, const SideColumnNames& names);

struct TrainingTables {
  Dataset train;
  Dataset validation;  ///< without rows when none are held out
};

/// Holds out the rows that `coppice split --fractions 1-F,F` with the same seed, strategy and columns puts
/// into its second part. Labels of binary:logistic are its classes. The first part has the dictionaries that
/// a reader of it alone would make. Tells on standard error which columns look like a time or an id and are
/// not split by. Errors: tune.split.*, cli.usage.
[[nodiscard]] TrainingTables hold_out(TableWithSides table, const HoldoutOptions& options,
                                      Objective objective, std::uint64_t seed);

}  // namespace coppice::cli
