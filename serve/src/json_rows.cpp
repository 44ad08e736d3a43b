// application/json and application/jsonlines, by events: no document is built. What JsonScan does not read is
// nlohmann's, whose word on what is wrong with a text is the last one.
#include <coppice/error.h>
#include <csv_cells.h>
#include <csv_number.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "json_scan.h"
#include "readers.h"
#include "take_until.h"

namespace coppice::serve {
namespace {

using nlohmann::json;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr std::string_view kInstancesKey = "instances";
constexpr std::string_view kFeaturesKey = "features";

/// The body is not JSON.
struct JsonFault {
  std::size_t byte = 0;
  bool is_overflow = false;
};

/// Takes the events of one JSON text.
class RowEvents final : public nlohmann::json_sax<json> {
 public:
  /// `is_row`: a list at the top is a row and not a list of rows.
  RowEvents(const FeatureTable& features, bool is_row, RowBatch& rows)
      : features_(features), rows_(rows), seen_(rows.memory.seen) {
    places_[0] = is_row ? Place::kOneRow : Place::kBody;
  }

  bool null() override {
    return take("null", [](std::size_t) { return kMissing; });
  }
  bool boolean(bool value) override {
    return take("a boolean", [&](std::size_t f) {
      if (features_.is_categorical(f))
        fail_kind("a boolean");  // which text it has in a CSV is anyone's guess
      return value ? 1.0F : 0.0F;
    });
  }
  bool number_integer(std::int64_t value) override { return take_integer(value); }
  bool number_unsigned(std::uint64_t value) override { return take_integer(value); }
  bool number_float(double value, const std::string& text) override {
    return take("a number", [&](std::size_t f) { return read_decimal(f, value, text); });
  }
  /// The same with the float that the text rounds to.
  bool decimal(std::string_view text, float value) {
    return take("a number", [&](std::size_t f) {
      if (features_.takes_plain_numbers(f)) return value;
      double exact = 0;
      std::from_chars(text.data(), text.data() + text.size(), exact);
      return read_decimal(f, exact, text);
    });
  }
  bool string(std::string_view text) {
    return take("a string", [&](std::size_t f) { return features_.read(f, text, row()); });
  }
  bool string(std::string& text) override { return string(std::string_view(text)); }
  bool binary(json::binary_t& /*value*/) override { return false; }

  bool start_array(std::size_t /*size*/) override { return start_array(); }
  bool start_array() {
    if (!enter()) return true;
    switch (place()) {
      case Place::kBody:
        push(Place::kUndecided);
        break;
      case Place::kRows:
      case Place::kOneRow:
        begin_list();
        break;
      case Place::kBodyObject:
        if (key_ == Key::kInstances) {
          push(Place::kRows);
          break;
        }
        [[fallthrough]];
      case Place::kObject:
        if (key_ != Key::kFeatures) fail_kind("a list");
        begin_row_of_object();
        has_list_ = true;
        index_ = 0;
        push(Place::kList);
        break;
      default:
        fail_kind("a list");
    }
    return true;
  }
  bool end_array() override {
    if (n_skipped_ > 0) return n_skipped_-- > 0;
    if (place() == Place::kList && index_ != features_.size()) fail_length();
    --depth_;
    return true;
  }

  bool start_object(std::size_t /*size*/) override { return start_object(); }
  bool start_object() {
    if (!enter()) return true;
    switch (place()) {
      case Place::kBody:
        push(Place::kBodyObject);
        break;
      case Place::kRows:
      case Place::kOneRow:
        push(Place::kObject);
        break;
      default:
        fail_kind("an object");
    }
    is_row_begun_ = has_list_ = false;
    unknown_names_.clear();
    return true;
  }
  bool key(std::string& name) override { return key(std::string_view(name)); }
  bool key(std::string_view name) {
    if (n_skipped_ > 0) return true;
    const auto feature = features_.find(name);
    key_ = feature ? Key::kFeature : Key::kUnknown;
    if (feature) {
      index_ = *feature;
    } else if (name == kFeaturesKey) {
      key_ = Key::kFeatures;
    } else if (name == kInstancesKey && place() == Place::kBodyObject) {
      key_ = Key::kInstances;
    } else {
      remember_unknown(name);
      return true;
    }
    if (place() == Place::kBodyObject) {
      has_instances_ = has_instances_ || key_ == Key::kInstances;
      const bool is_row = key_ != Key::kInstances || is_row_begun_;
      if (has_instances_ && is_row) fail("serve.request.columns", "the body has both instances and features");
    }
    return true;
  }
  bool end_object() override {
    if (n_skipped_ > 0) return n_skipped_-- > 0;
    if (place() == Place::kObject || !has_instances_) end_row_of_object();
    --depth_;
    return true;
  }

