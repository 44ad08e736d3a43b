// text/libsvm: sparse rows, then their places in dense ones.
#include <coppice/error.h>
#include <coppice/io/libsvm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "error_message.h"
#include "readers.h"

namespace coppice::serve {
namespace {

/// Reads the body; errors of the text get this module's ids.
void read_sparse(std::string_view body, io::LibsvmRows& sparse) {
  sparse.clear();
  try {
    io::append_libsvm(body, "body", io::LibsvmLabels::kOptional, sparse);
  } catch (const Error& error) {
    throw Error(error.id() == "io.libsvm.syntax" ? "serve.request.syntax" : "serve.request.value",
                message_of(error));
  }
}

}  // namespace

void read_libsvm_rows(const FeatureTable& features, std::string_view body, RowBatch& rows) {
  io::LibsvmRows& sparse = rows.memory.sparse;
  read_sparse(body, sparse);
  const std::uint32_t first_index = sparse.first_index();
  for (std::size_t i = 0; i < sparse.n_rows(); ++i) {
    const std::span<float> row = rows.add_row();
    std::ranges::fill(row, std::numeric_limits<float>::quiet_NaN());
    for (std::size_t k = sparse.offsets[i]; k < sparse.offsets[i + 1]; ++k) {
      const std::size_t f = sparse.indices[k] - first_index;
      if (f >= features.size()) {
        throw Error(
            "serve.request.columns",
            fmt::format("row {}: index {} is beyond the model's {} features (indices count from {} here)",
                        i + 1, sparse.indices[k], features.size(), first_index));
      }
      const float value = sparse.values[k];
      const bool is_value = features.takes_plain_numbers(f) || std::isnan(value);
      row[f] = is_value ? value : features.read(f, fmt::to_string(value), i);
    }
  }
}

}  // namespace coppice::serve
