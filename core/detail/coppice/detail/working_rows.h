// Working rows: the rows that some rounds in a row look at, and nothing else.
//
// A round's own draw keeps a few per cent of fraud data, but to draw it, and to refit the leaves, every row
// is swept twice. Gradients change little from round to round, so one wider draw serves a stage of several
// rounds: a table of its rows, weighted by one over their probability, is trained on as if it were all there
// is, and the rows left out take the stage's trees when it is over. docs/decisions/009-working-rows.md has
// the evidence.
#pragma once

#include <coppice/binned_matrix.h>
#include <coppice/buffer.h>
#include <coppice/detail/numerics.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace coppice::detail {

/// The round after the stage that begins with round `first`: a third of the rounds so far, because margins
/// move fastest at first, and at most `working_rounds`. A stage of one round looks at all rows.
inline int stage_end(int first, int working_rounds) noexcept {
  return first + std::clamp(first / 3, 1, working_rounds);
}

/// A row is a working row with this many times the probability of being kept by the round's own draw.
inline constexpr float kWorkingRate = 8;

/// More than one in this many rows: sweeping all of them is as good.
inline constexpr std::size_t kRowsPerWorkingRow = 4;

/// The draw of working rows for the stage that begins with `round`, whose sampling threshold is `threshold`
/// (not 0). A drawn row counts repeat(draw, importance) times.
inline Draw make_working_draw(Objective objective, float threshold, double mean_weight, std::uint64_t seed,
                              int round) noexcept {
  return make_draw(objective, threshold / kWorkingRate, mean_weight, 1, seed, round, Purpose::kWorkingRow);
}

/// Working rows as a training table, in the order of the rows that they are.
struct WorkingRows {
  BinnedMatrix bins;      ///< with records
  Buffer<float> labels;   ///< [n_rows]
  Buffer<float> weights;  ///< [n_rows] the row's weight times how often it counts
  Buffer<float> margins;  ///< [n_rows] at the stage's beginning
};

}  // namespace coppice::detail
