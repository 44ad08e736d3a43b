#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>

#include "model_document.h"
#include "model_emitter.h"
#include "model_reader.h"
#include "model_writer.h"

namespace coppice::io {

ModelFormat format_of_path(std::string_view path) noexcept {
  return path.ends_with(".ubj") ? ModelFormat::kUbjson : ModelFormat::kJson;
}

std::string write_model(const Model& model, ModelFormat format) {
  const auto emitter = make_emitter(format);
  emit_model(model, *emitter);
  return emitter->take();
}

Model read_model(std::string_view bytes, std::string_view name) {
  const Document document = parse_document(bytes, name);
  return read_document(Field(document, name));
}

void save_model(const Model& model, const std::string& path) {
  write_file_atomically(path, write_model(model, format_of_path(path)));
}

Model load_model(const std::string& path) { return read_model(read_file(path), path); }

}  // namespace coppice::io
