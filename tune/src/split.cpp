#include <coppice/error.h>
#include <coppice/tune/split.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string>

#include "group_split.h"
#include "shares.h"
#include "time_split.h"

namespace coppice::tune {
namespace {

void check_length(std::size_t size, std::size_t n_rows, bool is_needed, const char* name) {
  if (size == n_rows || (size == 0 && !is_needed)) return;
  throw Error("tune.split.column",
              fmt::format("{} {} for {} rows; give one for each row", size, name, n_rows));
}

void check_times(std::span<const double> times) {
  const auto bad = std::ranges::find_if_not(times, [](double time) { return std::isfinite(time); });
  if (bad == times.end()) return;
  throw Error("tune.split.column",
              fmt::format("the time of row {} (counted from 0) is {}; every row needs a time",
                          bad - times.begin(), *bad));
}

void check_columns(const SplitColumns& columns, SplitStrategy strategy) {
  check_length(columns.classes.size(), columns.n_rows, strategy == SplitStrategy::kStratified, "classes");
  check_length(columns.times.size(), columns.n_rows, uses_time(strategy), "times");
  check_length(columns.groups.size(), columns.n_rows, uses_groups(strategy), "groups");
  if (uses_time(strategy)) check_times(columns.times);
}

void check_gap(const SplitOptions& options) {
  if (options.gap == 0) return;
  if (!(options.gap > 0) || !std::isfinite(options.gap)) {
    throw Error("tune.split.gap", fmt::format("gap {} is no length of time; give 0 or more", options.gap));
  }
  if (!uses_time(options.strategy)) {
    throw Error("tune.split.gap", "only a split by time has a gap; choose the strategy time or time-group");
  }
}

std::string advice(SplitStrategy strategy) {
  switch (strategy) {
    case SplitStrategy::kTime:
      return "too few different times, or too long a gap; take larger or fewer parts, or a shorter gap";
    case SplitStrategy::kTimeGroup:
      return "too few different times, too long a gap, or only groups that were seen before; take larger or "
             "fewer parts, a shorter gap, or split by time alone";
    default:
      return "too few groups, or a group that is too large; take larger or fewer parts";
  }
}

/// `where`: `` or ` of fold 2`.
void check_not_empty(const Parts& parts, std::size_t n_parts, const std::string& where,
                     const std::string& what_to_do) {
  std::vector<std::size_t> n_rows(std::size_t{kNoPart} + 1);
  for (const std::uint8_t part : parts) ++n_rows[part];
  const auto end = n_rows.begin() + static_cast<std::ptrdiff_t>(n_parts);
  const auto empty = std::find(n_rows.begin(), end, 0U);
  if (empty == end) return;
  throw Error("tune.split.empty",
              fmt::format("part {} of {}{} gets none of the {} rows: {}", empty - n_rows.begin() + 1, n_parts,
                          where, parts.size(), what_to_do));
}

/// Part of each row before gaps and groups leave rows out.
TimeBlocks raw_parts(const SplitColumns& columns, const SplitOptions& options,
                     std::span<const double> fractions) {
  switch (options.strategy) {
    case SplitStrategy::kStratified:
      return {stratified_split(columns.classes, fractions, options.seed), {}};
    case SplitStrategy::kRandom:
      return {random_split(columns.n_rows, fractions, options.seed), {}};
    case SplitStrategy::kGroup:
      return {group_split(columns.groups, columns.classes, fractions, options.seed), {}};
    default:
      return cut_times(columns.times, fractions);
  }
}

void check_folds(std::size_t n_folds, std::size_t least) {
  constexpr std::size_t kMost = kMaxParts - 1;  // forward chaining needs one block more
  if (n_folds >= least && n_folds <= kMost) return;
  throw Error("tune.split.folds", fmt::format("{} folds; give {} to {}", n_folds, least, kMost));
}

/// Training rows before the test part, or on all sides of it.
Parts fold_parts(const SplitColumns& columns, const SplitOptions& options, const TimeBlocks& blocks,
                 std::size_t k) {
  const bool is_forward = uses_time(options.strategy);
  const std::size_t test = is_forward ? k + 1 : k;
  Parts parts(columns.n_rows, kNoPart);
  for (std::size_t row = 0; row < parts.size(); ++row) {
    const std::size_t block = blocks.parts[row];
    if (block != test) {
      if (block < test || !is_forward) parts[row] = kTrainPart;
    } else if (!is_forward || options.gap == 0 || columns.times[row] > blocks.last_times[k] + options.gap) {
      parts[row] = kTestPart;
    }
  }
  if (options.strategy == SplitStrategy::kTimeGroup) leave_out_seen_groups(columns.groups, parts);
  return parts;
}

}  // namespace

bool uses_time(SplitStrategy strategy) noexcept {
  return strategy == SplitStrategy::kTime || strategy == SplitStrategy::kTimeGroup;
}

bool uses_groups(SplitStrategy strategy) noexcept {
  return strategy == SplitStrategy::kGroup || strategy == SplitStrategy::kTimeGroup;
}

Parts split(const SplitColumns& columns, const SplitOptions& options) {
  check_fractions(options.fractions);
  check_gap(options);
  check_columns(columns, options.strategy);
  auto [parts, last_times] = raw_parts(columns, options, options.fractions);
  if (options.gap > 0) {
    for (std::size_t row = 0; row < parts.size(); ++row) {
      const std::uint8_t part = parts[row];
      if (part > 0 && columns.times[row] <= last_times[part - 1U] + options.gap) parts[row] = kNoPart;
    }
  }
  if (options.strategy == SplitStrategy::kTimeGroup) leave_out_seen_groups(columns.groups, parts);
  if (uses_time(options.strategy) || uses_groups(options.strategy)) {
    check_not_empty(parts, options.fractions.size(), "", advice(options.strategy));
  }
  return parts;
}

std::vector<Parts> make_folds(const SplitColumns& columns, const SplitOptions& options) {
  check_folds(options.n_folds, 2);
  check_gap(options);
  check_columns(columns, options.strategy);
  const std::size_t n_blocks = options.n_folds + (uses_time(options.strategy) ? 1 : 0);
  const std::vector<double> fractions(n_blocks, 1.0 / static_cast<double>(n_blocks));
  const TimeBlocks blocks = raw_parts(columns, options, fractions);
  check_not_empty(blocks.parts, n_blocks, "",
                  uses_time(options.strategy) || uses_groups(options.strategy)
                      ? advice(options.strategy)
                      : "too few rows; take fewer folds");
  std::vector<Parts> folds;
  for (std::size_t k = 0; k < options.n_folds; ++k) {
    folds.push_back(fold_parts(columns, options, blocks, k));
    check_not_empty(folds.back(), 2, fmt::format(" of fold {}", k + 1), advice(options.strategy));
  }
  return folds;
}

std::vector<Parts> prequential_folds(std::span<const double> times, const PrequentialOptions& options) {
  check_folds(options.n_folds, 1);
  check_times(times);
  const auto check = [](double value, bool is_good, const char* name, const char* range) {
    if (is_good && std::isfinite(value)) return;
    throw Error("tune.split.folds", fmt::format("{} {} must be a number {}", name, value, range));
  };
  check(options.start, true, "start", "of the time column");
  check(options.train_length, options.train_length > 0, "training length", "above 0");
  check(options.gap, options.gap >= 0, "gap", "from 0 on");
  check(options.test_length, options.test_length > 0, "test length", "above 0");
  check(options.step, options.step > 0, "step", "above 0");
  std::vector<Parts> folds;
  for (std::size_t k = 0; k < options.n_folds; ++k) {
    const double start = options.start + static_cast<double>(k) * options.step;
    const double train_end = start + options.train_length;
    const double test_start = train_end + options.gap;
    const double test_end = test_start + options.test_length;
    Parts& parts = folds.emplace_back(times.size(), kNoPart);
    for (std::size_t row = 0; row < parts.size(); ++row) {
      const double time = times[row];
      if (time >= start && time < train_end) parts[row] = kTrainPart;
      if (time >= test_start && time < test_end) parts[row] = kTestPart;
    }
    check_not_empty(parts, 2, fmt::format(" of fold {}", k + 1),
                    "the window holds no row; take fewer folds, or longer or earlier windows");
  }
  return folds;
}

}  // namespace coppice::tune
