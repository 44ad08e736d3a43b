#include "tune_report.h"

#include <coppice/error.h>
#include <coppice/io/file.h>
#include <coppice/tune/journal.h>
#include <coppice/tune/study.h>

#include "report/tuning_report.h"
#include "study_folder.h"

namespace coppice::cli {

ExitCode write_study_report(const TuneArguments& arguments) {
  if (arguments.out.empty()) throw Error("cli.usage", "name the HTML file to write with --out");
  const tune::Journal journal = read_study(arguments.report);
  const tune::Outcome outcome = tune::decide(journal.study, journal.limits(), journal.finished);
  io::write_file_atomically(arguments.out, tuning_report_html(journal.study, outcome, arguments.report));
  return kSuccess;
}

}  // namespace coppice::cli
