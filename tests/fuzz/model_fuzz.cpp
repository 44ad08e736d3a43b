// Any bytes read as a model: an error of ours, or a model that predicts, prints and survives saving.
#include <coppice/error.h>
#include <coppice/io/model_file.h>
#include <coppice/model.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

void use(const coppice::Model& model) {
  const std::vector<float> row(model.schema.features.size(), 0.5F);
  (void)coppice::predict_margin(model, row);
  (void)coppice::importance(model);
  (void)coppice::dump_text(model);
  for (const auto format : {coppice::io::ModelFormat::kJson, coppice::io::ModelFormat::kUbjson}) {
    const coppice::Model again = coppice::io::read_model(coppice::io::write_model(model, format), "saved");
    if (!coppice::first_difference(model, again).empty()) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  coppice::Model model;
  try {
    model = coppice::io::read_model({reinterpret_cast<const char*>(data), size}, "model");
  } catch (const coppice::Error&) {
    return 0;
  }
  use(model);  // what was read must be usable: an error here is a defect
  return 0;
}
