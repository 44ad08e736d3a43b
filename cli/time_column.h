// Times out of a column of texts.
#pragma once

#include <coppice/io/time_text.h>

#include <string>
#include <string_view>

namespace coppice::cli {

/// A length as typed for `option`, in the unit of the times. Errors: cli.usage.
[[nodiscard]] double length_of(std::string_view option, const std::string& text, io::TimeScale scale);

}  // namespace coppice::cli
