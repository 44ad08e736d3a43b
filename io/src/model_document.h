// The bytes of a model file as a tree of values, and safe access to them.
#pragma once

#include <coppice/error.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace coppice::io {

/// XGBoost's numbers are float32, and a text must become the float nearest to it: by way of double it could
/// be the second nearest.
using Document =
    nlohmann::basic_json<std::map, std::vector, std::string, bool, std::int64_t, std::uint64_t, float>;

/// Parses JSON or UBJSON, whichever the bytes are. Nesting, repeated keys and the number of values are
/// checked while parsing, so that memory stays in proportion to the bytes. JSON's missing word `NaN`, which
/// XGBoost writes, gives null. Errors: io.model.syntax with the byte where the text goes wrong.
[[nodiscard]] Document parse_document(std::string_view bytes, std::string_view file);

/// A value of a model file and its place there, so that every complaint says where. Refers to the JSON value
/// and the file's name. Errors, of every member: io.model.field.
template <class Json>
class Field {
 public:
  Field(const Json& json, std::string_view file, std::string path = {})
      : json_(&json), file_(file), path_(std::move(path)) {}

  [[nodiscard]] std::string_view file() const noexcept { return file_; }

  /// `model.json: learner.objective`
  [[nodiscard]] std::string place() const {
    return path_.empty() ? std::string(file_) : fmt::format("{}: {}", file_, path_);
  }

  [[noreturn]] void fail(std::string_view message, std::string_view id = "io.model.field") const {
    throw Error(id, fmt::format("{}: {}", place(), message));
  }

  /// A member of an object; nothing when it has none of that name.
  [[nodiscard]] std::optional<Field> find(std::string_view key) const {
    if (!json_->is_object()) fail("expected an object");
    const auto found = json_->find(key);
    if (found == json_->end()) return std::nullopt;
    return Field(*found, file_, path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key));
  }
  [[nodiscard]] Field at(std::string_view key) const {
    auto member = find(key);
    if (!member) fail(fmt::format("'{}' is missing", key));
    return *std::move(member);
  }

  [[nodiscard]] std::size_t size() const { return array().size(); }
  [[nodiscard]] Field item(std::size_t index) const {
    return item(index, fmt::format("{}[{}]", path_, index));
  }
  /// An element of an array under a name of its own, `tree 3`.
  [[nodiscard]] Field item(std::size_t index, std::string path) const {
    return Field(array()[index], file_, std::move(path));
  }
  /// What read(element) gives for every element of an array.
  template <class Read>
  [[nodiscard]] auto list(Read read) const {
    std::vector<decltype(read(*this))> values;
    for (std::size_t i = 0; i < size(); ++i) values.push_back(read(item(i)));
    return values;
  }

  [[nodiscard]] bool is_integer() const noexcept { return json_->is_number_integer(); }
  [[nodiscard]] bool is_array() const noexcept { return json_->is_array(); }
  [[nodiscard]] bool is_text() const noexcept { return json_->is_string(); }

  [[nodiscard]] const std::string& text() const {
    if (!json_->is_string()) fail("expected a text");
    return json_->template get_ref<const std::string&>();
  }
  [[nodiscard]] bool flag() const {
    if (!json_->is_boolean()) fail("expected true or false");
    return json_->template get<bool>();
  }
  /// Errors when the number is outside [lowest, highest].
  [[nodiscard]] std::int64_t integer(std::int64_t lowest, std::int64_t highest) const {
    const auto value = integer_of(*json_);
    if (!value || *value < lowest || *value > highest) fail_range(lowest, highest, json_->dump());
    return *value;
  }
  /// The same for a number that stands in a text, as XGBoost writes its parameters: `"30"`.
  [[nodiscard]] std::int64_t integer_in_text(std::int64_t lowest, std::int64_t highest) const {
    const std::string& digits = text();
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc{} && stop == digits.data() + digits.size();
    if (!whole || value < lowest || value > highest) fail_range(lowest, highest, digits);
    return value;
  }
  /// An array of integers; true and false count as 1 and 0.
  [[nodiscard]] std::vector<std::int64_t> integers(std::int64_t lowest, std::int64_t highest) const {
    std::vector<std::int64_t> values;
    values.reserve(size());
    for (const Json& element : array()) {
      const auto value = integer_of(element);
      if (!value || *value < lowest || *value > highest) {
        item(values.size()).fail_range(lowest, highest, element.dump());
      }
      values.push_back(*value);
    }
    return values;
  }
  /// An array of numbers; null, and "inf" and "-inf", stand for what JSON has no number for.
  [[nodiscard]] std::vector<typename Json::number_float_t> numbers() const {
    std::vector<typename Json::number_float_t> values;
    values.reserve(size());
    for (const Json& element : array()) {
      const auto value = number_of(element);
      if (!value) item(values.size()).fail("expected a number");
      values.push_back(*value);
    }
    return values;
  }
  [[nodiscard]] typename Json::number_float_t number() const {
    const auto value = number_of(*json_);
    if (!value) fail("expected a number");
    return *value;
  }

 private:
  using Number = typename Json::number_float_t;

  [[nodiscard]] const typename Json::array_t& array() const {
    if (!json_->is_array()) fail("expected an array");
    return json_->template get_ref<const typename Json::array_t&>();
  }
  [[noreturn]] void fail_range(std::int64_t lowest, std::int64_t highest, const std::string& found) const {
    fail(fmt::format("expected an integer in [{}, {}], found {:.40}", lowest, highest, found));
  }
  static std::optional<std::int64_t> integer_of(const Json& json) {
    if (json.is_boolean()) return json.template get<bool>() ? 1 : 0;
    if (!json.is_number_integer()) return std::nullopt;
    const bool fits =
        !json.is_number_unsigned() ||
        json.template get<std::uint64_t>() <= std::uint64_t{std::numeric_limits<std::int64_t>::max()};
    if (!fits) return std::nullopt;
    return json.template get<std::int64_t>();
  }
  static std::optional<Number> number_of(const Json& json) {
    if (json.is_number()) return json.template get<Number>();
    if (json.is_null()) return std::numeric_limits<Number>::quiet_NaN();
    if (json == "inf") return std::numeric_limits<Number>::infinity();
    if (json == "-inf") return -std::numeric_limits<Number>::infinity();
    return std::nullopt;
  }

  const Json* json_;
  std::string_view file_;
  std::string path_;
};

}  // namespace coppice::io
