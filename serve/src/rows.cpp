#include <coppice/error.h>
#include <coppice/serve/rows.h>
#include <fmt/format.h>

#include <algorithm>

#include "feature_table.h"
#include "readers.h"

namespace coppice::serve {

void RowBatch::clear(std::size_t n_features, std::size_t max_values) {
  n_features_ = n_features;
  n_rows_ = 0;
  max_rows_ = n_features == 0 ? max_values : max_values / n_features;
}

std::span<float> RowBatch::add_row() {
  const std::size_t begin = n_rows_ * n_features_;
  if (begin + n_features_ + kRoomBehind > values_.size() || n_rows_ == max_rows_) grow();
  ++n_rows_;
  return {values_.data() + begin, n_features_};
}

void RowBatch::grow() {
  if (n_rows_ == max_rows_) {
    throw Error("serve.request.too_large",
                fmt::format("the body has more than {} rows of {} features; send them in several requests",
                            max_rows_, n_features_));
  }
  constexpr std::size_t kFewRows = 64;
  const std::size_t n_rows = std::clamp(2 * n_rows_, kFewRows, std::max(kFewRows, max_rows_));
  values_.resize(std::max(values_.size(), n_rows * n_features_ + kRoomBehind));
}

struct RowReader::Columns : FeatureTable {
  using FeatureTable::FeatureTable;
};

RowReader::RowReader(const Schema& schema) : columns_(std::make_unique<const Columns>(schema)) {
  if (columns_->size() == 0)
    throw Error("serve.model.features", "the model has no features: nothing can be scored");
}
RowReader::~RowReader() = default;
RowReader::RowReader(RowReader&&) noexcept = default;
RowReader& RowReader::operator=(RowReader&&) noexcept = default;

void RowReader::read(const BodyType& type, std::string_view body, RowBatch& rows,
                     std::size_t max_values) const {
  const FeatureTable& features = *columns_;
  rows.clear(features.size(), max_values);
  switch (type.format) {
    case BodyFormat::kCsv:
      read_csv_rows(features, type.header, body, rows);
      break;
    case BodyFormat::kLibsvm:
      read_libsvm_rows(features, body, rows);
      break;
    case BodyFormat::kJson:
      read_json_rows(features, body, rows);
      break;
    case BodyFormat::kJsonLines:
      read_json_lines_rows(features, body, rows);
      break;
    case BodyFormat::kNpy:
      read_npy_rows(features, body, rows);
      break;
  }
  if (rows.n_rows() == 0) throw Error("serve.request.empty", "the body has no row to score");
}

int http_status(std::string_view error_id) noexcept {
  if (!error_id.starts_with("serve.request.")) return 500;
  if (error_id == "serve.request.too_large") return 413;
  if (error_id == "serve.request.syntax" || error_id == "serve.request.type") return 415;
  return error_id == "serve.request.accept" ? 406 : 400;
}

}  // namespace coppice::serve
