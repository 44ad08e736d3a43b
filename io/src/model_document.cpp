#include "model_document.h"

namespace coppice::io {
namespace {

/// The deepest place of an XGBoost model is less than a dozen levels down.
constexpr std::size_t kMaxDepth = 32;

/// Builds a document from a parser's events and stops it where a file asks for too much.
class DocumentBuilder final : public nlohmann::json_sax<Document> {
 public:
  /// `bytes`: how long the file is. A value takes a byte at least; UBJSON could claim any number of empty
  /// ones.
  explicit DocumentBuilder(std::size_t bytes) : max_values_(bytes) {}

  [[nodiscard]] Document take() { return std::move(root_); }
  [[nodiscard]] const std::string& refusal() const noexcept { return refusal_; }
  [[nodiscard]] std::size_t error_position() const noexcept { return error_position_; }
  [[nodiscard]] const std::string& error_token() const noexcept { return error_token_; }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(std::int64_t value) override { return add(value); }
  bool number_unsigned(std::uint64_t value) override { return add(value); }
  bool number_float(float value, const std::string&) override { return add(value); }
  bool string(std::string& value) override { return add(std::move(value)); }
  bool binary(Document::binary_t&) override { return refuse("binary values have no place in a model"); }
  bool start_object(std::size_t) override { return open(Document::object()); }
  bool start_array(std::size_t) override { return open(Document::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(std::string& name) override {
    const auto [slot, is_new] = open_.back()->get_ref<Document::object_t&>().emplace(name, nullptr);
    member_ = &slot->second;
    return is_new || refuse(fmt::format("the key '{:.40}' appears twice in one object", name));
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception&) override {
    error_position_ = position;
    error_token_ = token;
    return false;
  }

 private:
  bool add(Document value) { return place(std::move(value)) != nullptr; }

  bool open(Document container) {
    if (open_.size() == kMaxDepth) return refuse(fmt::format("nested deeper than {} levels", kMaxDepth));
    Document* placed = place(std::move(container));
    if (placed != nullptr) open_.push_back(placed);
    return placed != nullptr;
  }
  bool close() {
    open_.pop_back();
    return true;
  }

  /// Puts a value where the next one belongs; null when there are too many.
  Document* place(Document value) {
    if (n_values_++ == max_values_) {
      refuse("more values than bytes");
      return nullptr;
    }
    if (open_.empty()) return &(root_ = std::move(value));
    if (open_.back()->is_array()) {
      auto& array = open_.back()->get_ref<Document::array_t&>();
      return &array.emplace_back(std::move(value));
    }
    return &(*member_ = std::move(value));
  }

  bool refuse(std::string why) {
    refusal_ = std::move(why);
    return false;
  }

  std::size_t max_values_;
  std::size_t n_values_ = 0;
  Document root_;
  std::vector<Document*> open_;  ///< the containers around the next value
  Document* member_ = nullptr;   ///< where the value of the last key goes
  std::string refusal_;
  std::size_t error_position_ = 0;
  std::string error_token_;
};

/// Both begin with `{`. In UBJSON the length of the first key follows, in JSON a quote, a brace or space.
bool is_ubjson(std::string_view bytes) {
  return bytes.size() > 1 && bytes[0] == '{' &&
         std::string_view("iUIlL$#").find(bytes[1]) != std::string_view::npos;
}

/// XGBoost 2 writes the unused threshold of a categorical split as `NaN`, which is no JSON.
std::string null_for_nan(std::string_view json) {
  constexpr std::string_view kNan = "NaN";
  std::string text;
  text.reserve(json.size() + json.size() / kNan.size());
  bool in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (!in_string && json.substr(i, kNan.size()) == kNan) {
      text += "null";
      i += kNan.size() - 1;
      continue;
    }
    text += json[i];
    if (json[i] == '"') in_string = !in_string;
    if (in_string && json[i] == '\\' && i + 1 < json.size()) text += json[++i];
  }
  return text;
}

void check_first_bytes(std::string_view bytes, std::string_view file) {
  const auto fail = [file](std::string_view what) {
    throw Error("io.model.syntax", fmt::format("{}: {}", file, what));
  };
  if (bytes.empty()) fail("the file is empty");
  if (bytes.starts_with("\x1f\x8b")) fail("a gzip file; unpack it first");
  if (bytes.starts_with("\x80")) fail("a Python pickle; save the model with save_model(\"model.json\")");
  if (bytes.starts_with("binf")) {
    fail("XGBoost's old binary format; load it in XGBoost 1 or 2 and save it as .json or .ubj");
  }
}

}  // namespace

Document parse_document(std::string_view bytes, std::string_view file) {
  check_first_bytes(bytes, file);
  const bool ubjson = is_ubjson(bytes);
  std::string rewritten;
  if (!ubjson && bytes.find("NaN") != std::string_view::npos) bytes = rewritten = null_for_nan(bytes);

  DocumentBuilder builder(bytes.size());
  const auto format = ubjson ? Document::input_format_t::ubjson : Document::input_format_t::json;
  if (Document::sax_parse(bytes.begin(), bytes.end(), &builder, format)) return builder.take();

  const std::string_view language = ubjson ? "UBJSON" : "JSON";
  if (!builder.refusal().empty())
    throw Error("io.model.syntax", fmt::format("{}: {}", file, builder.refusal()));
  if (builder.error_position() > bytes.size()) {
    throw Error("io.model.syntax",
                fmt::format("{}: the {} text ends too early, after {} bytes; is the file complete?", file,
                            language, bytes.size()));
  }
  throw Error("io.model.syntax", fmt::format("{}: byte {}: no valid {}, near '{:.40}'", file,
                                             builder.error_position(), language, builder.error_token()));
}

}  // namespace coppice::io
