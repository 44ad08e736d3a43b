#include "report/model_report.h"

#include <fmt/format.h>

#include "report/page.h"
#include "report/sections.h"

namespace coppice::cli {

std::string model_report_html(const ModelReport& report) {
  std::string body;
  if (report.model.objective == Objective::kBinaryLogistic) {
    body += alerts_header(report) + threshold_section(report) + ranking_section(report) +
            calibration_section(report);
  } else {
    body += numbers_header(report) + residual_section(report);
  }
  body += features_section(report) + training_section(report) + data_section(report) + provenance(report);
  return html_page(fmt::format("{}: Coppice report", report.model_path), body);
}

}  // namespace coppice::cli
