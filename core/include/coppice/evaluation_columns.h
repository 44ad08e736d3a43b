// What is known of each row when its score is measured.
#pragma once

#include <coppice/buffer.h>

#include <cstdint>
#include <optional>
#include <span>

namespace coppice {

/// Columns that some metrics look at beside labels and weights. Each [n_rows], or empty.
struct SideColumns {
  Buffer<float> amounts;         ///< money at stake: finite, not negative
  Buffer<std::uint32_t> groups;  ///< the card or customer, by number: number_groups
  Buffer<std::uint32_t> days;    ///< the day, by number: number_days
};

/// A view of all that metrics may look at. labels [n_rows], the others too or empty.
struct EvaluationColumns {
  std::span<const float> labels = {};
  std::span<const float> weights = {};  ///< not negative; empty: every row weighs 1
  std::span<const float> amounts = {};
  std::span<const std::uint32_t> groups = {};
  std::span<const std::uint32_t> days = {};
};

/// Which of the optional columns there are.
struct GivenColumns {
  bool amounts = false, groups = false, days = false;
};

[[nodiscard]] GivenColumns given_columns(const EvaluationColumns& columns) noexcept;

/// What calls of positive cost, in one currency. All not negative.
struct Costs {
  double false_positive = 0;
  std::optional<double> false_negative;  ///< of a positive row that is missed; not set: its amount
  double review = 0;                     ///< of every alert, right or wrong
  bool operator==(const Costs&) const = default;
};

/// Numbers of groups from any keys of theirs (ids, or hashes of texts), in the order of a hash of the keys: 0
/// for the first. Where metrics have to choose between groups of equal score, the lower number comes first,
/// so the choice does not depend on the order of rows, nor on what ids mean.
/// Shapes: keys [n], result [n]. n < 2^32. Cost: a sort of the keys.
[[nodiscard]] Buffer<std::uint32_t> number_groups(std::span<const std::uint64_t> keys);

/// Numbers of the days that occur, oldest first, from times in any unit: rows are of one day when
/// floor(time / day_length) is the same. A day without rows has no number.
/// Shapes: times [n], finite; day_length positive; result [n]. n < 2^32. Cost: a sort of the times.
[[nodiscard]] Buffer<std::uint32_t> number_days(std::span<const double> times, double day_length);

/// How many days there are. Cost: one pass.
[[nodiscard]] std::size_t count_days(std::span<const std::uint32_t> days);

}  // namespace coppice
