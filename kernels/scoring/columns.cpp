#include "scoring/columns.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace coppice::scoring {
namespace {

constexpr std::size_t kMaxThresholds = 255;  // of a column
constexpr int kMaxNamed = 254;               // categories of a column
constexpr std::uint8_t kNotNamed = 1;
constexpr std::uint8_t kFirstNamed = 2;
constexpr std::ptrdiff_t kCodingsTried = 8;
constexpr int kMinLevels = 4;  // one vector of 16 floats

// Nothing is less than NaN, nor than minus infinity: as thresholds they are the same, and the second has a
// place in the order.
float orderable(float threshold) {
  return std::isnan(threshold) ? -std::numeric_limits<float>::infinity() : threshold;
}

int search_levels(std::size_t n_thresholds) {
  return std::max(kMinLevels, static_cast<int>(std::bit_width(n_thresholds)));
}

// The groups of 16 hold at least one NaN, so that a search that passes every pivot finds a group.
std::size_t padded_size(std::size_t n_thresholds) { return (n_thresholds / kPivots + 1) * kPivots; }

// An ascending list as a search tree: an in-order walk over the 2^levels - 1 nodes meets it in its order.
void fill_heap(std::span<const float> ascending, std::size_t node, std::size_t& next, std::span<float> heap) {
  if (node >= heap.size()) return;
  fill_heap(ascending, 2 * node, next, heap);
  if (next < ascending.size()) heap[node] = ascending[next++];
  fill_heap(ascending, 2 * node + 1, next, heap);
}

void fill_table(std::span<const float> ascending, const Coding& coding, Buffer<float>& out) {
  float* pivots = out.data() + coding.table;
  float* sorted = pivots + kPivots;
  std::ranges::copy(ascending, sorted);
  for (std::size_t group = 0; group < ascending.size() / kPivots; ++group) {
    pivots[group] = sorted[group * kPivots + kPivots - 1];
  }
  std::size_t next = 0;
  fill_heap(ascending, 1, next, {out.data() + coding.heap, std::size_t{1} << coding.levels});
}

}  // namespace

ColumnBuilder::ColumnBuilder(const Model& model) {
  const std::size_t n_features = model.schema.features.size();
  thresholds_.resize(n_features);
  category_codings_.resize(n_features);
  for (const Tree& tree : model.trees) {
    for (const Tree::Node& node : tree.nodes) {
      if (!node.is_leaf() && !node.is_categorical) {
        thresholds_[node.feature].push_back(orderable(node.threshold));
      }
    }
  }
  for (std::size_t f = 0; f < n_features; ++f) {
    std::vector<float>& thresholds = thresholds_[f];
    std::ranges::sort(thresholds);
    thresholds.erase(std::unique(thresholds.begin(), thresholds.end()), thresholds.end());
    numeric_coding_.push_back(static_cast<std::uint32_t>(codings_.size()));
    for (std::size_t first = 0; first < thresholds.size(); first += kMaxThresholds) {
      const std::size_t size = std::min(kMaxThresholds, thresholds.size() - first);
      codings_.push_back({.feature = static_cast<std::uint32_t>(f), .levels = search_levels(size)});
    }
  }
  tables_.resize(codings_.size());
}

CodeTest ColumnBuilder::add(const Tree& tree, const Tree::Node& node) {
  return node.is_categorical ? add_categorical(tree, node) : add_numeric(node);
}

CodeTest ColumnBuilder::add_numeric(const Tree::Node& node) {
  const std::vector<float>& thresholds = thresholds_[node.feature];
  const auto rank = static_cast<std::size_t>(std::ranges::lower_bound(thresholds, orderable(node.threshold)) -
                                             thresholds.begin());
  const auto coding = static_cast<std::uint32_t>(numeric_coding_[node.feature] + rank / kMaxThresholds);
  return {.column = column_at(node.default_left ? &Coding::low_column : &Coding::high_column, coding),
          .threshold = static_cast<std::uint8_t>(rank % kMaxThresholds)};
}

