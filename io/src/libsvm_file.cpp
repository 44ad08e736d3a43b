#include <coppice/error.h>
#include <coppice/io/libsvm.h>
#include <coppice/io/libsvm_file.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string_view>

#include "text_source.h"

namespace coppice::io {
namespace {

constexpr std::size_t kMaxCells = std::size_t{1} << 33;

void append_file(const std::string& path, LibsvmRows& rows) {
  TextSource source(path);
  if (const auto text = source.mapped()) {
    append_libsvm(*text, path, LibsvmLabels::kRequired, rows);
    return;
  }
  constexpr std::size_t kPiece = 1 << 20;
  std::string text;
  for (std::size_t n_read = kPiece; n_read == kPiece;) {
    const std::size_t size = text.size();
    text.resize(size + kPiece);
    n_read = source.read(text.data() + size, kPiece);
    text.resize(size + n_read);
  }
  append_libsvm(text, path, LibsvmLabels::kRequired, rows);
}

void check_shape(const LibsvmRows& rows, const LibsvmShape& shape, const std::string& name) {
  if (rows.n_rows() == 0 || shape.n_features == 0) {
    throw Error("io.libsvm.empty",
                fmt::format("{}: no {}", name, rows.n_rows() == 0 ? "row" : "row names a feature"));
  }
  if (shape.n_features > kMaxCells / rows.n_rows()) {
    throw Error("io.libsvm.size",
                fmt::format("{}: {} rows of {} features are too many for a dense table; leave features out",
                            name, rows.n_rows(), shape.n_features));
  }
  const auto out_of_range = std::ranges::find_if(rows.indices, [&](std::uint32_t index) {
    return index < shape.first_index || index - shape.first_index >= shape.n_features;
  });
  if (out_of_range == rows.indices.end()) return;
  throw Error("io.libsvm.index",
              fmt::format("{}: index {}, but the training table has the indices {} to {}", name,
                          *out_of_range, shape.first_index, shape.first_index + shape.n_features - 1));
}

Buffer<float> buffer_of(const std::vector<float>& values) {
  Buffer<float> buffer(values.size());
  std::ranges::copy(values, buffer.begin());
  return buffer;
}

}  // namespace

LibsvmTable read_libsvm(const std::vector<std::string>& paths, const LibsvmShape* like) {
  LibsvmRows rows;
  for (const std::string& path : paths) append_file(path, rows);
  LibsvmTable table;
  table.shape = like != nullptr ? *like : LibsvmShape{rows.first_index(), rows.n_features()};
  check_shape(rows, table.shape, paths.front());

  Dataset& data = table.data;
  data.n_rows = rows.n_rows();
  data.schema.has_header = false;
  for (std::size_t f = 0; f < table.shape.n_features; ++f) {
    data.schema.features.push_back({.name = fmt::format("f{}", f)});
    data.columns.emplace_back(data.n_rows, std::numeric_limits<float>::quiet_NaN());
  }
  for (std::size_t row = 0; row < data.n_rows; ++row) {
    for (std::size_t k = rows.offsets[row]; k < rows.offsets[row + 1]; ++k) {
      data.columns[rows.indices[k] - table.shape.first_index][row] = rows.values[k];
    }
  }
  data.labels = buffer_of(rows.labels);
  data.weights = buffer_of(rows.weights);
  return table;
}

}  // namespace coppice::io
