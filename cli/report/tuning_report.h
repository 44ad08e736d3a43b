// The report of a study: what a tuning tried and found, as one HTML page.
#pragma once

#include <coppice/tune/study.h>

#include <string>

namespace coppice::cli {

/// The page. `name` is the study's, its folder. The same bytes for the same study and outcome.
[[nodiscard]] std::string tuning_report_html(const tune::Study& study, const tune::Outcome& outcome,
                                             const std::string& name);

}  // namespace coppice::cli