CodeTest ColumnBuilder::add_categorical(const Tree& tree, const Tree::Node& node) {
  const std::span<const std::int32_t> categories = tree.categories_of(node);
  if (categories.size() > kMaxNamed || (!categories.empty() && categories.back() >= kMaxCategoryCode)) {
    fits_ = false;
    return {};
  }
  const std::uint32_t coding = category_coding(categories, static_cast<std::size_t>(node.feature));
  CategoryTable& table = tables_[coding];
  CodeTest test{.column = column_at(&Coding::low_column, coding), .is_set = true};
  if (!node.default_left) test.set.insert(0);
  for (const std::int32_t category : categories) {
    if (category < 0) continue;  // no value has such a code
    if (table.codes.size() <= static_cast<std::size_t>(category)) table.codes.resize(category + 1, kNotNamed);
    std::uint8_t& code = table.codes[category];
    if (code == kNotNamed) code = static_cast<std::uint8_t>(kFirstNamed + table.n_named++);
    test.set.insert(code);
  }
  return test;
}

// One of the feature's codings in which all categories have or can get a code, or a new one. Only the latest
// few are tried, so that the cost of a model that needs very many stays linear.
std::uint32_t ColumnBuilder::category_coding(std::span<const std::int32_t> categories, std::size_t feature) {
  const auto has_room = [&](std::uint32_t coding) {
    const CategoryTable& table = tables_[coding];
    const auto is_new = [&](std::int32_t category) {
      return category >= static_cast<std::int32_t>(table.codes.size()) ||
             (category >= 0 && table.codes[category] == kNotNamed);
    };
    return table.n_named + std::ranges::count_if(categories, is_new) <= kMaxNamed;
  };
  std::vector<std::uint32_t>& codings = category_codings_[feature];
  const auto latest = codings.end() - std::min<std::ptrdiff_t>(kCodingsTried, std::ssize(codings));
  const auto found = std::find_if(latest, codings.end(), has_room);
  if (found != codings.end()) return *found;
  codings.push_back(static_cast<std::uint32_t>(codings_.size()));
  codings_.push_back({.feature = static_cast<std::uint32_t>(feature), .is_categorical = true});
  tables_.emplace_back();
  return codings.back();
}

std::uint16_t ColumnBuilder::column_at(std::uint32_t Coding::*which, std::uint32_t coding) {
  std::uint32_t& column = codings_[coding].*which;
  if (column == Coding::kNone) {
    column = static_cast<std::uint32_t>(n_columns_++);
    if (n_columns_ > kMaxColumns) fits_ = false;
  }
  return static_cast<std::uint16_t>(column);
}

// The thresholds of a numeric coding.
std::span<const float> ColumnBuilder::stretch(const Coding& coding, std::uint32_t index) const {
  const std::span<const float> all = thresholds_[coding.feature];
  const std::size_t first = (index - numeric_coding_[coding.feature]) * kMaxThresholds;
  return all.subspan(first, std::min(kMaxThresholds, all.size() - first));
}

void ColumnBuilder::finish(Engine& engine) const {
  engine.codings = codings_;
  engine.n_columns = n_columns_;
  std::size_t n_floats = 0;
  for (std::uint32_t i = 0; i < codings_.size(); ++i) {
    Coding& coding = engine.codings[i];
    if (coding.is_categorical) {
      const std::vector<std::uint8_t>& codes = tables_[i].codes;
      coding.table = static_cast<std::uint32_t>(engine.category_codes.size());
      coding.n_codes = static_cast<std::uint32_t>(codes.size());
      engine.category_codes.insert(engine.category_codes.end(), codes.begin(), codes.end());
      continue;
    }
    coding.table = static_cast<std::uint32_t>(n_floats);
    coding.heap = static_cast<std::uint32_t>(n_floats + kPivots + padded_size(stretch(coding, i).size()));
    n_floats = coding.heap + (std::size_t{1} << coding.levels);
  }
  engine.thresholds = Buffer<float>(n_floats, std::numeric_limits<float>::quiet_NaN());
  for (std::uint32_t i = 0; i < codings_.size(); ++i) {
    const Coding& coding = engine.codings[i];
    if (!coding.is_categorical) fill_table(stretch(coding, i), coding, engine.thresholds);
  }
}

}  // namespace coppice::scoring
