// What a person types for `coppice tune`.
#pragma once

#include <coppice/io/csv.h>
#include <coppice/tune/study.h>

#include <cstddef>
#include <string>
#include <vector>

#include "side_columns.h"
#include "training_parameters.h"

namespace coppice::cli {

/// The files of a study, and how they are read.
struct TableSource {
  std::vector<std::string> train;
  std::vector<std::string> validation;  ///< PATH or NAME=PATH
  io::CsvOptions csv;
  SideColumnNames sides;
};

struct TuneArguments {
  TableSource tables;
  ParameterWords parameters;  ///< --seed is the search's, too
  std::vector<std::string> ranges;
  std::string space_file;
  std::string objective;
  std::string search = "random";
  int grid_steps = tune::Study{}.grid_steps;
  int factor = tune::Halving{}.factor;
  bool uses_median_rule = false;
  int min_rounds = tune::MedianRule{}.min_rounds;
  int min_trials = tune::MedianRule{}.min_trials;
  tune::Limits limits;
  bool has_trials = false;  ///< --trials was given
  int parallel = 1;
  std::size_t n_folds = 0;
  std::string fold_strategy;  ///< empty: by the columns that are named
  std::string gap = "0";
  std::string out;
  int log_period = 1;
  bool json = false;
  std::string status;  ///< the folder whose status is asked for
  std::string best;    ///< the folder whose winner is asked for
  std::string report;  ///< the folder that a page is asked about
  std::string model;
  bool retrain = false;
};

}  // namespace coppice::cli
