// Any bytes read as a model: an error of ours, or a model that predicts, explains, prints and survives
// saving.
#include <coppice/error.h>
#include <coppice/explainer.h>
#include <coppice/io/model_file.h>
#include <coppice/model.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

// Covers may be negative and trees too deep: then an explainer is refused. One that is made gives numbers.
void explain(const coppice::Model& model, const std::vector<float>& row) {
  std::vector<double> contributions(row.size() + 1);
  try {
    coppice::Explainer(model).contributions(row, contributions);
  } catch (const coppice::Error&) {
    return;
  }
  if (!std::ranges::all_of(contributions, [](double value) { return std::isfinite(value); })) std::abort();
}

void use(const coppice::Model& model) {
  const std::vector<float> row(model.schema.features.size(), 0.5F);
  (void)coppice::predict_margin(model, row);
  explain(model, row);
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
