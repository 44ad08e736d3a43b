#include "csv_problem.h"

#include <fmt/format.h>

namespace coppice::io {

CsvProblem problem_of_cell(const Cell& cell, CsvPosition record, const char* field, std::string_view column) {
  switch (cell.fault) {
    case CellFault::kUnclosedQuote:
      return {{record.chunk, field},
              "io.csv.quote",
              fmt::format("column '{}': the quote that opens here is never closed: {}", column,
                          shown(cell.text))};
    case CellFault::kTextAfterQuote:
      return {record, "io.csv.quote",
              fmt::format("column '{}': text follows the closing quote: {}; a quote within a quoted field is "
                          "written twice",
                          column, shown(cell.text))};
    default:
      return {record, "io.csv.nul",
              fmt::format("column '{}': the field has a NUL byte: {}; is the file UTF-8 text?", column,
                          shown(cell.text))};
  }
}

}  // namespace coppice::io
