// Seeded splits of a table into parts and folds.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace coppice::tune {

/// Part of each row; a part is one byte.
using Parts = std::vector<std::uint8_t>;

/// The part of a row that is left out: in a gap, or of a group that was seen earlier.
inline constexpr std::uint8_t kNoPart = 255;
/// Parts of a fold.
inline constexpr std::uint8_t kTrainPart = 0;
inline constexpr std::uint8_t kTestPart = 1;

enum class SplitStrategy : std::uint8_t {
  kStratified,  ///< by a shuffle within each class
  kRandom,      ///< by a shuffle
  kTime,        ///< the oldest rows first
  kGroup,       ///< all rows of a group in one part
  kTimeGroup,   ///< kTime without the rows of later parts whose group an earlier part holds
};

/// Does a strategy look at times, at groups?
[[nodiscard]] bool uses_time(SplitStrategy strategy) noexcept;
[[nodiscard]] bool uses_groups(SplitStrategy strategy) noexcept;

/// How a table is divided; docs/splits.md has the definitions.
struct SplitOptions {
  SplitStrategy strategy = SplitStrategy::kStratified;
  /// For `split`: shares of the rows, positive, summing to 1 (within 1e-9); at most 255.
  std::vector<double> fractions;
  /// For `make_folds`: 2 .. 254.
  std::size_t n_folds = 0;
  /// Of the shuffle, or of the order of the groups; time has no randomness.
  std::uint64_t seed = 0;
  /// For kTime and kTimeGroup, in units of the times: rows whose time is at most the last time of the part
  /// before plus this gap are left out. Finite, not negative.
  double gap = 0;
};

/// What a split looks at: spans of [n_rows], empty where there is no such column.
struct SplitColumns {
  std::size_t n_rows = 0;
  std::span<const std::uint32_t> classes;  ///< any small integers; needed by kStratified, used by kGroup
  std::span<const double> times;           ///< finite; needed by kTime and kTimeGroup
  std::span<const std::uint64_t> groups;   ///< group_key of each group; needed by kGroup and kTimeGroup
};

/// Part of each row by one strategy, `part[row]` in 0 .. fractions.size() - 1, or kNoPart.
/// - kStratified, kRandom: stratified_split and random_split.
/// - kTime: part p ends at the running sum of fractions; rows of equal time are one block, and a block goes
/// to
///   the part in which its middle row falls, so that a cut is off its place by at most half a block. The gap
///   is taken from the begin of every part but the first.
/// - kGroup: groups ordered by a hash of (seed, group), cut as times are. With classes this is done
///   separately for the groups that have the same rarest class among their rows.
/// - kTimeGroup: kTime; then a row stays only if no earlier part holds its group.
/// The result is the same for any thread count. Permuting the rows permutes the result of kTime, kGroup and
/// kTimeGroup; the others depend on row numbers.
/// Errors: tune.split.fractions; tune.split.gap; tune.split.column, a needed column is absent or has a time
/// that is not finite; tune.split.empty, a part of kTime, kGroup or kTimeGroup would have no row.
/// Cost: a sort of the rows (random, stratified), of the times, or of the groups.
[[nodiscard]] Parts split(const SplitColumns& columns, const SplitOptions& options);

/// Parts of each of n_folds folds: kTrainPart, kTestPart or kNoPart for every row. One byte for each row and
/// fold.
/// - kStratified, kRandom, kGroup: the parts of `split` with equal fractions take turns at being the test
///   part; every row is in exactly one test part.
/// - kTime: forward chaining. `split` with n_folds + 1 equal fractions makes blocks; fold k trains on blocks
///   0 .. k and tests on block k + 1 without the gap; later rows are left out.
/// - kTimeGroup: kTime without the test rows whose group the training part holds.
/// Errors: those of `split`; tune.split.folds.
[[nodiscard]] std::vector<Parts> make_folds(const SplitColumns& columns, const SplitOptions& options);

/// Prequential folds: fold k trains on [s, s + train_length) with s = start + k step, and tests on
/// [s + train_length + gap, s + train_length + gap + test_length); all in units of the times. (Dawid 1984;
/// gap is the delay period of the Fraud Detection Handbook of Le Borgne et al., chapter 5.)
struct PrequentialOptions {
  double start = 0;
  double train_length = 0;  ///< positive
  double gap = 0;           ///< not negative
  double test_length = 0;   ///< positive
  double step = 0;          ///< positive; test_length makes test parts follow each other
  std::size_t n_folds = 0;  ///< 1 .. 254
};

/// As make_folds. times [n_rows], in any order. Errors: tune.split.folds, a length that is out of range;
/// tune.split.column; tune.split.empty, a window without a row.
[[nodiscard]] std::vector<Parts> prequential_folds(std::span<const double> times,
                                                   const PrequentialOptions& options);

/// Part of each row, `part[row]` in 0 .. fractions.size() - 1, by a seeded shuffle: parts get floor or ceil
/// of their share of the rows, earlier parts first. fractions are positive and sum to 1 (within 1e-9).
/// The same for any thread count; a counter-based hash of (seed, row) orders the rows.
/// Errors: tune.split.fractions.
[[nodiscard]] Parts random_split(std::size_t n_rows, std::span<const double> fractions, std::uint64_t seed);

/// The same within each class, so that every part has its share of each class to within one row.
/// classes [n_rows]: any small integers.
[[nodiscard]] Parts stratified_split(std::span<const std::uint32_t> classes,
                                     std::span<const double> fractions, std::uint64_t seed);

/// A 64-bit hash of a group's text: FNV-1a. Two groups that share it (three chances in 10^8 among a
/// million groups) are split as one.
[[nodiscard]] std::uint64_t group_key(std::string_view text) noexcept;

}  // namespace coppice::tune
