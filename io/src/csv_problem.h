// What is wrong with a CSV, and where.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>

#include "csv_cells.h"

namespace coppice::io {

/// A place in a chunk of a CSV. Places of one table compare in reading order.
struct CsvPosition {
  std::size_t chunk = 0;
  const char* at = nullptr;

  bool operator<(const CsvPosition& other) const noexcept {
    return std::tie(chunk, at) < std::tie(other.chunk, other.at);
  }
};

/// What is wrong at a place. The message goes on after `file:line: `.
struct CsvProblem {
  CsvPosition where;
  std::string id;
  std::string message;
};

/// A field that could not be read, in the record that begins at `record`. The field begins at `field`: where
/// a quote was never closed, that is the line to look at.
[[nodiscard]] CsvProblem problem_of_cell(const Cell& cell, CsvPosition record, const char* field,
                                         std::string_view column);

}  // namespace coppice::io
