#include "progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "text.h"

namespace coppice::cli {
namespace {

constexpr double kRedrawSeconds = 0.05;

}  // namespace

int terminal_width() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string progress_line(const Progress& progress) {
  std::string line = fmt::format("[{}]", progress.round);
  for (const MetricValue& metric : progress.metrics) {
    fmt::format_to(std::back_inserter(line), "\t{}:{}", metric.name, metric_text(metric.value));
  }
  return line;
}

std::string progress_bar(const Progress& progress, int done, int width) {
  constexpr std::size_t kCells = 20;
  const int left = progress.last_round - progress.round;
  const auto filled = kCells * static_cast<std::size_t>(done) / static_cast<std::size_t>(done + left);
  std::string cells(kCells, ' ');
  std::fill_n(cells.begin(), filled, '=');
  if (filled > 0 && filled < kCells) cells[filled - 1] = '>';
  const std::string total = fmt::to_string(progress.last_round + 1);
  std::string bar = fmt::format("round {:>{}}/{} [{}]", progress.round + 1, total.size(), total, cells);
  // In front of the metrics: what does not fit the line is cut.
  fmt::format_to(std::back_inserter(bar), " {} left", seconds_text(progress.seconds / done * left));
  for (const MetricValue& metric : progress.metrics) {
    fmt::format_to(std::back_inserter(bar), "  {} {}", metric.name, metric_text(metric.value));
  }
  return bar.substr(0, static_cast<std::size_t>(std::max(width, 0)));
}

ProgressLog::ProgressLog(int log_period)
    : log_period_(log_period), is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLog::show(const Progress& progress) {
  if (log_period_ == 0) return;
  if (first_round_ < 0) first_round_ = progress.round;
  if (is_terminal_) {
    draw_bar(progress);
  } else if (progress.round % log_period_ == 0) {
    write_log(progress_line(progress) + '\n');
    pending_.clear();
  } else {
    pending_ = progress_line(progress) + '\n';
  }
}

void ProgressLog::draw_bar(const Progress& progress) {
  // A line as wide as the terminal would wrap; the escape code clears what a longer state left behind.
  const std::string bar = progress_bar(progress, progress.round - first_round_ + 1, terminal_width() - 1);
  pending_ = "\r" + bar + "\x1b[K";
  if (drawn_ && progress.seconds - last_drawn_ < kRedrawSeconds) return;
  write_log(pending_);
  pending_.clear();
  last_drawn_ = progress.seconds;
  drawn_ = true;
}

void ProgressLog::finish() {
  write_log(pending_);
  pending_.clear();
  if (drawn_) write_log("\n");
}

}  // namespace coppice::cli
