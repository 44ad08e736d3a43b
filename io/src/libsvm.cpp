#include <coppice/error.h>
#include <coppice/io/libsvm.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>

#include "csv_cells.h"
#include "csv_number.h"

namespace coppice::io {
namespace {

constexpr float kMissingValue = std::numeric_limits<float>::quiet_NaN();

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

/// The next token of a line, cut off its front; empty at the end.
std::string_view next_token(std::string_view& line) noexcept {
  std::size_t begin = 0;
  while (begin < line.size() && is_blank(line[begin])) ++begin;
  std::size_t end = begin;
  while (end < line.size() && !is_blank(line[end])) ++end;
  const std::string_view token = line.substr(begin, end - begin);
  line.remove_prefix(end);
  return token;
}

bool is_nan(std::string_view text) noexcept {
  constexpr std::string_view kNan = "nan";
  return std::ranges::equal(text, kNan, {}, [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
}

/// Appends the rows of one text.
class LibsvmReader {
 public:
  LibsvmReader(std::string_view name, LibsvmLabels labels, LibsvmRows& rows)
      : name_(name), labels_(labels), rows_(rows) {}

  void read(std::string_view text) {
    text_end_ = text.data() + text.size();
    while (!text.empty()) {
      std::string_view line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(text.size(), line.size() + 1));
      ++n_lines_;
      line = line.substr(0, line.find('#'));
      if (const std::string_view token = next_token(line); !token.empty()) read_row(token, line);
    }
  }

 private:
  /// token: the first of the line, which goes on behind it.
  void read_row(std::string_view token, std::string_view line) {
    float label = kMissingValue;
    float weight = 1;
    const std::size_t colon = token.find(':');
    if (labels_ == LibsvmLabels::kRequired || colon == std::string_view::npos) {
      const bool has_weight = colon != std::string_view::npos;
      label = number(token.substr(0, colon), token, "label", labels_ == LibsvmLabels::kOptional);
      if (has_weight) weight = number(token.substr(colon + 1), token, "weight", false);
      if (weight < 0) fail("io.libsvm.weight", fmt::format("the weight {} is negative", shown(token)));
      if (has_weight && rows_.weights.empty()) rows_.weights.assign(rows_.n_rows(), 1.0F);
      if (has_weight || !rows_.weights.empty()) rows_.weights.push_back(weight);
      token = next_token(line);
    } else if (!rows_.weights.empty()) {
      rows_.weights.push_back(weight);
    }
    for (; !token.empty(); token = next_token(line)) read_entry(token);
    rows_.labels.push_back(label);
    rows_.offsets.push_back(rows_.indices.size());
  }

  void read_entry(std::string_view token) {
    const std::size_t colon = token.find(':');
    std::uint32_t index = 0;
    const char* const index_end = token.data() + std::min(colon, token.size());
    const auto [end, failed] = std::from_chars(token.data(), index_end, index);
    if (colon == std::string_view::npos || failed != std::errc() || end != index_end) {
      fail("io.libsvm.syntax", fmt::format("{} is not index:value, as 3:0.25", shown(token)));
    }
    rows_.indices.push_back(index);
    rows_.values.push_back(number(token.substr(colon + 1), token, "value", true));
  }

  /// The number that is the label, weight or value (`what`) of a token.
  float number(std::string_view text, std::string_view token, std::string_view what,
               bool may_be_missing) const {
    float value = 0;
    const char* const plain_end = parse_plain_number(text.data(), text_end_, value);
    if (plain_end == text.data() + text.size()) return value;
    if (may_be_missing && is_nan(text)) return kMissingValue;
    switch (parse_number(text, value)) {
      case NumberKind::kText:
        fail("io.libsvm.value", fmt::format("the {} in {} is not a number", what, shown(token)));
      case NumberKind::kInfinite:
        fail("io.libsvm.value",
             fmt::format("the {} in {} is infinite as a 32-bit float", what, shown(token)));
      case NumberKind::kNumber:
        break;
    }
    return value;
  }

  [[noreturn]] void fail(std::string_view id, std::string_view message) const {
    throw Error(id, fmt::format("{}:{}: {}", name_, n_lines_, message));
  }

  std::string_view name_;
  LibsvmLabels labels_;
  LibsvmRows& rows_;
  const char* text_end_ = nullptr;
  std::size_t n_lines_ = 0;
};

}  // namespace

void LibsvmRows::clear() {
  labels.clear();
  weights.clear();
  offsets.resize(1);
  indices.clear();
  values.clear();
}

std::uint32_t LibsvmRows::first_index() const noexcept {
  return indices.empty() || std::ranges::find(indices, 0U) != indices.end() ? 0 : 1;
}

std::size_t LibsvmRows::n_features() const noexcept {
  if (indices.empty()) return 0;
  return std::size_t{*std::ranges::max_element(indices)} + 1 - first_index();
}

void append_libsvm(std::string_view text, std::string_view name, LibsvmLabels labels, LibsvmRows& rows) {
  LibsvmReader(name, labels, rows).read(text);
}

}  // namespace coppice::io
