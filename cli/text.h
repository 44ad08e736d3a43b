// What the verbs print: aligned tables, numbers for people, and the two streams.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace coppice::cli {

/// A table whose columns line up: the first is aligned left, the others right unless told otherwise.
class TextTable {
 public:
  enum class Align { kLeft, kRight };

  explicit TextTable(std::vector<std::string> header);
  void align(std::size_t column, Align align);
  /// Needs: one cell for each column.
  void add_row(std::vector<std::string> cells);
  /// Lines of `indent` spaces and the cells, two spaces apart, without trailing blanks. Control characters
  /// of a cell are shown as `?`: tables hold texts out of files.
  [[nodiscard]] std::string text(std::size_t indent = 2) const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the header first
  std::vector<Align> align_;
};

/// `54,086`.
[[nodiscard]] std::string count_text(std::uint64_t count);
/// Up to six significant digits: `0.00874535`, `25691.2`; `-` for NaN.
[[nodiscard]] std::string number_text(double value);
/// Whole numbers with separators, others as number_text: sums of weights.
[[nodiscard]] std::string sum_text(double value);
/// part / all; 0 of nothing.
[[nodiscard]] inline double share(std::size_t part, std::size_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}
/// `0.875 %`.
[[nodiscard]] std::string percent_text(double part);
/// Five decimals, as XGBoost prints metrics.
[[nodiscard]] std::string metric_text(double value);
/// `0.8 s`, `2 min 05 s`.
[[nodiscard]] std::string seconds_text(double seconds);
/// `312 MB`.
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// Results: to standard output. Errors: cli.output when it cannot be written.
void write_output(std::string_view text);
/// A JSON value and a new line; NaN becomes null.
void write_json(const nlohmann::ordered_json& value);
/// Everything else: to standard error. Never fails.
void write_log(std::string_view text) noexcept;

}  // namespace coppice::cli
