#include <coppice/dataset.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>

namespace coppice {
namespace {

/// Rows of one part after those of another, each column in turn.
class Division {
 public:
  Division(std::span<const std::uint8_t> parts, std::size_t n_parts) : parts_(parts), n_rows_(n_parts) {
    for (const std::uint8_t part : parts) {
      if (part < n_parts) ++n_rows_[part];
    }
  }

  [[nodiscard]] std::size_t n_rows(std::size_t part) const { return n_rows_[part]; }

  /// What `column` becomes in each part; nothing of nothing.
  template <class T>
  [[nodiscard]] std::vector<Buffer<T>> of(const Buffer<T>& column) const {
    std::vector<Buffer<T>> result(n_rows_.size());
    if (column.empty()) return result;
    std::vector<T*> next;
    for (std::size_t part = 0; part < n_rows_.size(); ++part) {
      result[part] = Buffer<T>(n_rows_[part]);
      next.push_back(result[part].data());
    }
    for (std::size_t row = 0; row < parts_.size(); ++row) {
      if (parts_[row] < next.size()) *next[parts_[row]]++ = column[row];
    }
    return result;
  }

 private:
  std::span<const std::uint8_t> parts_;
  std::vector<std::size_t> n_rows_;
};

/// The dictionary of a feature as a reader that sees only `codes` makes it, and the new code of each old one.
std::vector<float> renew_dictionary(const Buffer<float>& codes, Feature& feature) {
  const std::size_t n = feature.categories.size();
  std::vector<std::size_t> counts(n + 1);
  for (const float code : codes) {
    if (!std::isnan(code)) ++counts[static_cast<std::size_t>(code)];
  }
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t code) { return counts[code] == 0; });
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return counts[a] != counts[b] ? counts[a] > counts[b] : feature.categories[a] < feature.categories[b];
  });
  std::vector<float> new_codes(n + 1, static_cast<float>(order.size()));  // other
  std::vector<std::string> categories;
  for (const std::size_t code : order) {
    new_codes[code] = static_cast<float>(categories.size());
    categories.push_back(std::move(feature.categories[code]));
  }
  feature.categories = std::move(categories);
  return new_codes;
}

}  // namespace

std::vector<Dataset> divide_rows(Dataset data, std::span<const std::uint8_t> parts, std::size_t n_parts) {
  const Division division(parts, n_parts);
  std::vector<Dataset> result(n_parts);
  for (std::size_t f = 0; f < data.n_features(); ++f) {
    std::vector<Buffer<float>> columns = division.of(data.columns[f]);
    data.columns[f] = {};
    Feature& feature = data.schema.features[f];
    if (feature.kind == FeatureKind::kCategorical) {
      const std::vector<float> new_codes = renew_dictionary(columns.front(), feature);
      for (Buffer<float>& column : columns) {
        for (float& code : column) {
          if (!std::isnan(code)) code = new_codes[static_cast<std::size_t>(code)];
        }
      }
    }
    for (std::size_t part = 0; part < n_parts; ++part)
      result[part].columns.push_back(std::move(columns[part]));
  }
  std::vector<Buffer<float>> labels = division.of(data.labels), weights = division.of(data.weights),
                             amounts = division.of(data.side.amounts);
  std::vector<Buffer<std::uint32_t>> groups = division.of(data.side.groups),
                                     days = division.of(data.side.days);
  for (std::size_t part = 0; part < n_parts; ++part) {
    result[part].schema = data.schema;
    result[part].n_rows = division.n_rows(part);
    result[part].labels = std::move(labels[part]);
    result[part].weights = std::move(weights[part]);
    result[part].side = {std::move(amounts[part]), std::move(groups[part]), std::move(days[part])};
  }
  return result;
}

}  // namespace coppice
