// The rows of a request: text or bytes of several formats to the floats that a scorer takes.
#pragma once

#include <coppice/io/libsvm.h>
#include <coppice/schema.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::serve {

/// Values of one request, row-major. Meant to be kept and read into again: memory grows to the largest
/// request and is never given back.
class RowBatch {
 public:
  /// Begins a request. `max_values` bounds rows times features.
  void clear(std::size_t n_features, std::size_t max_values);
  /// Values behind a row that may be written as well: a reader of several cells at once need not stop at its
  /// end.
  static constexpr std::size_t kRoomBehind = 8;
  /// A further row, its values undefined, with kRoomBehind values more; valid until the next call. Errors:
  /// serve.request.too_large.
  [[nodiscard]] std::span<float> add_row();
  /// Takes the last row back.
  void drop_row() noexcept { --n_rows_; }

  [[nodiscard]] std::size_t n_rows() const noexcept { return n_rows_; }
  [[nodiscard]] std::size_t n_features() const noexcept { return n_features_; }
  /// [n_rows, n_features]; NaN is missing.
  [[nodiscard]] std::span<const float> values() const noexcept {
    return {values_.data(), n_rows_ * n_features_};
  }
  [[nodiscard]] std::span<const float> row(std::size_t i) const noexcept {
    return values().subspan(i * n_features_, n_features_);
  }

  /// What a column of a CSV is read as.
  struct Target {
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;
    std::uint32_t feature = kNone;
    bool is_plain = false;    ///< a plain number is its value
    std::size_t n_plain = 0;  ///< such columns from this one on
  };
  /// What readers keep from one request to the next besides.
  struct Memory {
    std::vector<Target> targets;
    bool is_in_order = false;  ///< column i is feature i
    std::string unquoted;      ///< a quoted field
    std::string text;          ///< a part of the body, changed
    io::LibsvmRows sparse;
    std::vector<std::uint64_t> seen;  ///< [features]: the last row, counted from 1, that has the key
  };
  Memory memory;

 private:
  void grow();

  std::vector<float> values_;  // as large as the largest request was
  std::size_t n_features_ = 0;
  std::size_t n_rows_ = 0;
  std::size_t max_rows_ = 0;
};

enum class BodyFormat : std::uint8_t { kCsv, kLibsvm, kJson, kJsonLines, kNpy };

/// Does a CSV begin with the names of its columns?
enum class CsvHeader : std::uint8_t {
  kByContent,  ///< it does when the first record names a feature of the model and holds no number
  kPresent,
  kAbsent,
};

/// What a Content-Type says.
struct BodyType {
  BodyFormat format = BodyFormat::kCsv;
  CsvHeader header = CsvHeader::kByContent;
  bool operator==(const BodyType&) const = default;
};

/// Reads a Content-Type: `text/csv` (RFC 4180's parameter `header=present` or `absent` counts, others do
/// not), `text/libsvm`, `text/x-libsvm`, `application/json`, `application/jsonlines` (also `x-jsonlines`,
/// `jsonl`, `x-ndjson`), `application/x-npy`, and the container's short names `csv` and `libsvm`, in any
/// case. Nothing for any other; an empty one is libsvm, as in the managed container.
[[nodiscard]] std::optional<BodyType> parse_body_type(std::string_view content_type) noexcept;

/// For the message of a 415.
inline constexpr std::string_view kBodyTypes =
    "text/csv, text/libsvm, application/json, application/jsonlines, application/x-npy";

/// Turns bodies into rows by the schema of one model. Immutable and thread-safe.
///
/// Numbers and categories come out as read_csv would read them for the model, bit by bit, and a cell is
/// missing when it is empty or one of the model's missing tokens; `nan` and `null` in any case are missing in
/// a numeric feature of any model, JSON's null in every feature. What is infinite or beyond float32 is
/// refused. A number for a categorical feature (JSON, npy) stands for its text: 3 and 3.0 for `3`.
///
/// - CSV: the features alone, in the order of the model, comma-separated; or any columns with a header, then
///   features are found by name, and columns that the model does not know are passed over.
/// - libsvm: `index:value ...`, a label before them is passed over, absent features are missing. Indices
///   count from 1 when none of the body is 0, otherwise from 0.
/// - JSON: a row is a list in the order of the model, an object by feature names (each must be there, further
///   keys are passed over), or `{"features": [..]}`; the body is a row, a list of rows, or
///   `{"instances": [rows]}`. JSON Lines: a row a line. `NaN`, which Python writes, is taken for null.
/// - npy: [rows, features] or, for a single row, [features], of bool, an integer type, float32 or float64.
///
/// Errors name row (from 1, the header not counted), feature, and the offending text:
/// - serve.request.syntax: no CSV, libsvm, JSON or npy at all
/// - serve.request.value: text for a number, an infinite number, a JSON value of another kind
/// - serve.request.columns: number or names of the columns are not the model's, a feature is absent
/// - serve.request.empty: no row
/// - serve.request.too_large: more than max_values
class RowReader {
 public:
  /// Errors: serve.model.features when there are none.
  explicit RowReader(const Schema& schema);
  ~RowReader();
  RowReader(RowReader&&) noexcept;
  RowReader& operator=(RowReader&&) noexcept;

  /// 64 MiB of floats: more than twice what a CSV of the default body limit can hold.
  static constexpr std::size_t kMaxValues = std::size_t{1} << 24;

  /// Cost: one pass; a CSV of numbers allocates nothing once `rows` has grown.
  void read(const BodyType& type, std::string_view body, RowBatch& rows,
            std::size_t max_values = kMaxValues) const;

 private:
  struct Columns;
  std::unique_ptr<const Columns> columns_;
};

/// The HTTP status of an error of this module: 413 for serve.request.too_large, 415 for serve.request.syntax
/// and serve.request.type, 406 for serve.request.accept, 400 for other serve.request.*, 500 for the rest.
[[nodiscard]] int http_status(std::string_view error_id) noexcept;

}  // namespace coppice::serve
