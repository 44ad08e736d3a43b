// The readers of the formats of requests. Each appends the rows of a body to a cleared batch; errors are
// those of RowReader::read, but for serve.request.empty.
#pragma once

#include <coppice/serve/rows.h>

#include <string_view>

#include "feature_table.h"

namespace coppice::serve {

void read_csv_rows(const FeatureTable& features, CsvHeader header, std::string_view body, RowBatch& rows);
void read_libsvm_rows(const FeatureTable& features, std::string_view body, RowBatch& rows);
void read_json_rows(const FeatureTable& features, std::string_view body, RowBatch& rows);
void read_json_lines_rows(const FeatureTable& features, std::string_view body, RowBatch& rows);
void read_npy_rows(const FeatureTable& features, std::string_view body, RowBatch& rows);

}  // namespace coppice::serve
