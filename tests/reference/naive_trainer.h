// The textbook trainer: docs/determinism.md in plain loops, on one thread, with no thought for speed.
//
// It is what every backend is compared with, bit for bit. It shares with them the arithmetic (numerics.h,
// split.h, grown_tree.h, feature_sampling.h) and the boosting loop in core, and nothing else: every histogram
// is summed from the rows of its node, and the search for numeric splits, the routing, the binning and all
// sums are its own.
#pragma once

#include <coppice/backend.h>

#include <memory>
#include <string>

namespace coppice::reference {

/// The device `naive`. Cost: a training takes O(rounds * depth * rows * features) steps and holds all
/// histograms of one level.
class NaiveBackend final : public Backend {
 public:
  [[nodiscard]] std::string name() const override { return "naive"; }
  [[nodiscard]] Cuts make_cuts(const Dataset& data, const CutOptions& options) const override;
  [[nodiscard]] BinnedMatrix bin(const Dataset& data, const Cuts& cuts, bool with_records) const override;
  [[nodiscard]] std::unique_ptr<TrainingSession> open(const SessionData& data,
                                                      const Parameters& parameters) const override;
};

}  // namespace coppice::reference
