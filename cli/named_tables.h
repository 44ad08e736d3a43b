// Tables that are watched beside the training table, as a person names them.
#pragma once

#include <coppice/io/csv.h>

#include <string>
#include <vector>

namespace coppice::cli {

/// A table whose metrics are watched.
struct NamedTable {
  std::string name;
  std::vector<std::string> paths;
  io::CsvTable table;
};

/// Words of --valid: `NAME=PATH` extends the set NAME, a bare path the set `validation`. Nothing is read.
/// Errors: cli.usage.
[[nodiscard]] std::vector<NamedTable> group_validation(const std::vector<std::string>& words);

}  // namespace coppice::cli
