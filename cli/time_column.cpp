#include "time_column.h"

#include <coppice/error.h>
#include <fmt/format.h>

namespace coppice::cli {

double length_of(std::string_view option, const std::string& text, io::TimeScale scale) {
  const auto length = io::parse_time_length(text, scale);
  if (length) return *length;
  throw Error("cli.usage",
              fmt::format("{}: {} is no length of time; the time column holds {}", option, text,
                          scale == io::TimeScale::kDate ? "dates: write a number and s, m, h or d, such as 7d"
                                                        : "numbers: write a number from 0 on in their unit"));
}

}  // namespace coppice::cli
