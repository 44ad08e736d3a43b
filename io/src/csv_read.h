// read_csv with the settings that only tests change.
#pragma once

#include <coppice/io/csv.h>

#include <cstddef>
#include <string>
#include <vector>

#include "csv_chunks.h"

namespace coppice::io {

/// Both forms of read_csv: `schema` may be null. The result does not depend on `chunk_bytes`.
[[nodiscard]] CsvTable read_csv_in_chunks(const std::vector<std::string>& paths, const Schema* schema,
                                          const CsvOptions& options, std::size_t chunk_bytes = kChunkBytes);

}  // namespace coppice::io