  bool parse_error(std::size_t byte, const std::string& /*token*/, const json::exception& error) override {
    constexpr int kOutOfRange = 406;
    throw JsonFault{byte, error.id == kOutOfRange};
  }

 private:
  enum class Place : std::uint8_t {
    kBody,        ///< before the only value
    kOneRow,      ///< the same for the text of one row
    kUndecided,   ///< in the list at the top: a row, or a list of rows
    kRows,        ///< in a list of rows
    kBodyObject,  ///< in the object at the top: {"instances": ..}, or a row
    kObject,      ///< in a row
    kList,        ///< in a row
  };
  enum class Key : std::uint8_t { kFeature, kFeatures, kInstances, kUnknown };

  Place& place() { return places_[depth_]; }
  void push(Place place) { places_[++depth_] = place; }
  /// The row that is read, from 0.
  [[nodiscard]] std::size_t row() const { return rows_.n_rows() - 1; }

  [[nodiscard]] bool is_in_object() { return place() == Place::kObject || place() == Place::kBodyObject; }
  [[nodiscard]] bool is_passed_over() { return is_in_object() && key_ == Key::kUnknown; }

  /// At the beginning of a list or an object. False when it is within the value of an unknown key.
  bool enter() {
    if (n_skipped_ > 0 || is_passed_over()) {
      ++n_skipped_;
      return false;
    }
    if (place() == Place::kUndecided) place() = Place::kRows;
    return true;
  }

  void begin_list() {
    values_ = rows_.add_row().data();
    index_ = 0;
    push(Place::kList);
  }

  void begin_row_of_object() {
    if (is_row_begun_) return;
    is_row_begun_ = true;
    values_ = rows_.add_row().data();
    n_seen_ = 0;
  }

  void end_row_of_object() {
    begin_row_of_object();
    if (has_list_ && n_seen_ == 0) return;
    if (has_list_) fail("serve.request.columns", "features stand there both by name and as a list");
    if (n_seen_ == features_.size()) return;
    const std::uint64_t number = row() + 1;
    const auto absent = std::ranges::find_if(seen_, [&](std::uint64_t last) { return last != number; });
    throw features_.absent_error(fmt::format("row {}", number),
                                 static_cast<std::size_t>(absent - seen_.begin()), unknown_names_,
                                 "; give null if its value is missing");
  }

  void remember_unknown(std::string_view name) {
    constexpr std::size_t kEnough = 100;
    if (unknown_names_.size() < kEnough) unknown_names_.emplace_back(name);
  }

  /// `value`: as `text` reads, for the name of a category.
  [[nodiscard]] float read_decimal(std::size_t f, double value, std::string_view text) const {
    return features_.is_categorical(f) ? features_.read(f, fmt::to_string(value), row())
                                       : features_.read_number(f, text, row());
  }

  template <class Integer>
  bool take_integer(Integer value) {
    return take("a number", [&](std::size_t f) {
      return features_.takes_plain_numbers(f) ? static_cast<float>(value)
                                              : features_.read(f, fmt::to_string(value), row());
    });
  }

  /// Puts a scalar where it belongs: `value_of(feature)` is its value, `text` what it is in messages.
  template <class ValueOf>
  bool take(std::string_view text, const ValueOf& value_of) {
    if (n_skipped_ > 0 || is_passed_over()) return true;
    if (place() == Place::kUndecided) {
      place() = Place::kList;
      values_ = rows_.add_row().data();
      index_ = 0;
    }
    if (is_in_object()) {
      if (key_ != Key::kFeature) fail_kind(text);
      begin_row_of_object();
      const std::uint64_t number = row() + 1;
      if (seen_[index_] == number) {
        fail("serve.request.columns",
             fmt::format("the feature '{}' stands there twice", features_.name(index_)));
      }
      seen_[index_] = number;
      ++n_seen_;
      values_[index_] = value_of(index_);
      return true;
    }
    if (place() != Place::kList) fail_kind(text);
    if (index_ == features_.size()) fail_length();
    values_[index_] = value_of(index_);
    ++index_;
    return true;
  }

