// Our side of check_xgboost_reads.py.
//   exchange_sample write FOLDER  writes the sample model: sample.json, sample.ubj, and rows with their
//   margins exchange_sample read FILE     is the model in FILE still the sample model?
#include <coppice/io/file.h>
#include <coppice/io/model_file.h>
#include <coppice/model.h>
#include <fmt/format.h>

#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "sample_model.h"

namespace {

void write(const std::string& folder) {
  const coppice::Model model = coppice::make_sample_model();
  coppice::io::save_model(model, folder + "/sample.json");
  coppice::io::save_model(model, folder + "/sample.ubj");

  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  std::string rows;
  for (const float plain : {-1.0F, -0.1F, 2.0F, kMissing}) {
    for (const float odd : {0.0F, 123456784.0F, 123456789.0F, kMissing}) {
      for (const float code : {0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F, kMissing}) {
        for (const float last : {std::numeric_limits<float>::lowest(), 1.0F, kMissing}) {
          const std::array row{plain, odd, code, last};
          rows +=
              fmt::format("{} {} {} {} {}\n", plain, odd, code, last, coppice::predict_margin(model, row));
        }
      }
    }
  }
  coppice::io::write_file_atomically(folder + "/sample.txt", rows);
}

int read(const std::string& file) {
  const auto difference =
      coppice::first_difference(coppice::make_sample_model(), coppice::io::load_model(file));
  fmt::print("{}: {}\n", file, difference.empty() ? "no difference" : difference);
  return difference.empty() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (std::string_view(argv[1]) == "read") return read(argv[2]);
  write(argv[2]);
}
