// Values of a model file, one after the other, as JSON or UBJSON text.
#pragma once

#include <coppice/io/model_file.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace coppice::io {

/// Writes a document from front to back. XGBoost tells a float from an integer by how it is written and reads
/// UBJSON arrays by the type of their elements, so each kind of value has its own member here.
class Emitter {
 public:
  virtual ~Emitter() = default;

  virtual void begin_object() = 0;
  virtual void end_object() = 0;
  virtual void key(std::string_view name) = 0;     ///< a value follows
  virtual void begin_array(std::size_t size) = 0;  ///< of texts, integers, objects
  virtual void end_array() = 0;
  virtual void text(std::string_view value) = 0;
  virtual void integer(std::int64_t value) = 0;
  virtual void floats(std::span<const float> values) = 0;
  virtual void integers(std::span<const std::int32_t> values) = 0;
  virtual void long_integers(std::span<const std::int64_t> values) = 0;
  virtual void bytes(std::span<const std::uint8_t> values) = 0;

  /// The document. Nothing may be written after.
  [[nodiscard]] std::string take() { return std::move(out_); }

 protected:
  std::string out_;
};

[[nodiscard]] std::unique_ptr<Emitter> make_emitter(ModelFormat format);

/// The shortest text that reads back as this float, in a form that XGBoost takes for a float: `1.0`,
/// `2.5e-07`.
[[nodiscard]] std::string float_text(float value);

}  // namespace coppice::io