  [[noreturn]] void fail(std::string_view id, std::string_view message) const {
    throw Error(id, fmt::format("row {}: {}", std::max<std::size_t>(rows_.n_rows(), 1), message));
  }
  [[noreturn]] void fail_length() const {
    const bool is_more = index_ == features_.size();
    fail("serve.request.columns", fmt::format("expected {} values, found {}{}", features_.size(),
                                              is_more ? "more" : fmt::to_string(index_),
                                              is_more ? "; rows to score have no label" : ""));
  }
  /// Something that does not belong where it stands.
  [[noreturn]] void fail_kind(std::string_view what) {
    const bool in_row = place() == Place::kList || (is_in_object() && key_ == Key::kFeature);
    if (in_row)
      throw features_.value_error(index_ % features_.size(), row(),
                                  fmt::format("{} is no value for it", what));
    throw Error(
        "serve.request.value",
        fmt::format("{} where rows are expected: a row is a list, an object by feature names or "
                    "{{\"features\": [..]}}; a body is a row, a list of rows or {{\"instances\": [rows]}}",
                    what));
  }

  const FeatureTable& features_;
  RowBatch& rows_;
  std::vector<std::uint64_t>& seen_;
  std::array<Place, 5> places_{};  // the deepest: body object, rows, object, list
  std::size_t depth_ = 0;
  std::size_t n_skipped_ = 0;  // levels within the value of an unknown key
  float* values_ = nullptr;    // of the row that is read
  std::size_t index_ = 0;      // feature
  Key key_ = Key::kUnknown;
  bool is_row_begun_ = false;
  bool has_list_ = false;
  bool has_instances_ = false;
  std::size_t n_seen_ = 0;
  std::vector<std::string> unknown_names_;  // keys of an object, for a message
};

/// The JSON text with null for NaN, which Python's json module writes though JSON has none.
void replace_nan(std::string_view text, std::string& replaced) {
  constexpr std::string_view kNan = "NaN";
  replaced.clear();
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!in_string && text.substr(i, kNan.size()) == kNan) {
      replaced += "null";
      i += kNan.size() - 1;
      continue;
    }
    if (text[i] == '"') in_string = !in_string;
    replaced += text[i];
    if (in_string && text[i] == '\\' && i + 1 < text.size()) replaced += text[++i];
  }
}

/// `line`: as for read_text.
[[noreturn]] void fail(const JsonFault& fault, std::string_view text, std::size_t line) {
  const std::string where = line == 0 ? std::string() : fmt::format("line {}, ", line);
  const std::size_t begin = std::min(text.size(), fault.byte == 0 ? 0 : fault.byte - 1);
  if (fault.is_overflow) {
    throw Error("serve.request.value",
                fmt::format("{}byte {}: the number is beyond the largest 32-bit float", where, fault.byte));
  }
  throw Error("serve.request.syntax", begin == text.size()
                                          ? fmt::format("{}the JSON text ends in the middle", where)
                                          : fmt::format("{}byte {}: no JSON from here on: {}", where,
                                                        fault.byte, io::shown(text.substr(begin))));
}

/// `line`: as for read_text. Errors: JsonFault, Error.
void parse_text(const FeatureTable& features, std::string_view text, std::size_t line, RowBatch& rows) {
  RowEvents events(features, /*is_row=*/line > 0, rows);
  json::sax_parse(text, &events);
}

/// Takes back what was read of a text, to read it from its beginning.
void forget_rows(std::size_t n_rows, RowBatch& rows) {
  while (rows.n_rows() > n_rows) rows.drop_row();
  std::ranges::fill(rows.memory.seen, 0);
}

/// Reads one text: line `line` of JSON Lines, which is a row, or, when it is 0, a whole body.
void read_text(const FeatureTable& features, std::string_view text, std::size_t line, RowBatch& rows) {
  const std::size_t n_rows = rows.n_rows();
  RowEvents events(features, /*is_row=*/line > 0, rows);
  if (JsonScan(text, events).run()) return;
  forget_rows(n_rows, rows);
  try {
    parse_text(features, text, line, rows);
  } catch (const JsonFault& fault) {
    if (text.find("NaN") == std::string_view::npos) fail(fault, text, line);
    forget_rows(n_rows, rows);
    replace_nan(text, rows.memory.text);
    try {
      parse_text(features, rows.memory.text, line, rows);
    } catch (const JsonFault& second) {
      fail(second, rows.memory.text, line);
    }
  }
}

}  // namespace

void read_json_rows(const FeatureTable& features, std::string_view body, RowBatch& rows) {
  rows.memory.seen.assign(features.size(), 0);
  read_text(features, body, 0, rows);
}

void read_json_lines_rows(const FeatureTable& features, std::string_view body, RowBatch& rows) {
  rows.memory.seen.assign(features.size(), 0);
  for (std::size_t line = 1; !body.empty(); ++line) {
    const std::string_view text = take_until(body, '\n');
    if (text.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    read_text(features, text, line, rows);
  }
}

}  // namespace coppice::serve
