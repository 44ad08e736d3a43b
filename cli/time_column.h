// Times out of a column of texts.
#pragma once

#include <coppice/io/time_text.h>

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace coppice::cli {

/// Where a row stands, `file:line`, for messages.
using PlaceOfRow = std::function<std::string(std::size_t row)>;

/// A text out of a file for a message: its begin, quoted and escaped as JSON.
[[nodiscard]] std::string quoted_text(std::string_view text);

/// Reads the times of a column from the first row on. All of them are numbers, or all dates.
class TimeReader {
 public:
  TimeReader(std::string column, PlaceOfRow place);
  /// Errors: cli.split.time, with file, line and text.
  double read(std::size_t row, std::string_view text);
  /// Of the texts so far.
  [[nodiscard]] io::TimeScale scale() const noexcept { return scale_; }

 private:
  [[noreturn]] void refuse(std::size_t row, std::string_view text, std::string_view reason) const;

  std::string column_;
  PlaceOfRow place_;
  io::TimeScale scale_ = io::TimeScale::kNumber;
};

/// A length as typed for `option`, in the unit of the times. Errors: cli.usage.
[[nodiscard]] double length_of(std::string_view option, const std::string& text, io::TimeScale scale);

}  // namespace coppice::cli
