// Model files: XGBoost's JSON and UBJSON model format, with what it has no place for in one attribute.
#pragma once

#include <coppice/model.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::io {

enum class ModelFormat : std::uint8_t { kJson, kUbjson };

/// `.ubj` means UBJSON, anything else JSON.
[[nodiscard]] ModelFormat format_of_path(std::string_view path) noexcept;

/// The bytes of a model file. Equal models give equal bytes.
[[nodiscard]] std::string write_model(const Model& model, ModelFormat format);

/// Reads a model from bytes, JSON or UBJSON by content, ours or XGBoost's (binary:logistic,
/// reg:squarederror, booster gbtree, one output). The bytes are treated as hostile: every index, length,
/// child and cycle is checked. `name` stands in error messages.
/// Errors: io.model.* with where in the file and what was expected.
[[nodiscard]] Model read_model(std::string_view bytes, std::string_view name);

/// Writes a model atomically: temporary file beside it, fsync, rename. Errors: io.file.write.
void save_model(const Model& model, const std::string& path);

/// Errors: io.file.read, io.model.*.
[[nodiscard]] Model load_model(const std::string& path);

}  // namespace coppice::io
