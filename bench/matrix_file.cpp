#include "matrix_file.h"

#include <coppice/error.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <fstream>
#include <span>
#include <string_view>
#include <vector>

namespace coppice::bench {
namespace {

constexpr std::string_view kMagic = "CPMATRX1";

struct Header {
  std::uint64_t n_rows = 0;
  std::uint64_t n_features = 0;
  std::uint64_t has_weights = 0;
};

/// Reads values of fixed size from a file that must have them.
class Reader {
 public:
  explicit Reader(const std::string& path) : path_(path), stream_(path, std::ios::binary) {
    if (!stream_) throw Error("bench.matrix.read", fmt::format("{}: cannot be opened", path));
  }

  template <class T>
  void read(std::span<T> values) {
    stream_.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size_bytes()));
    if (!stream_) throw Error("bench.matrix.format", fmt::format("{}: ends too early", path_));
  }

  Header read_header() {
    std::array<char, kMagic.size()> magic{};
    read(std::span<char>(magic));
    if (std::string_view(magic.data(), magic.size()) != kMagic) {
      throw Error("bench.matrix.format", fmt::format("{}: does not begin with {}", path_, kMagic));
    }
    Header header;
    read(std::span(&header, 1));
    return header;
  }

  Buffer<float> read_column(std::size_t n_rows) {
    Buffer<float> column(n_rows);
    read(std::span(column.data(), n_rows));
    return column;
  }

 private:
  std::string path_;
  std::ifstream stream_;
};

/// A feature whose categories are named by their codes.
Feature make_feature(std::size_t index, std::size_t n_categories) {
  Feature feature{.name = fmt::format("f{}", index)};
  if (n_categories == 0) return feature;
  feature.kind = FeatureKind::kCategorical;
  for (std::size_t code = 0; code < std::min(n_categories, kMaxCategories); ++code) {
    feature.categories.push_back(fmt::to_string(code));
  }
  return feature;
}

/// Codes beyond the named ones become *other*.
void merge_rare(Buffer<float>& codes, std::size_t n_named) {
  const auto other = static_cast<float>(n_named);
  for (float& code : codes) {
    if (code > other) code = other;  // false for NaN
  }
}

}  // namespace

Dataset read_matrix(const std::string& path) {
  Reader reader(path);
  const Header header = reader.read_header();
  std::vector<std::uint32_t> n_categories(header.n_features);
  reader.read(std::span(n_categories));

  Dataset data;
  data.n_rows = header.n_rows;
  data.schema.label = "label";
  for (std::size_t f = 0; f < header.n_features; ++f) {
    const Feature& feature = data.schema.features.emplace_back(make_feature(f, n_categories[f]));
    data.columns.push_back(reader.read_column(header.n_rows));
    if (feature.kind == FeatureKind::kCategorical) merge_rare(data.columns.back(), feature.categories.size());
  }
  data.labels = reader.read_column(header.n_rows);
  if (header.has_weights != 0) {
    data.schema.weight = "weight";
    data.weights = reader.read_column(header.n_rows);
  }
  return data;
}

std::vector<float> row_major(const Dataset& data) {
  const std::size_t n_features = data.n_features();
  std::vector<float> values(data.n_rows * n_features);
  for (std::size_t f = 0; f < n_features; ++f) {
    for (std::size_t row = 0; row < data.n_rows; ++row) values[row * n_features + f] = data.columns[f][row];
  }
  return values;
}

}  // namespace coppice::bench
